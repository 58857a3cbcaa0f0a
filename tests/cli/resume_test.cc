// `predict --resume`, `--shard` and `merge`: interrupted or in parts, the answers are those of one run.
#include <fstream>
#include <utility>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ResumeTest : public CliTest {
 protected:
  ResumeTest() {
    // Eleven inputs: photos, one that cannot be read, a tensor of two images, a name that is not UTF-8.
    fs::create_directories(folder() / "photos");
    for (int i = 0; i < 8; ++i)
      write("photos/" + std::to_string(i) + ".png",
            png(4, 4, {static_cast<std::uint8_t>(30 * i), 100, static_cast<std::uint8_t>(255 - 30 * i)}));
    write("photos/4b.png", "no picture");
    write("photos/two.npy", npy({2, 3, 4, 4}, std::vector<float>(96, 1.0f)));
    write("photos/strange\xff.png", png(4, 4, {1, 2, 3}));
    for (const auto& entry : fs::directory_iterator(folder() / "photos")) list_ += entry.path().string() + "\n";
    write("list.txt", list_);
    whole_ = predict({"-o", "whole.jsonl"});
    EXPECT_EQ(whole_.exit_code, 5);
  }
  Finished predict(std::vector<std::string> words, RunOptions options = {}) const {
    std::vector<std::string> all = {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "--format", "jsonl", "-q"};
    all.insert(all.end(), words.begin(), words.end());
    return run(all, options);
  }
  // FILE.job as it is beside answers that are not complete: --fail-fast ends at the photo that cannot be read.
  std::string job() const {
    fs::remove(folder() / "begun.jsonl");
    fs::remove(folder() / "begun.jsonl.job");
    EXPECT_EQ(predict({"--resume", "begun.jsonl", "--fail-fast"}).exit_code, 5);
    return read("begun.jsonl.job");
  }
  std::string list_;
  Finished whole_;
};

TEST_F(ResumeTest, WhereverItWasInterrupted) {
  const std::string whole = read("whole.jsonl"), record = job();
  ASSERT_EQ(std::count(whole.begin(), whole.end(), '\n'), 12);
  EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 5);
  EXPECT_EQ(read("answers.jsonl"), whole);
  EXPECT_THAT(read("answers.jsonl.job"), HasSubstr("\"complete_bytes\":" + std::to_string(whole.size())));
  const auto go_on_from = [&](std::size_t size) {
    write("answers.jsonl", whole.substr(0, size));
    write("answers.jsonl.job", record);
    const Finished finished = predict({"--resume", "answers.jsonl"});
    EXPECT_EQ(finished.exit_code, 5) << size << finished.err;
    EXPECT_EQ(read("answers.jsonl"), whole) << size;
    EXPECT_THAT(read("answers.jsonl.job"), HasSubstr("complete_bytes"));
  };
  for (std::size_t size = 0; size <= whole.size(); size += whole.size() / 23) go_on_from(size);
  // After each line.
  for (std::size_t end = whole.find('\n'); end != std::string::npos; end = whole.find('\n', end + 1)) go_on_from(end + 1);
  EXPECT_EQ(predict({"--resume", "begun.jsonl"}).exit_code, 5);
  EXPECT_EQ(read("begun.jsonl"), whole);
}

TEST_F(ResumeTest, APartGoesOnWhereverItWasInterrupted) {
  predict({"--shard", "2/2", "-o", "part"});
  const std::string part = read("part");
  for (std::size_t size = 0; size <= part.size(); size += size < 40 ? 40 : part.size() / 17) {
    write("p", part.substr(0, size));
    const Finished finished = predict({"--shard", "2/2", "--resume", "p", "--threads", "2", "--batch-size", "3"});
    EXPECT_THAT(finished.exit_code, testing::AnyOf(0, 5)) << size << finished.err;
    // Other threads and batches: what was chosen for the first answers is kept. Without a first line it is a part of its own.
    if (size > part.find('\n')) {
      EXPECT_EQ(read("p"), part) << size;
    } else {
      EXPECT_EQ(read("p").substr(read("p").find('\n')), part.substr(part.find('\n'))) << size;
    }
    EXPECT_FALSE(fs::exists(folder() / "p.job"));
  }
}

TEST_F(ResumeTest, AnswersOfOtherInputsAreRefused) {
  write("answers.jsonl", "{\"input\":\"else.png\",\"predictions\":[]}\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "answers.jsonl: line 1: is the answer of 'else.png'");
  EXPECT_EQ(read("answers.jsonl"), "{\"input\":\"else.png\",\"predictions\":[]}\n");
  write("answers.jsonl", "photo,class\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "line 1: is not an answer of predict");
  write("answers.jsonl", read("whole.jsonl") + "{\"input\":\"more.png\",\"predictions\":[]}\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "line 13: is the answer of an input that is not among those now");
  expect_refused(predict({"--resume", "answers.jsonl", "-o", "x.jsonl"}), 2, "expected one of them");
}

// Whatever it holds, with a record of ours beside it or without one.
TEST_F(ResumeTest, StrangersFilesAreRefusedAndKept) {
  const std::string record = job(), whole = read("whole.jsonl"), first = whole.substr(0, whole.find('\n') + 1);
  const std::string json = "{\"input\":";
  for (const std::string& text :
       {std::string("notes"), std::string("notes\n"), std::string(1 << 20, '\0'), std::string("\n"), std::string("{"),
        std::string("{}\n"), json + "1, \"mine\": [1, 2, 3]}", json + "\"a\"}\n", json + "\"a\",\"predictions\":7}\n",
        std::string("[1]\n"), std::string("{\"top1\":12.5}\n"), std::string("\x89PNG\r\n\x1a\n"),
        std::string("{\"shard\":{\"index\":1}}\n"), std::string(1 << 20, '{'), json + "\"" + std::string(1 << 20, '\0'),
        first + "notes", first + "{\"input\":\"no"}) {
    SCOPED_TRACE(text.substr(0, 60));
    for (const bool recorded : {false, true}) {
      if (recorded && text == "{") continue;  // what an answer begins with
      write("f", text);
      if (recorded) write("f.job", record);
      expect_refused(predict({"--resume", "f"}), 2, "f: ");
      EXPECT_TRUE(read("f") == text);
      EXPECT_EQ(fs::exists(folder() / "f.job"), recorded);
      fs::remove(folder() / "f.job");
    }
    expect_refused(predict({"--shard", "1/2", "--resume", "f"}), 2, "f: line 1: ");
    EXPECT_TRUE(read("f") == text);
    fs::remove(folder() / "link");
    fs::create_symlink("f", folder() / "link");
    expect_refused(predict({"--resume", "link"}), 2, "link: ");
    EXPECT_TRUE(read("f") == text);
  }
  fs::create_directory(folder() / "d");
  expect_refused(predict({"--resume", "d"}), 2, "d: is ");
  expect_refused(predict({"--resume", "/dev/zero"}), 2, "/dev/zero: is not a regular file");
  // An empty file is nobody's.
  write("empty", "");
  EXPECT_EQ(predict({"--resume", "empty"}).exit_code, 5);
  EXPECT_EQ(read("empty"), whole);
}

TEST_F(ResumeTest, AJobFileOfSomebodyElseIsKept) {
  const std::string whole = read("whole.jsonl"), half = whole.substr(0, whole.size() / 2);
  for (const std::string& text : {std::string("my own job list\nline 2\n"), std::string(), std::string("{\"jobs\":[]}\n"),
                                  std::string("{\"resnet-cli predict --resume\":1}\n"), std::string(2 << 20, 'x')}) {
    for (const std::string& answers : {std::string(), half}) {
      write("f", answers);
      write("f.job", text);
      expect_refused(predict({"--resume", "f"}), 2, "f.job: is ");
      EXPECT_TRUE(read("f.job") == text);
      EXPECT_EQ(read("f"), answers);
    }
    // A part says itself what it is made with.
    fs::remove(folder() / "f");
    EXPECT_THAT(predict({"--shard", "1/2", "--resume", "f"}).exit_code, testing::AnyOf(0, 5));
    EXPECT_TRUE(read("f.job") == text);
  }
  fs::remove(folder() / "f");
  fs::remove(folder() / "f.job");
  fs::create_directory(folder() / "f.job");
  expect_refused(predict({"--resume", "f"}), 2, "f.job: is not a regular file");
}

TEST_F(ResumeTest, AnswersWithoutARecordAreNotGoneOnWith) {
  const std::string whole = read("whole.jsonl"), half = whole.substr(0, whole.find('\n', whole.size() / 2) + 1);
  write("answers.jsonl", half);
  expect_refused(predict({"--resume", "answers.jsonl"}), 2,
                 "holds answers, but answers.jsonl.job, which says what they were made with, is not there");
  EXPECT_EQ(read("answers.jsonl"), half);
  // Where all is answered it is left as it is, which is said.
  write("answers.jsonl", whole);
  const Finished again = run({"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "--resume", "answers.jsonl"});
  EXPECT_EQ(again.exit_code, 5);
  EXPECT_THAT(again.err, HasSubstr("warning: answers.jsonl: is complete, and stays as it is: answers.jsonl.job"));
  EXPECT_EQ(read("answers.jsonl"), whole);
  write("list.txt", list_ + "red.png\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "answers.jsonl.job");
  EXPECT_EQ(read("answers.jsonl"), whole);
}

TEST_F(ResumeTest, FilesOfTheFirstVersionAreRefused) {
  const std::string whole = read("whole.jsonl");
  write("answers.jsonl", whole.substr(0, whole.size() / 2));
  write("answers.jsonl.job", "rgb.onnx of 7 bytes, --convolution auto, --crop center, --topk 5\nbatch 1, threads 1, images 12\n");
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "answers.jsonl.job: was written by version 0.1.0");
  EXPECT_EQ(read("answers.jsonl"), whole.substr(0, whole.size() / 2));
  const std::string line =
      "{\"shard\":{\"index\":1,\"of\":1,\"first\":0,\"count\":11,\"inputs\":11,\"settings\":\"rgb.onnx of 7 bytes\"}}\n";
  write("part", line);
  expect_refused(predict({"--shard", "1/1", "--resume", "part"}), 2, "part: was written by version 0.1.0");
  EXPECT_EQ(read("part"), line);
  expect_refused(run({"merge", "part", "-o", "m"}), 5, "part: was written by version 0.1.0");
}

// What decides the answers is compared by its contents, and what differs is named; the answers that are there stay.
TEST_F(ResumeTest, AnswersOfSomethingElseAreNotMixed) {
  const std::string record = job(), begun = read("begun.jsonl"), model = read("rgb.onnx");
  predict({"--shard", "1/1", "-o", "part"});
  const std::string part = read("part"), cut = part.substr(0, part.find('\n', part.find('\n') + 1) + 1);
  write("xyz.txt", "x\ny\nz\n");
  std::string other = model;
  const std::size_t at = other.find(std::string("\0\0\x80\x3f", 4));  // a weight of 1 becomes 1.5
  ASSERT_NE(at, std::string::npos);
  other[at + 2] = '\xc0';
  const auto expect_named = [&](const std::vector<std::string>& words, const std::string& field) {
    SCOPED_TRACE(field);
    write("answers.jsonl", begun);
    write("answers.jsonl.job", record);
    std::vector<std::string> resumed = words;
    resumed.insert(resumed.end(), {"--resume", "answers.jsonl"});
    expect_refused(predict(resumed), 2, "answers.jsonl: its answers were made with " + field);
    EXPECT_EQ(read("answers.jsonl"), begun);
    EXPECT_EQ(read("answers.jsonl.job"), record);
    write("p", cut);
    resumed = words;
    resumed.insert(resumed.end(), {"--shard", "1/1", "--resume", "p"});
    expect_refused(predict(resumed), 2, "p: its answers were made with " + field);
    EXPECT_EQ(read("p"), cut);
    // Also where there is nothing left to do.
    write("p", part);
    expect_refused(predict(resumed), 2, "p: its answers were made with " + field);
    EXPECT_EQ(read("p"), part);
  };
  expect_named({"--labels", "xyz.txt"}, "labels none; now it is labels 3 names from 'x'");
  expect_named({"--topk", "2"}, "top-k 5; now it is top-k 2");
  expect_named({"--crop", "ten"}, "views crop center; now it is views crop ten");
  expect_named({"--scales", "5"}, "views crop center; now it is views crop center, scales 5");
  expect_named({"--mean", "1,2,3"}, "preparation ");
  expect_named({"--average", "logit"}, "average of probability");
  expect_named({"--convolution", "direct"}, "--convolution auto");
  expect_named({"--min-probability", "0.25"}, "least probability 0");
  expect_named({"--max-pixels", "16"}, "most pixels ");
  write("rgb.onnx", other);  // of the same name and size
  expect_named({}, "model rgb.onnx: digest ");
  write("rgb.onnx", model);
}

// Complete answers are compared, too; the same are left as they are, and a longer list is continued.
TEST_F(ResumeTest, CompleteAnswersAreNoOtherModelsAnswers) {
  write("list.txt", "red.png\nphotos/two.npy\n");  // the last one of several images
  EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 0);
  const std::string whole = read("answers.jsonl"), record = read("answers.jsonl.job"), model = read("rgb.onnx");
  write("xyz.txt", "x\ny\nz\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--labels", "xyz.txt"}, {"--topk", "2"}, {"--mean", "1,2,3"}}) {
    std::vector<std::string> resumed = words;
    resumed.insert(resumed.end(), {"--resume", "answers.jsonl"});
    expect_refused(predict(resumed), 2, "answers.jsonl: its answers were made with ");
  }
  std::string other = model;
  other[other.find(std::string("\0\0\x80\x3f", 4)) + 2] = '\xc0';
  write("rgb.onnx", other);
  expect_refused(predict({"--resume", "answers.jsonl"}), 2, "answers.jsonl: its answers were made with model rgb.onnx: digest ");
  EXPECT_EQ(read("answers.jsonl"), whole);
  EXPECT_EQ(read("answers.jsonl.job"), record);
  write("rgb.onnx", model);
  const auto before = fs::last_write_time(folder() / "answers.jsonl");
  EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 0);
  EXPECT_EQ(fs::last_write_time(folder() / "answers.jsonl"), before);
  EXPECT_EQ(read("answers.jsonl.job"), record);
  write("list.txt", "red.png\nphotos/two.npy\nyellow.png\n");
  EXPECT_EQ(predict({"--resume", "answers.jsonl"}).exit_code, 0);
  EXPECT_EQ(predict({"-o", "longer.jsonl"}).exit_code, 0);
  EXPECT_EQ(read("answers.jsonl"), read("longer.jsonl"));
}

// A record of a run that was stopped before its first answer is nobody's hindrance.
TEST_F(ResumeTest, WithoutAnswersNothingCanBeMixed) {
  write("xyz.txt", "x\ny\nz\n");
  for (const bool empty : {false, true}) {
    write("f.job", job());
    if (empty) write("f", "");
    EXPECT_EQ(predict({"--resume", "f", "--labels", "xyz.txt"}).exit_code, 5);
    EXPECT_THAT(read("f"), HasSubstr("\"label\":\"x\""));
    fs::remove(folder() / "f");
  }
}

TEST_F(ResumeTest, BuiltNetworksAreTheirOptionsAndSeed) {
  write("few.txt", "red.png\nyellow.png\n");
  const auto part = [&](const char* of, std::vector<std::string> words) {
    std::vector<std::string> all = {"predict", "@few.txt", "-q", "--shard", of, "-o", "p" + std::string(1, of[0])};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(run(all).exit_code, 0);
  };
  part("1/2", {"--model", "resnet8", "--seed", "1"});
  for (const auto& [words, what] : {std::pair{std::vector<std::string>{"--seed", "2"}, "seed 2"},
                                    {{"--seed", "1", "--shortcut", "B"}, "shortcut B"},
                                    {{"--seed", "1", "--init", "zeros"}, "init zeros"},
                                    {{"--seed", "1", "--classes", "11"}, "11 classes"}}) {
    std::vector<std::string> all = {"--model", "resnet8"};
    all.insert(all.end(), words.begin(), words.end());
    part("2/2", all);
    const Finished merged = run({"merge", "p1", "p2", "-o", "m"});
    expect_refused(merged, 5, "p2: was made with ");
    EXPECT_THAT(merged.err, HasSubstr(what));
    EXPECT_FALSE(fs::exists(folder() / "m"));
  }
  part("2/2", {"--model", "resnet8", "--seed", "1"});
  EXPECT_EQ(run({"merge", "p1", "p2", "-o", "m"}).exit_code, 0);
}

// Neither threads nor batches decide the bits of an answer; how its convolutions are computed does.
TEST_F(ResumeTest, PartsOfOtherThreadsThatGiveTheSameBitsAreMerged) {
  predict({"--shard", "1/2", "-o", "p1", "--threads", "1"});
  predict({"--shard", "2/2", "-o", "p2", "--threads", "2", "--batch-size", "4", "--no-cache"});
  EXPECT_EQ(run({"merge", "p1", "p2", "-o", "m"}).exit_code, 0);
  EXPECT_EQ(read("m"), read("whole.jsonl"));
  predict({"--shard", "2/2", "-o", "p2", "--convolution", "winograd"});
  expect_refused(run({"merge", "p1", "p2", "-o", "m2"}), 5,
                 "p2: was made with --convolution winograd, but p1 with --convolution auto");
}

TEST_F(ResumeTest, ExternalWeightsArePartOfTheModel) {
  ASSERT_EQ(run({"build", "resnet8", "-o", "whole.onnx", "-q"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "whole.onnx", "-o", "split.onnx", "--external-data", "-q"}).exit_code, 0);
  const auto part = [&](const std::string& of) {
    EXPECT_EQ(run({"predict", "split.onnx", "red.png", "yellow.png", "-q", "--shard", of, "-o", "p" + of.substr(0, 1)}).exit_code,
              0);
  };
  part("1/2");
  part("2/2");
  EXPECT_EQ(run({"merge", "p1", "p2", "-o", "m"}).exit_code, 0);
  std::string data = read("split.onnx.data");
  for (std::size_t i = 0; i < data.size(); i += 4) data[i] = static_cast<char>(data[i] ^ 1);
  write("split.onnx.data", data);
  part("2/2");
  expect_refused(run({"merge", "p1", "p2", "-o", "m2"}), 5, "p2: was made with data file split.onnx.data ");
  const std::string before = read("split.onnx.data");
  expect_refused(run({"predict", "split.onnx", "red.png", "-q", "--format", "csv", "-o", "split.onnx.data"}), 2,
                 "--output: split.onnx.data is one of the inputs");
  EXPECT_TRUE(read("split.onnx.data") == before);
}

TEST_F(ResumeTest, PartsMergedAreOneRun) {
  for (const int of : {1, 3, 20}) {
    std::vector<std::string> words = {"merge", "-o", "merged.jsonl"};
    for (int part = of; part >= 1; --part) {
      const std::string file = "part" + std::to_string(part) + ".jsonl";
      const Finished finished = predict({"--shard", std::to_string(part) + "/" + std::to_string(of), "-o", file});
      EXPECT_THAT(finished.exit_code, testing::AnyOf(0, 5)) << finished.err;
      words.push_back(file);
    }
    ASSERT_EQ(run(words).exit_code, 0) << of;
    EXPECT_EQ(read("merged.jsonl"), read("whole.jsonl")) << of;
  }
}

TEST_F(ResumeTest, APartThatIsMissingOrNotCompleteIsNamed) {
  for (const char* part : {"1", "2", "3"}) predict({"--shard", std::string(part) + "/3", "-o", std::string("p") + part});
  expect_refused(run({"merge", "p1", "p3", "-o", "m"}), 5, "part 2 of 3 is missing");
  expect_refused(run({"merge", "p1", "p1", "p2", "p3"}), 5, "p1 and p1 are both part 1 of 3");
  const std::string whole = read("p2");
  write("p2", whole.substr(0, whole.size() * 2 / 3));
  const Finished cut = run({"merge", "p1", "p2", "p3", "-o", "m"});
  EXPECT_EQ(cut.exit_code, 5);
  EXPECT_THAT(cut.err, HasSubstr("p2: part 2 of 3 is incomplete"));
  EXPECT_FALSE(fs::exists(folder() / "m"));
  // It can be resumed.
  predict({"--shard", "2/3", "--resume", "p2"});
  EXPECT_EQ(read("p2"), whole);
  expect_refused(predict({"--shard", "1/3", "--resume", "p2"}), 2,
                 "p2: line 1: holds answers of other inputs or of another part");
  expect_refused(run({"merge", "whole.jsonl"}), 5, "whole.jsonl: is not a part that predict --shard wrote");
  const std::string part = read("p1");
  for (const char* number : {"1e300", "-1", "99999999999999999999", "\"many\"", "281474976710657"}) {
    const std::size_t at = part.find("\"inputs\":") + 9;
    write("p1", part.substr(0, at) + number + part.substr(part.find(',', at)));
    const Finished refused = run({"merge", "p1", "p2", "p3"});
    expect_refused(refused, 5, "p1: is damaged: \"inputs\" is ");
    EXPECT_THAT(refused.err, HasSubstr(", expected a whole number"));
  }
}

// Nothing is written before every part is known to be whole.
TEST_F(ResumeTest, PartsWithOtherAnswersThanTheyShouldHaveAreRefused) {
  for (const char* part : {"1", "2", "3"}) predict({"--shard", std::string(part) + "/3", "-o", std::string("p") + part});
  const std::string good = read("p2"), third = read("p3");
  std::vector<std::string> lines, others;
  const auto split_into = [](const std::string& text, std::vector<std::string>& all) {
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
      all.push_back(text.substr(at, text.find('\n', at) + 1 - at));
  };
  split_into(good, lines);
  split_into(third, others);
  ASSERT_GE(lines.size(), 5u);
  const auto merged = [&](const std::vector<std::string>& part, const std::string& tail = "") {
    std::string text;
    for (const std::string& line : part) text += line;
    write("p2", text + tail);
    const Finished finished = run({"merge", "p1", "p2", "p3", "-o", "m"});
    EXPECT_FALSE(fs::exists(folder() / "m"));
    return finished;
  };
  std::vector<std::string> part = lines;
  part.erase(part.begin() + 2);
  expect_refused(merged(part), 5, "p2: part 2 of 3 holds 3 answers, expected 4; it is damaged");
  part.insert(part.begin() + 2, lines[1]);  // as many as there should be, one of them twice
  expect_refused(merged(part), 5, "p2: part 2 of 3 holds other answers than the 4 of its last line");
  part = lines;
  part.insert(part.begin() + 2, lines[2]);
  expect_refused(merged(part), 5, "p2: part 2 of 3 holds ");
  part = lines;
  part[2] = "garbage\n";
  expect_refused(merged(part), 5, "p2: line 3: is not an answer of predict");
  part[2] = lines[2].substr(0, lines[2].size() / 2) + "\n";
  expect_refused(merged(part), 5, "p2: line 3: is not an answer of predict");
  part = others;
  part.front() = lines.front();
  expect_refused(merged(part), 5, "p2: part 2 of 3 holds ");
  part.back() = lines.back();
  expect_refused(merged(part), 5, "p2: part 2 of 3 holds ");
  part = lines;
  part.pop_back();
  expect_refused(merged(part), 5, "p2: part 2 of 3 is incomplete");
  expect_refused(merged(lines, "more\n"), 5, "follows the end of the part");
  expect_refused(merged(lines, lines.back()), 5, "follows the end of the part");
  // In another order they are all there.
  part = lines;
  std::swap(part[1], part[2]);
  write("p2", part[0] + part[1] + part[2] + good.substr(lines[0].size() + lines[1].size() + lines[2].size()));
  EXPECT_EQ(run({"merge", "p1", "p2", "p3", "-o", "m"}).exit_code, 0);
}

TEST_F(ResumeTest, PartsOfAListThatChangedAreRefused) {
  predict({"--shard", "1/2", "-o", "p1"});
  fs::rename(folder() / "photos/0.png", folder() / "photos/9.png");
  std::string list = list_;
  list.replace(list.find("photos/0.png"), 12, "photos/9.png");
  write("list.txt", list);
  predict({"--shard", "2/2", "-o", "p2"});
  expect_refused(run({"merge", "p1", "p2", "-o", "m"}), 5, "p2: was made of another list of inputs than p1");
  expect_refused(predict({"--shard", "1/2", "--resume", "p1"}), 2,
                 "p1: line 1: holds answers of other inputs: the list of inputs has changed");
}

TEST_F(ResumeTest, NoInputIsEverReplaced) {
  predict({"--shard", "1/1", "-o", "p1"});
  const std::string part = read("p1");
  fs::create_symlink("p1", folder() / "link");
  fs::create_hard_link(folder() / "p1", folder() / "second");
  for (const char* name : {"p1", "./p1", "link", "second"}) {
    expect_refused(run({"merge", "p1", "-o", name}), 2, "is one of the inputs, which would be replaced");
    EXPECT_EQ(read("p1"), part);
  }
  const std::string model = read("rgb.onnx"), photo = read("red.png");
  fs::create_symlink("rgb.onnx", folder() / "model.csv");
  fs::create_symlink("red.png", folder() / "photo.csv");
  RunOptions list;
  list.input = "yellow.png\nred.png\n";
  for (const char* option : {"--output", "--report", "--resume"}) {
    for (const char* name : {"rgb.onnx", "red.png", "./red.png", "model.csv", "photo.csv"}) {
      SCOPED_TRACE(std::string(option) + " " + name);
      EXPECT_EQ(run({"predict", "rgb.onnx", "yellow.png", "red.png", "--preprocess", "raw", "-q", option, name}).exit_code, 2);
      EXPECT_EQ(run({"predict", "rgb.onnx", "-", "--preprocess", "raw", "-q", option, name}, list).exit_code, 2);
      EXPECT_TRUE(read("rgb.onnx") == model);
      EXPECT_TRUE(read("red.png") == photo);
    }
  }
  // What is not an input is replaced as ever.
  EXPECT_EQ(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "--format", "csv", "-o", "yellow.png"}).exit_code,
            0);
}

TEST_F(ResumeTest, SchedulersSayWhichPart) {
  predict({"--shard", "2/3", "-o", "expected"});
  const auto with = [&](std::map<std::string, std::string> environment, const char* shard = "auto") {
    RunOptions options;
    options.environment = std::move(environment);
    predict({"--shard", shard, "-o", "part"}, options);
    return read("part");
  };
  EXPECT_EQ(with({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "3"}}), read("expected"));
  EXPECT_EQ(with({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "3"}}), read("expected"));
  EXPECT_EQ(with({{"JOB_COMPLETION_INDEX", "1"}}, "auto/3"), read("expected"));
  EXPECT_EQ(with({{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}}), read("expected"));
  // Open MPI in Slurm: Slurm's own variables are those of the process that starts a node's.
  const std::map<std::string, std::string> slurm = {{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}};
  const auto in_slurm = [&](std::map<std::string, std::string> more) {
    more.insert(slurm.begin(), slurm.end());
    return more;
  };
  EXPECT_EQ(with(in_slurm({{"SLURM_STEP_ID", "0"}, {"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "3"}})),
            read("expected"));
  // An array's elements, from anywhere and with any step; of a batch script itself SLURM_PROCID says nothing.
  const auto array = [](const char* id, const char* min, const char* step, const char* count) {
    return std::map<std::string, std::string>{{"SLURM_ARRAY_TASK_ID", id},
                                              {"SLURM_ARRAY_TASK_MIN", min},
                                              {"SLURM_ARRAY_TASK_STEP", step},
                                              {"SLURM_ARRAY_TASK_COUNT", count}};
  };
  EXPECT_EQ(with(array("6", "5", "1", "3")), read("expected"));
  EXPECT_EQ(with(in_slurm(array("3", "1", "2", "3"))), read("expected"));
  EXPECT_EQ(with(array("1", "0", "1", "3"), "auto/3"), read("expected"));
  const auto refused = [&](std::map<std::string, std::string> environment, const std::string& text, const char* shard = "auto") {
    SCOPED_TRACE(text);
    RunOptions options;
    options.environment = std::move(environment);
    expect_refused(predict({"--shard", shard}, options), 2, text);
  };
  refused(array("9", "1", "1", "3"),
          "are not evenly spaced from 1 on (3 of them, this is 9); expected an array such as 1-3, or K/N");
  refused(array("3", "3", "1", "1"), "one that is submitted again is not known; expected K/N", "auto/4");
  refused({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}},
          "OMPI_COMM_WORLD_RANK 1 of OMPI_COMM_WORLD_SIZE 2: not of 4 parts, expected auto or K/N", "auto/4");
  refused(array("4", "1", "2", "4"), "SLURM_ARRAY_TASK_ID is 4, expected 1 and steps of 2 from there on");
  refused(slurm, "this is a Slurm job, but neither srun nor a job array started this process");
  refused({{"SLURM_PROCID", "abc"}, {"SLURM_NTASKS", "3"}}, "SLURM_PROCID is 'abc', expected a whole number");
  refused({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "-3"}}, "SLURM_NTASKS is '-3', expected a whole number");
  refused({{"SLURM_PROCID", "6"}, {"SLURM_NTASKS", "3"}}, "SLURM_PROCID 6 of SLURM_NTASKS 3: no part of 3");
  refused({{"JOB_COMPLETION_INDEX", "1"}}, "does not say how many parts there are (JOB_COMPLETION_INDEX 1), expected auto/N");
  // Both: each element's processes.
  predict({"--shard", "4/6", "-o", "expected"});
  std::map<std::string, std::string> both = array("2", "1", "1", "3");
  both.insert({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"SLURM_JOB_ID", "7"}});
  EXPECT_EQ(with(both), read("expected"));
  expect_refused(predict({"--shard", "auto"}), 2, "no scheduler says which part this process is");
  expect_refused(predict({"--shard", "4/3"}), 2, "expected K/N with K from 1 to N");
  expect_refused(run({"predict", "rgb.onnx", "@list.txt", "--shard", "1/3", "--format", "csv"}), 2, "--shard gives JSON lines");
}

}  // namespace
}  // namespace resnet::test
