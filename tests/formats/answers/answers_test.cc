#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/answers/parts.h"
#include "formats/answers/read.h"
#include "formats/answers/write.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet::answers {
namespace {

using testing::HasSubstr;

const std::vector<Prediction> predictions = {{.index = 1, .probability = 0.75, .logit = 2.5},
                                             {.index = 7, .probability = 0.25, .logit = {}}};

TEST(AnswersTest, AsJsonLines) {
  Writer writer(Format::jsonl, {"cat", "dog"});
  EXPECT_EQ(writer.begin(), "");
  EXPECT_EQ(writer.answer("a.png", predictions),
            "{\"input\":\"a.png\",\"predictions\":[{\"rank\":1,\"index\":1,\"label\":\"dog\",\"probability\":0.75,\"logit\":2.5},"
            "{\"rank\":2,\"index\":7,\"label\":null,\"probability\":0.25,\"logit\":null}]}\n");
  EXPECT_EQ(writer.failure("a\xff.png", "is gone"),
            "{\"input\":\"a\xef\xbf\xbd.png\",\"input_base64\":\"Yf8ucG5n\",\"error\":\"is gone\"}\n");
}

TEST(AnswersTest, AsCsv) {
  Writer writer(Format::csv, {"cat", "=dog, hot"});
  EXPECT_EQ(writer.begin(), "input,rank,index,label,probability,logit\n");
  EXPECT_EQ(writer.answer("a.png", predictions), "a.png,1,1,\"'=dog, hot\",0.75,2.5\na.png,2,7,,0.25,\n");
  EXPECT_EQ(writer.failure("a.png", "is gone"), "");
}

TEST(AnswersTest, AsText) {
  EXPECT_EQ(Writer(Format::text, {"cat", "dog"}).answer("a\n.png", predictions), "a\\n.png\n   75.00 %  1  dog\n   25.00 %  7\n");
  EXPECT_EQ(Writer(Format::text, {}, true).answer("a", predictions), "a\n     2.5000  1\n    -1.3863  7\n");
}

TEST(AnswersTest, WhatIsWrittenIsReadBack) {
  Writer writer(Format::jsonl, {});
  for (const std::string input : {"a.png", "a\xff.png", "a\"\\\n.png", ""}) {
    std::string line = writer.answer(input, predictions);
    line.pop_back();
    const auto read = parse_answer_line(line);
    ASSERT_TRUE(read) << input;
    EXPECT_TRUE(read->is_of(input));
    EXPECT_FALSE(read->is_of(input + "x"));
    EXPECT_FALSE(read->failed);
    EXPECT_EQ(read->key(), tally_key(input));
    for (std::size_t size = 1; size <= line.size(); ++size) EXPECT_TRUE(begins_answer_of(line.substr(0, size), input)) << size;
    line = writer.failure(input, "is gone");
    line.pop_back();
    EXPECT_TRUE(parse_answer_line(line).value().failed);
  }
  EXPECT_TRUE(parse_answer_line("{\"input\":\"x.npy[12]\",\"error\":\"\"}").value().is_part_of("x.npy"));
  for (const char* line : {"", "{}", "{\"input\":1}", "{\"input\":\"a\"}", "{\"input\":\"a\",\"predictions\":[],\"error\":\"\"}"})
    EXPECT_FALSE(parse_answer_line(line)) << line;
}

TEST(AnswersTest, LinesAreReadWithTheirPlaces) {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("a.jsonl", "{\"input\":\"a\"}\n{\"shard\":1}\n{\"inp").string();
  LineReader lines(file);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "{\"input\":\"a\"}");
  EXPECT_EQ(lines.end(), 14u);
  ASSERT_TRUE(lines.next(line));
  EXPECT_FALSE(lines.is_foreign());
  ASSERT_TRUE(lines.next(line));
  EXPECT_FALSE(lines.has_end());
  EXPECT_EQ(lines.number(), 3u);
  EXPECT_FALSE(lines.next(line));
  LineReader foreign(folder.write("b", "#!/bin/sh\n").string());
  ASSERT_TRUE(foreign.next(line));
  EXPECT_TRUE(foreign.is_foreign());
  EXPECT_FALSE(LineReader((folder.path() / "nowhere").string()).is_there());
  EXPECT_THAT(test::error_of([&] { LineReader reader(folder.path().string()); }).second, HasSubstr("is not a regular file"));
}

const Shard shard{2, 3, 4, 5, 14, "519e"};

TEST(AnswersTest, APartsFirstLineHoldsAnIdentityAsItIs) {
  std::string line = first_line({shard, {1, 2, 16}, "{\"format\":1,\"networks\":[],\"label\":\"\xc3\xa9\"}"});
  EXPECT_EQ(line,
            "{\"shard\":{\"index\":2,\"of\":3,\"first\":4,\"count\":5,\"inputs\":14,\"list\":\"519e\",\"batch\":1,\"threads\":2,"
            "\"images\":16,\"identity\":{\"format\":1,\"networks\":[],\"label\":\"\xc3\xa9\"}}}\n");
  line.pop_back();
  const auto read = parse_first_line(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->shard, shard);
  EXPECT_EQ(read->size.threads, 2u);
  EXPECT_EQ(read->identity, "{\"format\":1,\"networks\":[],\"label\":\"\xc3\xa9\"}");
  EXPECT_TRUE(begins_first_line(line.substr(0, 30), shard));
  EXPECT_FALSE(begins_first_line("{\"shard\":{\"index\":1,\"of\":3,", shard));
  EXPECT_FALSE(parse_first_line("{\"shard\":{}}"));
  EXPECT_EQ(job_size_from_json(to_json(JobSize{2, 3, 4})), (JobSize{2, 3, 4}));
  EXPECT_THAT(test::error_of([] { job_size_from_json(R"({"batch":0,"threads":1,"images":4})"); }).second,
              HasSubstr("is of no batch or no threads"));
  EXPECT_THAT(test::error_of([] { job_size_from_json(R"({"batch":-1,"threads":1,"images":4})"); }).second,
              HasSubstr("\"batch\" is -1"));
  EXPECT_THAT(test::error_of([] { job_size_from_json("[]"); }).second, HasSubstr("is damaged"));
  EXPECT_THAT(test::error_of([] { parse_first_line("{\"shard\":{\"settings\":\"\"}}"); }).second, HasSubstr("version 0.1.0"));
  EXPECT_THAT(test::error_of([] { parse_first_line("{\"shard\":{\"index\":-1}}"); }).second, HasSubstr("\"index\" is -1"));
}

TEST(AnswersTest, APartsLastLine) {
  Tally tally;
  tally.add("a.png");
  tally.add("b.png");
  std::string line = last_line({2, 3, tally});
  EXPECT_THAT(line, testing::StartsWith("{\"shard_end\":{\"index\":2,\"of\":3,\"answers\":2,\"digest\":\""));
  line.pop_back();
  EXPECT_EQ(parse_last_line(line), (PartEnd{2, 3, tally}));
  for (std::size_t size = 0; size <= line.size(); ++size) EXPECT_TRUE(begins_last_line(line.substr(0, size)));
  EXPECT_FALSE(begins_last_line("{\"shard\":"));
  EXPECT_FALSE(parse_last_line("{\"shard_end\":{\"index\":2,\"of\":3,\"answers\":2,\"digest\":\"xyz\"}}"));
  EXPECT_FALSE(parse_last_line("{\"input\":\"a\"}"));
}

}  // namespace
}  // namespace resnet::answers
