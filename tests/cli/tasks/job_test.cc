// The files of a job's folder: each appears whole, the first one wins, and what is damaged is told from what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "cli/tasks/evaluate/photo.h"
#include "cli/tasks/job/claims.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/manifest.h"
#include "cli/tasks/job/new_file.h"
#include "cli/tasks/job/part.h"
#include "cli/tasks/job/status.h"
#include "cli/tasks/job/whole.h"
#include "cli/tasks/job/work.h"
#include "lib/base/error.h"
#include "lib/base/owner_record.h"
#include "tests/support/temporary_folder.h"

namespace resnet::test {
namespace {

using namespace cli;
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JobTest : public testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }
  std::string read(const fs::path& name) const {
    std::ifstream file(folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // What the call throws; empty where it throws nothing.
  template <typename Call>
  static std::string error_of(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(JobTest, TheFirstFileOfANameWins) {
  EXPECT_TRUE(publish(folder() / "a/b/c", "first"));
  EXPECT_FALSE(publish(folder() / "a/b/c", "second"));
  EXPECT_EQ(read_published(folder() / "a/b/c"), "first");
  EXPECT_EQ(read_published(folder() / "a/b/d"), std::nullopt);
  EXPECT_FALSE(is_published(folder() / "a/b/d"));
  { NewFile unnamed(folder() / "a/b/e"); }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder() / "a/b"), {}), 1);
  EXPECT_THAT(error_of([&] { NewFile file(folder() / "none/e"); }), HasSubstr("none/e: cannot be written: No such file"));
  EXPECT_THAT(error_of([&] { read_published(folder() / "a"); }), HasSubstr("is not a file"));
}

TEST_F(JobTest, AFileOfManyBlocksIsWhole) {
  NewFile file(folder() / "large");
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string line(1000, static_cast<char>('a' + i % 26));
    file.write(line);
    all += line;
  }
  EXPECT_FALSE(is_published(folder() / "large"));
  EXPECT_TRUE(file.publish());
  EXPECT_TRUE(read("large") == all);
}

TEST_F(JobTest, AListIsReadByChunks) {
  InputListDraft draft(folder());
  for (int i = 0; i < 10; ++i) draft.add({"photos/" + std::to_string(i) + ".png", i == 4 ? "is\nnot there" : ""});
  EXPECT_EQ(draft.inputs(), 10U);
  EXPECT_TRUE(draft.publish(4, 1));
  const InputList list(folder());
  EXPECT_EQ(list.inputs(), 10U);
  EXPECT_EQ(list.chunk(), 4U);
  ASSERT_EQ(list.chunks(), 3U);
  EXPECT_EQ(list.read(0).size(), 4U);
  EXPECT_EQ(list.read(1)[0].path, "photos/4.png");
  EXPECT_EQ(list.read(1)[0].error, "is\nnot there");
  EXPECT_EQ(list.read(2)[1].path, "photos/9.png");
  EXPECT_EQ(list.read(2)[1].error, "");
}

TEST_F(JobTest, OfTwoListsTheFirstStays) {
  for (const char* name : {"a", "a", "b"}) {
    InputListDraft draft(folder());
    draft.add({name, ""});
    EXPECT_EQ(draft.publish(0, 1), name == std::string("a"));
  }
  EXPECT_EQ(InputList(folder()).read(0)[0].path, "a");
}

TEST_F(JobTest, ADamagedListIsRefused) {
  InputListDraft draft(folder());
  for (int i = 0; i < 10; ++i) draft.add({std::to_string(i), ""});
  draft.publish(3, 1);
  fs::resize_file(folder() / "inputs", 10);
  EXPECT_THAT(error_of([&] { InputList list(folder()); }), HasSubstr("inputs.at: does not fit the list of inputs beside it"));
  fs::resize_file(folder() / "inputs.at", 15);
  EXPECT_THAT(error_of([&] { InputList list(folder()); }), HasSubstr("inputs.at: is missing or damaged"));
}

TEST_F(JobTest, ChunksAreWholeBatchesAndNotTooMany) {
  EXPECT_EQ(default_chunk(10, 1), 64U);
  EXPECT_EQ(default_chunk(10, 48), 96U);
  EXPECT_EQ(default_chunk(100'000'000, 1), 10'000U);
  EXPECT_EQ(default_chunk(100'000'000, 3), 10'002U);
}

TEST_F(JobTest, AClaimIsOneProcesssUntilItIsGivenBack) {
  const auto claim = Claim::take(folder(), 1'002, 1);
  ASSERT_TRUE(claim);
  EXPECT_FALSE(Claim::take(folder(), 1'002, 1));
  EXPECT_TRUE(fs::exists(folder() / "claims/1/1002.1"));
  auto states = look(folder(), 1'003);
  EXPECT_EQ(states[1'002].generation, 1U);
  EXPECT_FALSE(states[1'002].was_given_back);
  EXPECT_FALSE(states[1'002].is_done);
  EXPECT_EQ(states[2].generation, 0U);
  claim->give_back();
  EXPECT_TRUE(look(folder(), 1'003)[1'002].was_given_back);
  ASSERT_TRUE(Claim::take(folder(), 1'002, 2));
  states = look(folder(), 1'003);
  EXPECT_EQ(states[1'002].generation, 2U);
  EXPECT_FALSE(states[1'002].was_given_back);
}

TEST_F(JobTest, NamesThatAreNoClaimsAreNone) {
  for (const char* name :
       {"claims/0/x.1", "claims/0/7", "claims/0/3.y", "claims/0/9.1", "claims/0/-1.1", "parts/0/x", "parts/0/9"})
    publish(folder() / name, "");
  for (const ChunkState& state : look(folder(), 9)) {
    EXPECT_FALSE(state.is_done);
    EXPECT_EQ(state.generation, 0U);
  }
}

TEST_F(JobTest, AnInputAtWhichTwoEndedIsDeadly) {
  for (std::uint32_t generation = 1; generation < 7; ++generation) {
    OwnerRecord gone = OwnerRecord::of_this_process();
    gone.start += 1;  // the process that had the number before
    publish(folder() / "claims/0" / ("0." + std::to_string(generation)), gone.to_text());
  }
  const auto note = [&](int generation, const std::string& at) {
    publish(folder() / "claims/0" / ("0." + std::to_string(generation) + ".at"), at);
  };
  note(3, "17                  ");
  EXPECT_THAT(deadly_inputs(folder(), 0, 5), IsEmpty());
  note(4, "17                  ");
  note(5, "18                  ");
  EXPECT_THAT(deadly_inputs(folder(), 0, 6), ElementsAre(17));
  publish(folder() / "claims/0/0.4.back", "");
  EXPECT_THAT(deadly_inputs(folder(), 0, 6), IsEmpty());
  EXPECT_TRUE(is_of_dead_process(folder(), 0, 1));
  EXPECT_FALSE(is_of_dead_process(folder(), 0, 9));
}

TEST_F(JobTest, APartIsWholeOrDamaged) {
  EXPECT_EQ(read_part(folder(), 3), std::nullopt);
  EXPECT_TRUE(publish_part(folder(), 3, 2, {"{\"input\":\"a\"}\n{\"input\":\"b\"}\n", 1}, 0.5));
  EXPECT_FALSE(publish_part(folder(), 3, 2, {"other\n", 0}, 0.5));
  const auto part = read_part(folder(), 3);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->bytes, "{\"input\":\"a\"}\n{\"input\":\"b\"}\n");
  const auto end = read_part_end(folder(), 3);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->inputs, 2U);
  EXPECT_EQ(end->failed, 1U);
  EXPECT_EQ(end->seconds, 0.5);
  EXPECT_EQ(end->host, name_of_host());
  EXPECT_TRUE(look(folder(), 4)[3].is_done);

  const fs::path file = place_of(folder(), "parts", 3);
  const std::string whole = read(file);
  for (const std::string& bytes : {std::string(), whole.substr(1), whole.substr(0, whole.size() - 2), "x" + whole.substr(1)}) {
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_THAT(error_of([&] { read_part(folder(), 3); }), HasSubstr("parts/0/3: is damaged"));
  }
  fs::rename(file, place_of(folder(), "parts", 4));
  EXPECT_THAT(error_of([&] { read_part(folder(), 4); }), HasSubstr("is damaged"));
}

// A name may say any generation.
TEST_F(JobTest, GenerationsBeyondAnyWorkersAreNone) {
  publish(folder() / "claims/0/3.2", "");
  for (const char* name :
       {"claims/0/3.999999999999", "claims/0/3.4294967295", "claims/0/3.4294967294.back", "claims/0/4.1000001"})
    publish(folder() / name, "");
  EXPECT_EQ(look(folder(), 5)[3].generation, 2U);
  EXPECT_FALSE(look(folder(), 5)[3].was_given_back);
  EXPECT_EQ(look(folder(), 5)[4].generation, 0U);
  // Of a large one only the latest are asked for: this does not take as long as there are numbers.
  EXPECT_THAT(deadly_inputs(folder(), 3, 4'000'000'000), IsEmpty());
}

TEST_F(JobTest, AListOfAnotherSizeThanTheJobsIsRefused) {
  InputListDraft draft(folder());
  for (int i = 0; i < 10; ++i) draft.add({std::to_string(i), ""});
  draft.publish(5, 1);
  EXPECT_EQ(InputList(folder(), InputList::Size{10, 5}).chunks(), 2U);
  EXPECT_THAT(error_of([&] {
                InputList list(folder(), InputList::Size{9, 5});
              }),
              HasSubstr("inputs.at: is damaged: it is of 10 inputs by 5, expected 9 by 5"));
}

TEST_F(JobTest, ANumberBeforeAText) {
  EXPECT_EQ((Numbered{17, "a b.png"}.to_text()), "17 a b.png");
  EXPECT_EQ(parse_numbered("17 a b.png")->number, 17);
  EXPECT_EQ(parse_numbered("17 a b.png")->text, "a b.png");
  EXPECT_EQ(parse_numbered("-1 ")->text, "");
  for (const char* text : {"", "17", " 17", "a 17", "99999999999999999999 a"})
    EXPECT_EQ(parse_numbered(text), std::nullopt) << text;
}

TEST_F(JobTest, PhotosOfAListKeepTheirClasses) {
  for (const Photo& photo : {Photo{"a b/c d.png", 3, std::nullopt}, Photo{"batch 1.bin", 999, 17}}) {
    const Photo same = parse_photo({photo.to_text(), ""});
    EXPECT_EQ(same.file, photo.file);
    EXPECT_EQ(same.truth, photo.truth);
    EXPECT_EQ(same.number, photo.number);
    EXPECT_EQ(same.name(), photo.number ? "batch 1.bin[17]" : "a b/c d.png");
  }
  for (const char* text : {"", "a.png", "3 a.png", "x - a.png", "3 -1 a.png"})
    EXPECT_THAT(error_of([&] { parse_photo({text, ""}); }), HasSubstr("it is not of photos and classes"));
}

TEST_F(JobTest, LinesOfAnEvaluationAreReadAsTheyWereWritten) {
  PhotoAnswers answers{7, {std::vector<std::int64_t>{1, 7}, std::nullopt}, "cannot be read"};
  EXPECT_EQ(to_line("a.png", answers),
            "{\"input\":\"a.png\",\"truth\":7,\"error\":\"cannot be read\",\"answers\":[[1,7],null]}\n");
  const PhotoAnswers failed = parse_line(to_line("a.png", answers), 2);
  EXPECT_EQ(failed.truth, 7);
  EXPECT_EQ(failed.error, "cannot be read");
  EXPECT_EQ(failed.rows, answers.rows);
  answers.error.clear();
  EXPECT_EQ(parse_line(to_line("a.png", answers), 2).rows, answers.rows);
  EXPECT_THAT(error_of([&] { parse_line(to_line("a.png", answers), 3); }), HasSubstr("has 2 rows, expected 3"));
  EXPECT_THAT(error_of([&] { parse_line("{\"input\":\"a\"}", 1); }), HasSubstr("is not of a job of evaluate"));
}

class ManifestTest : public JobTest {
 protected:
  static Manifest manifest() {
    Manifest job;
    job.command = "predict";
    job.words = {"--topk=2", "--model=a b.onnx"};
    job.isa = "avx2";
    job.directory = "/data";
    job.output = "/data/a.jsonl";
    job.images = text_of_arguments({"photos"}, true);
    job.size = {2, 3, 4};
    job.failures = {"a class without photos"};
    job.inputs = 10;
    job.chunk = 5;
    job.identity.labels = "none";
    job.identity.top_k = "2";
    job.identity.instruction_set = "avx2";
    return job;
  }
};

TEST_F(ManifestTest, IsReadAsItWasWritten) {
  EXPECT_EQ(read_manifest(folder()), std::nullopt);
  EXPECT_TRUE(publish_manifest(folder(), manifest()));
  Manifest other = manifest();
  other.command = "evaluate";
  EXPECT_FALSE(publish_manifest(folder(), other));
  const auto job = read_manifest(folder());
  ASSERT_TRUE(job);
  EXPECT_EQ(job->command, "predict");
  EXPECT_EQ(job->words, manifest().words);
  EXPECT_EQ(job->isa, "avx2");
  EXPECT_EQ(job->directory, "/data");
  EXPECT_EQ(job->output, "/data/a.jsonl");
  EXPECT_EQ(job->images, manifest().images);
  EXPECT_EQ(job->size, manifest().size);
  EXPECT_EQ(job->failures, manifest().failures);
  EXPECT_EQ(job->inputs, 10U);
  EXPECT_EQ(job->chunk, 5U);
  EXPECT_EQ(error_of([&] { check_same(folder(), *job, manifest()); }), "");
}

TEST_F(ManifestTest, AllThatDiffersIsNamed) {
  Manifest now = manifest();
  now.command = "evaluate";
  now.images = text_of_arguments({"photos"}, false);
  now.identity.labels = "3 names";
  now.identity.instruction_set = "AVX3";
  const std::string error = error_of([&] { check_same("job", manifest(), now); });
  EXPECT_THAT(error, HasSubstr("job: this job was started with predict, now evaluate; images 1 argument from '"));
  EXPECT_THAT(error,
              HasSubstr("; labels none, now labels 3 names; instruction set avx2, now instruction set AVX3; start it with"));
  now = manifest();
  now.images.clear();  // whatever the job has
  now.output = "/elsewhere";
  EXPECT_EQ(error_of([&] { check_same("job", manifest(), now); }), "");
}

TEST_F(ManifestTest, ProcessorsThatDifferAreToldOfIsa) {
  Manifest job = manifest(), now = manifest();
  job.isa.clear();
  job.identity.instruction_set = "AVX3";
  now.identity.instruction_set = "AVX2";
  EXPECT_THAT(error_of([&] { check_same("job", job, now); }),
              HasSubstr("in another folder with an --isa that all machines have"));
}

TEST_F(ManifestTest, WhatIsDamagedIsRefused) {
  for (const auto& [text, error] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "job.json: is damaged"},
           {"{}", "job.json: is not of a job of this program"},
           {R"({"resnet-cli job": 9})", "job.json: is of format 9, expected 1"},
           {R"({"resnet-cli job": 1, "command": 3})", "job.json: is damaged"}}) {
    std::ofstream(folder() / "job.json") << text;
    EXPECT_THAT(error_of([&] { read_manifest(folder()); }), HasSubstr(error)) << text;
  }
}

TEST_F(ManifestTest, StatusAddsUpEachHostsWorkers) {
  InputListDraft draft(folder());
  for (int i = 0; i < 50; ++i) draft.add({std::to_string(i), ""});
  draft.publish(10, 1);
  Manifest job = manifest();
  job.inputs = 50;
  job.chunk = 10;
  job.identity.version = "0.1.0";
  publish_manifest(folder(), job);
  const auto part = [&](int chunk, const std::string& more) {
    publish(place_of(folder(), "parts", static_cast<std::size_t>(chunk)),
            "{\"part_end\":{\"chunk\":" + std::to_string(chunk) + ",\"inputs\":10,\"failed\":1,\"bytes\":0,\"digest\":\"\"," +
                more + "}}\n");
  };
  part(0, R"("seconds":2,"host":"b","process":7,"version":"0.1.0")");
  part(1, R"("seconds":8,"host":"b","process":7,"version":"0.1.0")");
  part(2, R"("seconds":1,"host":"b","process":8,"version":"0.2.0")");
  part(3, R"("seconds":4,"host":"a","process":7,"version":"0.1.0")");
  Claim::take(folder(), 4, 1);
  const JobStatus status = status_of_job(folder());
  EXPECT_EQ(to_string(status),
            "not whole yet: 4 of 5 chunks done, 1 claimed\n"
            "50 inputs, 4 failed\n"
            "a class without photos\n"
            "a: 1 worker, 1 chunk, 2.5 inputs/s\n"
            "b: 2 workers, 3 chunks, 12.0 inputs/s\n"
            "together: 14.5 inputs/s\n"
            "mixed versions: 0.1.0, 0.2.0\n");
  ASSERT_EQ(status.hosts.size(), 2U);
  EXPECT_EQ(status.hosts[1].inputs, 30U);
}

// Its numbers are gone: what failed is counted.
TEST_F(JobTest, AWholeWithoutItsNumbersIsCounted) {
  publish(folder() / name_of_whole, "{\"input\":\"a\",\"predictions\":[]}\n{\"input\":\"b\",\"error\":\"is not an image\"}\n");
  EXPECT_EQ(read_whole(folder())->inputs, 2U);
  EXPECT_EQ(read_whole(folder())->failed, 1U);
  std::ofstream(folder() / name_of_whole) << "something else\n";
  EXPECT_THAT(error_of([&] { read_whole(folder()); }), HasSubstr("answers.jsonl: line 1: is not an answer"));
}

TEST_F(JobTest, AWholeKeepsWhoseItsPartsWere) {
  WholeJob job{30, 0};
  for (const std::int64_t process : {7, 7, 8}) {
    PartEndLine end{.inputs = 10, .seconds = 2, .host = process == 8 ? "b" : "a", .version = "1.0.0", .process = process};
    add_part(job.work, end);
  }
  publish_numbers(folder(), job);
  publish(folder() / name_of_whole, "");
  const std::vector<HostWork> hosts = by_host(read_whole(folder())->work);
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].host, "a");
  EXPECT_EQ(hosts[0].chunks, 2U);
  EXPECT_EQ(hosts[0].inputs_per_second, 5);
  EXPECT_EQ(hosts[1].workers, 1U);
}

TEST_F(JobTest, RoundsChangeHowManyFailed) {
  EXPECT_EQ(read_whole(folder()), std::nullopt);
  publish_numbers(folder(), {100, 9});
  publish(folder() / name_of_whole, "");
  EXPECT_EQ(read_whole(folder())->failed, 9U);
  for (const std::size_t round : {1U, 2U}) {
    publish(folder_of_round(folder(), round) / "x", "");
    publish_numbers(folder_of_round(folder(), round), {round == 1 ? 8U : 3U, round == 1 ? 3U : 0U});
    EXPECT_FALSE(is_round_over(folder(), round));
    end_round(folder(), round);
    EXPECT_EQ(read_whole(folder())->failed, round == 1 ? 4U : 1U);
    EXPECT_EQ(read_whole(folder())->inputs, 100U);
  }
}

}  // namespace
}  // namespace resnet::test
