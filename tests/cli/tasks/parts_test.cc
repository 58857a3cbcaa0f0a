// Parts of a list, and what merges of them.
#include <algorithm>

#include "cli/tasks/predict/merge.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;

class PartsTaskTest : public TaskTest {
 protected:
  PartsTaskTest() {
    for (int i = 0; i < 7; ++i)
      images_.push_back(picture(std::to_string(i) + ".png", {static_cast<std::uint8_t>(30 * i), 100, 7}));
    images_[3] = write("broken.png", "no picture");
    predict(request(images_), context());
    whole_ = written[""].bytes;
  }
  cli::PredictRequest part_request(std::size_t index, std::size_t of) const {
    cli::PredictRequest asked = request(images_);
    asked.part = cli::PartOf{index, of};
    asked.output = path(std::to_string(index) + "of" + std::to_string(of));
    return asked;
  }
  // Its file.
  std::string part(std::size_t index, std::size_t of) {
    const cli::PredictRequest asked = part_request(index, of);
    predict(asked, on_disk());
    return asked.output;
  }
  std::string refusal(const std::vector<std::string>& parts) {
    const auto [kind, text] = error_of([&] { merge({parts, "refused"}, context()); });
    EXPECT_EQ(kind, Fault::unreadable);
    EXPECT_FALSE(written.contains("refused"));
    return text;
  }

  std::vector<std::string> images_;
  std::string whole_;
};

TEST_F(PartsTaskTest, AreTheWhole) {
  for (const std::size_t of : {1, 2, 3, 7, 9}) {
    std::vector<std::string> parts;
    for (std::size_t index = of; index > 0; --index) parts.push_back(part(index, of));
    const std::string merged = "merged " + std::to_string(of);
    const cli::MergeResult result = merge({parts, merged}, context());
    EXPECT_EQ(result.parts, of);
    EXPECT_EQ(result.answers, 7u);
    EXPECT_EQ(written[merged].bytes, whole_) << of;
    EXPECT_TRUE(written[merged].whole);
  }
}

class CountingSink : public MemorySink {
 public:
  CountingSink(Written& to, int& writes) : MemorySink(to), writes_(writes) {}

 protected:
  void send(std::string_view bytes) override {
    ++writes_;
    MemorySink::send(bytes);
  }

 private:
  int& writes_;
};

// A failed photo is an answer, too; what is written is blocks, not answers and not parts.
TEST_F(PartsTaskTest, AreWrittenByBlocks) {
  std::vector<std::string> parts;
  for (std::size_t index = 1; index <= 7; ++index) parts.push_back(part(index, 7));
  int writes = 0;
  Written merged;
  cli::TaskContext counting = context();
  counting.open = [&](const std::string&) { return std::make_unique<CountingSink>(merged, writes); };
  merge({parts, "merged"}, counting);
  EXPECT_EQ(merged.bytes, whole_);
  EXPECT_EQ(writes, 1);
}

TEST_F(PartsTaskTest, AreResumed) {
  const std::string whole = content(part(1, 2));
  cli::PredictRequest asked = part_request(1, 2);
  asked.output.clear();
  asked.resume = path("grown");
  for (const std::size_t lines : {1, 2, 4, 6}) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < lines && size < whole.size(); ++i) size = whole.find('\n', size) + 1;
    write("grown", whole.substr(0, size));
    predict(asked, context());
    EXPECT_EQ(content(path("grown")), whole) << lines;
  }
}

TEST_F(PartsTaskTest, WhatIsMissingOrTwiceIsNamed) {
  const std::string first = part(1, 3), second = part(2, 3);
  EXPECT_THAT(refusal({first, second}), HasSubstr("part 3 of 3 is missing"));
  EXPECT_THAT(refusal({first, first, second}), HasSubstr("are both part 1 of 3"));
  EXPECT_THAT(refusal({first, part(2, 2)}), HasSubstr("is part 2 of 2 of 7 inputs, but"));
  EXPECT_THAT(refusal({path("nowhere")}), HasSubstr("nowhere: cannot be opened"));
  EXPECT_THAT(refusal({write("whole", whole_)}), HasSubstr("whole: is not a part"));
}

TEST_F(PartsTaskTest, WhatIsDamagedIsNamed) {
  const std::string first = part(1, 2), second = part(2, 2), bytes = content(second);
  write("cut", bytes.substr(0, bytes.size() - 3));
  EXPECT_THAT(refusal({first, path("cut")}), HasSubstr("part 2 of 2 is incomplete"));
  const std::size_t begin = bytes.find('\n') + 1, end = bytes.find('\n', begin) + 1;
  write("short", bytes.substr(0, begin) + bytes.substr(end));
  EXPECT_THAT(refusal({first, path("short")}), HasSubstr("part 2 of 2 holds 2 answers"));
  cli::PredictRequest other = part_request(2, 2);
  other.top_k = 1;
  predict(other, on_disk());
  EXPECT_THAT(refusal({first, other.output}), HasSubstr("was made with top-k 1"));
}

TEST_F(PartsTaskTest, PlacesAreInOrderAndDifferByOne) {
  const std::vector<std::uint64_t> paths = {1, 2, 3, 4, 5, 6, 7};
  std::size_t next = 0;
  for (const std::size_t index : {1, 2, 3}) {
    const answers::Shard shard = cli::place_shard({index, 3}, paths);
    EXPECT_EQ(shard.first, next);
    EXPECT_EQ(shard.count, index == 1 ? 3u : 2u);
    EXPECT_EQ(shard.inputs, 7u);
    next += shard.count;
  }
  EXPECT_EQ(next, 7u);
}

}  // namespace
}  // namespace resnet::test
