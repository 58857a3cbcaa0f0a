// What the command line promises: help and version as commands, endings that decide, blame and suggestions that name the right
// thing.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PromisesTest : public CliTest {
 protected:
  using Words = std::vector<std::string>;

  // predict rgb.onnx red.png with `more`, quietly.
  Finished predict(const Words& more, const RunOptions& options = {}) const {
    Words words = {"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, options);
  }
  static std::vector<json> lines_of(const std::string& text) {
    std::vector<json> lines;
    for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
      lines.push_back(json::parse(text.substr(begin, text.find('\n', begin) - begin)));
    return lines;
  }
};

TEST_F(PromisesTest, HelpIsACommand) {
  const Finished help = run({"help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_EQ(help.out, run({"--help"}).out);
  for (const char* command : {"predict", "train", "cache", "help", "version"}) {
    const Finished of_command = run({"help", command});
    EXPECT_EQ(of_command.exit_code, 0);
    EXPECT_EQ(of_command.err, "");
    EXPECT_EQ(of_command.out, run({command, "--help"}).out);
    EXPECT_THAT(of_command.out, StartsWith(std::string("Usage: resnet-cli ") + command));
  }
  expect_refused(run({"help", "nonsense"}), 2, "help: unknown command 'nonsense' (resnet-cli help lists them all)");
  expect_refused(run({"help", "predcit"}), 2, "help: unknown command 'predcit', did you mean 'predict'?");
  expect_refused(run({"help", "predict", "train"}), 2, "help: unexpected argument 'train'");
}

TEST_F(PromisesTest, VersionIsACommand) {
  const Finished version = run({"version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out, run({"--version"}).out);
  EXPECT_THAT(version.out, StartsWith("resnet-cli "));
  expect_refused(run({"version", "2"}), 2, "unexpected argument '2'");
}

TEST_F(PromisesTest, AVariableOfTheEnvironmentIsBlamedByItsName) {
  RunOptions options;
  options.environment["RESNET_CLI_THREADS"] = "many";
  const Finished refused = predict({}, options);
  expect_refused(refused, 2, "RESNET_CLI_THREADS: expected a whole number from 1 to 1024, got 'many'");
  EXPECT_THAT(refused.err, Not(HasSubstr("--threads")));
  // The option, which comes first, is to blame for itself.
  EXPECT_EQ(predict({"--threads", "1"}, options).exit_code, 0);
  expect_refused(predict({"--threads", "many"}, options), 2, "--threads: expected a whole number");
  expect_refused(predict({"--threads", "few"}, options), 2, "--threads: expected a whole number from 1 to 1024, got 'few'");
  options.environment = {{"RESNET_CLI_CACHE_MIB", "-5"}};
  expect_refused(predict({}, options), 2, "RESNET_CLI_CACHE_MIB is '-5', expected a number of MiB");
  expect_refused(run({"cache", "list"}, options), 2, "RESNET_CLI_CACHE_MIB is '-5'");
}

TEST_F(PromisesTest, WordsOfOtherToolsAreUnderstood) {
  const auto refused = [&](Words words, const std::string& text) {
    SCOPED_TRACE(testing::PrintToString(words));
    expect_refused(run(words), 2, text);
  };
  const auto predict = [&](const std::string& option, const std::string& text) {
    refused({"predict", "rgb.onnx", "red.png", option}, "unknown option '" + option + "'" + text);
  };
  refused({"train", "resnet20", "cifar", "-o", "x.onnx", "--lr0", "0.1"}, "'--lr0', did you mean '--learning-rate'?");
  refused({"train", "resnet20", "cifar", "-o", "x.onnx", "--num_classes=7"}, "'--num_classes', did you mean '--classes'?");
  refused({"train", "resnet20", "cifar", "-o", "x.onnx", "--imgsz", "64"}, "'--imgsz', did you mean '--size'?");
  refused({"train", "resnet20", "cifar", "-o", "x.onnx", "--pretrained"}, "'--pretrained', did you mean '--init'?");
  for (const char* option : {"--device", "--gpu", "--cuda"})
    predict(option, ": networks run on the CPU: --threads says on how many of its cores, --isa with which instructions");
  for (const char* option : {"--top-k", "--top_k", "-topk", "-n", "-n5"})
    refused({"predict", "rgb.onnx", "red.png", option}, ", did you mean '--topk'?");
  predict("--batch", ", did you mean '--batch-size'?");
  predict("--batch_size", ", did you mean '--batch-size'?");
  predict("--imgsz", ", did you mean '--crop-size'?");
  predict("--workers", ", did you mean '--threads'?");
  predict("--json", ", did you mean '--format json'?");
  predict("--fp16", ": networks compute in fp32; convert --dtype fp16 stores their weights in 16 bits");
  predict("--lr", "; --learning-rate is an option of train");
  predict("--opset", ", which is an option of build, convert and quantize");
  predict("--tpok", ", did you mean '--topk'?");
  predict("--xyz", " (see resnet-cli predict --help");
  refused({"convert", "rgb.onnx", "-o", "x.onnx", "--fp16"}, "'--fp16', did you mean '--dtype fp16'?");
  refused({"convert", "rgb.onnx", "-o", "x.onnx", "--json"}, "unknown option '--json', did you mean '--format'?");
  refused({"bench", "rgb.onnx", "-n", "3"}, "'-n', did you mean '--iterations'?");
  refused({"inspect", "rgb.onnx", "--input-size", "64"}, "'--input-size', did you mean '--input-shape'?");
  refused({"eval", "rgb.onnx"}, "unknown command 'eval', did you mean 'evaluate'?");
  refused({"export", "rgb.onnx"}, "unknown command 'export', did you mean 'convert'?");
}

TEST_F(PromisesTest, JsonIsOneDocumentOfTheSameObjectsAsJsonLines) {
  const Words all = {"yellow.png", "missing.png", "--topk", "2"};
  Words lines = all, document = all;
  lines.insert(lines.end(), {"--format", "jsonl"});
  document.insert(document.end(), {"--format", "json"});
  const Finished as_lines = predict(lines), as_document = predict(document);
  EXPECT_EQ(as_lines.exit_code, 5);
  EXPECT_EQ(as_document.exit_code, 5);
  const json parsed = json::parse(as_document.out);
  ASSERT_TRUE(parsed.is_array());
  EXPECT_EQ(parsed.get<std::vector<json>>(), lines_of(as_lines.out));
  ASSERT_EQ(parsed.size(), 3u);
  EXPECT_EQ(parsed[2]["input"], "missing.png");
  EXPECT_THAT(parsed[2]["error"].get<std::string>(), HasSubstr("cannot be opened"));
  Words file = all;
  file.insert(file.end(), {"-o", "answers.JSON"});
  EXPECT_EQ(predict(file).out, "");
  EXPECT_EQ(read("answers.JSON"), as_document.out);
}

TEST_F(PromisesTest, JsonIsADocumentWithoutAnswersAndWhereTheRunStops) {
  RunOptions nothing;
  nothing.input = "";
  const Finished empty = run({"predict", "rgb.onnx", "-", "--preprocess", "raw", "-q", "--format", "json"}, nothing);
  EXPECT_EQ(empty.exit_code, 0) << empty.err;
  EXPECT_EQ(json::parse(empty.out), json::array());
  const Finished stopped = predict({"missing.png", "yellow.png", "--format", "json", "--fail-fast"});
  EXPECT_EQ(stopped.exit_code, 5);
  const json begun = json::parse(stopped.out);
  ASSERT_EQ(begun.size(), 2u);
  EXPECT_EQ(begun[0]["input"], "red.png");
  EXPECT_EQ(begun[1]["input"], "missing.png");
  EXPECT_TRUE(begun[1].contains("error"));
  EXPECT_EQ(predict({"missing.png", "-o", "answers.json", "--fail-fast"}).exit_code, 5);
  EXPECT_FALSE(fs::exists(folder() / "answers.json"));

  RunOptions options;
  options.folder = folder();
  Running interrupted({program(), "predict", "rgb.onnx", "-", "--preprocess", "raw", "-q", "--format", "json"}, options);
  interrupted.write("red.png\n");
  std::string out;
  while (out.find("red.png") == out.npos) {
    const std::string more = interrupted.read_out();
    ASSERT_NE(more, "") << out;
    out += more;  // an answer comes at once, though the list continues
  }
  interrupted.send_signal(SIGINT);
  const Finished finished = interrupted.wait();
  EXPECT_EQ(finished.exit_code, 130);
  const json parsed = json::parse(finished.out);
  ASSERT_EQ(parsed.size(), 1u);
  EXPECT_EQ(parsed[0]["predictions"][0]["index"], 0);
}

TEST_F(PromisesTest, TheEndingOfAnswersDecidesOrIsRefused) {
  EXPECT_EQ(predict({"-o", "a.csv"}).exit_code, 0);
  EXPECT_THAT(read("a.csv"), StartsWith("input,rank,index,"));
  EXPECT_EQ(predict({"-o", "a.ndjson"}).exit_code, 0);
  EXPECT_THAT(read("a.ndjson"), StartsWith("{\"input\":"));
  EXPECT_EQ(predict({"-o", "a.txt"}).exit_code, 0);
  EXPECT_THAT(read("a.txt"), StartsWith("red.png\n"));
  EXPECT_EQ(predict({"-o", "a.xml", "--format", "csv"}).exit_code, 0);
  EXPECT_EQ(read("a.xml"), read("a.csv"));
  EXPECT_EQ(predict({"-o", "a.7"}).exit_code, 0);  // a number is not a format
  EXPECT_EQ(read("a.7"), read("a.txt"));
  expect_refused(
      predict({"-o", "b.xlsx"}), 2,
      "b.xlsx: ends in .xlsx, which is not written here; expected .txt, .jsonl, .csv or .json; override with --format");
  expect_refused(predict({"--report", "page.pdf"}), 2, "page.pdf: ends in .pdf, which is not written here; expected .html");
  expect_refused(predict({"--output-type", "features", "-o", "f.json"}), 2,
                 "f.json: ends in .json, which is not written here; expected .npy");
  EXPECT_EQ(predict({"--output-type", "features", "-o", "f.npy"}).exit_code, 0);
  for (const char* name : {"b.xlsx", "page.pdf", "f.json"}) EXPECT_FALSE(fs::exists(folder() / name)) << name;
}

TEST_F(PromisesTest, WhatGrowsOrIsJoinedIsJsonLines) {
  for (const Words& asker : {Words{"--resume", "r.jsonl"}, {"--shard", "1/1"}})
    expect_refused(predict({asker[0], asker[1], "--format", "json"}), 2, asker[0] + " gives JSON lines, expected --format jsonl");
  expect_refused(predict({"--resume", "r.json"}), 2, "r.json: ends in .json, which is not written here; expected .jsonl");
  expect_refused(predict({"--shard", "1/1", "-o", "p.csv"}), 2,
                 "p.csv: ends in .csv, which is not written here; expected .jsonl");
  for (const char* name : {"r.json", "r.json.job", "r.json.owner", "p.csv"}) EXPECT_FALSE(fs::exists(folder() / name)) << name;
  EXPECT_EQ(predict({"--resume", "r.json", "--format", "jsonl"}).exit_code, 0);
  ASSERT_EQ(predict({"--shard", "1/1", "-o", "p.1"}).exit_code, 0);
  expect_refused(run({"merge", "p.1", "-o", "m.json"}), 2, "m.json: ends in .json, which is not written here; expected .jsonl");
  EXPECT_EQ(run({"merge", "p.1", "-o", "m.jsonl"}).exit_code, 0);
  EXPECT_EQ(read("m.jsonl"), read("r.json"));
}

TEST_F(PromisesTest, EndingsOfTheOtherCommandsDecide) {
  EXPECT_EQ(run({"validate", "rgb.onnx", "-o", "v.json"}).exit_code, 0);
  EXPECT_EQ(json::parse(read("v.json"))["valid"], true);
  expect_refused(run({"validate", "rgb.onnx", "-o", "v.html"}), 2, "v.html: ends in .html, which is not written here");
  EXPECT_EQ(run({"ops", "-o", "ops.csv"}).exit_code, 0);
  EXPECT_THAT(read("ops.csv"), StartsWith("operator,since,"));
  expect_refused(run({"ops", "-o", "ops.svg"}), 2, "ops.svg: ends in .svg");
  write("labels.csv", "file,class\nred.png,0\n");
  expect_refused(run({"evaluate", "rgb.onnx", "labels.csv", "--labels", "rgb.txt", "-q", "-o", "e.xml"}), 2,
                 "e.xml: ends in .xml");
  expect_refused(run({"evaluate", "rgb.onnx", "labels.csv", "--labels", "rgb.txt", "-q", "--report", "e.txt"}), 2,
                 "e.txt: ends in .txt");
}

TEST_F(PromisesTest, APictureOnStdinIsNamedInOneLine) {
  RunOptions options;
  options.input = png(40, 40, {1, 2, 3});
  const Finished refused = run({"predict", "rgb.onnx", "-", "--preprocess", "raw", "-q"}, options);
  expect_refused(refused, 2, "standard input is not a list of paths (it looks like a PNG)");
}

TEST_F(PromisesTest, AnswersNeverShareALineWithTheProgress) {
  Words words = {"predict", "rgb.onnx", "--preprocess", "raw", "-k", "1"};
  for (int i = 0; i < 300; ++i) words.push_back(i % 2 == 0 ? "red.png" : "yellow.png");
  words.push_back("missing.png");
  RunOptions options;
  options.terminal = true;
  const Finished finished = run(words, options);
  ASSERT_EQ(finished.exit_code, 5);
  EXPECT_THAT(finished.out, HasSubstr("301/301 images"));
  // What the terminal shows: each line after the last \r\x1b[K of it.
  std::size_t answers = 0, erased = 0;
  for (std::size_t begin = 0; begin < finished.out.size();) {
    const std::size_t end = std::min(finished.out.find('\n', begin), finished.out.size());
    const std::string line = finished.out.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t file = line.find(".png");
    if (file == line.npos) continue;
    const std::size_t erase = line.rfind("\r\x1b[K", file);
    const std::string before = line.substr(erase == line.npos ? 0 : erase + 4, file - (erase == line.npos ? 0 : erase + 4));
    EXPECT_THAT(before, Not(HasSubstr("images"))) << line;
    ++answers;
    erased += erase == line.npos ? 0 : 1;
  }
  EXPECT_GE(answers, 301u);
  EXPECT_GE(erased, 1u);
}

TEST_F(PromisesTest, ConvertAsksForForceBeforeItReplacesItsInput) {
  const std::string before = read("rgb.onnx");
  fs::create_symlink("rgb.onnx", folder() / "link.onnx");
  for (const char* output : {"rgb.onnx", "./rgb.onnx", "link.onnx"}) {
    expect_refused(
        run({"convert", "rgb.onnx", "-o", output, "--strip-metadata"}), 2,
        std::string("--output: ") + output + " is the model itself, which would be replaced; expected another file, or --force");
    EXPECT_EQ(read("rgb.onnx"), before);
  }
  EXPECT_EQ(run({"convert", "rgb.onnx", "-o", "rgb.onnx", "--opset", "12", "--force"}).exit_code, 0);
  EXPECT_NE(read("rgb.onnx"), before);
  EXPECT_EQ(predict({}).exit_code, 0);
}

TEST_F(PromisesTest, ConvertKeepsTheDataFilesOfItsInput) {
  ASSERT_EQ(run({"build", "resnet8", "-o", "whole.onnx"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "whole.onnx", "-o", "net.onnx", "--external-data"}).exit_code, 0);
  const std::string data = read("net.onnx.data");
  ASSERT_NE(data, "");
  expect_refused(run({"convert", "net.onnx", "-o", "net.onnx.data", "--force", "--format", "onnx"}), 2,
                 "net.onnx.data is one of the inputs, which would be replaced");
  expect_refused(run({"convert", "net.onnx", "-o", "net.onnx", "--external-data"}), 2, "net.onnx is the model itself");
  // Another file whose data would lie where this one's are.
  fs::copy_file(folder() / "net.onnx", folder() / "other.onnx");
  expect_refused(run({"convert", "other.onnx", "-o", "net.onnx", "--external-data"}), 2,
                 "the data file of --output: net.onnx.data is one of the inputs");
  EXPECT_EQ(read("net.onnx.data"), data);
  EXPECT_EQ(run({"convert", "net.onnx", "-o", "net.onnx", "--external-data", "--force", "--opset", "12"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "whole.onnx", "net.onnx", "-q"}).exit_code, 0);
}

TEST_F(PromisesTest, LabelsOfAnotherNumberAreNotPutIntoAFile) {
  write("two.txt", "red\ngreen\n");
  expect_refused(run({"convert", "rgb.onnx", "-o", "x.onnx", "--labels", "two.txt"}), 2,
                 "two.txt: 2 labels for a model of 3 classes");
  EXPECT_FALSE(fs::exists(folder() / "x.onnx"));
  EXPECT_EQ(run({"convert", "rgb.onnx", "-o", "x.onnx", "--labels", "rgb.txt"}).exit_code, 0);
}

TEST_F(PromisesTest, OneModelAgainstTheTableOfThePaper) {
  const Finished paper = run({"validate", "resnet50", "--paper", "--init", "none"});
  EXPECT_EQ(paper.exit_code, 0) << paper.out << paper.err;
  EXPECT_THAT(paper.out, AllOf(HasSubstr("ResNet-50 v1"), HasSubstr("compared with Table 1's 50-layer network"),
                               HasSubstr("7 of 7 as the paper's Table 1 has them")));
  ASSERT_EQ(run({"build", "resnet50", "--init", "none", "-o", "v15.onnx"}).exit_code, 0);
  const Finished other = run({"validate", "v15.onnx", "--paper", "--format", "json"});
  EXPECT_EQ(other.exit_code, 1);
  const json answer = json::parse(other.out);
  EXPECT_EQ(answer["passed"], false);
  EXPECT_EQ(answer["model"], "v15.onnx");
  EXPECT_THAT(answer["network"].get<std::string>(), HasSubstr("ResNet-50 v1.5"));
  EXPECT_EQ(answer["compared_with"], "Table 1's 50-layer network");
  std::vector<std::string> missed;
  for (const json& check : answer["checks"]) {
    if (!check["passed"]) missed.push_back(check["stage"]);
  }
  EXPECT_THAT(missed, ElementsAre("conv3_x", "conv4_x", "conv5_x", "total"));
  const Finished none = run({"validate", "--model", "resnet20", "--paper"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.out, AllOf(HasSubstr("resnet20: ResNet-20"), HasSubstr("Table 1 has no such network")));
}

TEST_F(PromisesTest, TrainWarnsOfClassesWithoutPictures) {
#ifdef RESNET_THREADS_ARE_WATCHED
  GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    fs::create_directories(folder() / "photos" / name);
    for (const char* file : {"/1.png", "/2.png"}) write("photos/" + std::string(name) + file, png(32, 32, {9, 9, 9}));
  }
  const Words words = {"train", "resnet8", "photos", "-o", "n.onnx", "--iterations", "1", "--batch-size", "2", "--threads", "1"};
  Words seven = words, five = words;
  seven.insert(seven.end(), {"--classes", "7"});
  five.insert(five.end(), {"--classes", "5"});
  const Finished warned = run(seven);
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(
      warned.err,
      HasSubstr("warning: --classes 7: photos holds pictures of 5 classes; the last 2 of the network will not be learnt"));
  EXPECT_THAT(run(five).err, Not(HasSubstr("--classes")));
  Words checkpoint = words;
  checkpoint.insert(checkpoint.end(), {"--checkpoint", "run.ckpt"});
  expect_refused(run(checkpoint), 2, "run.ckpt: ends in .ckpt, which is not written here; expected .resnet");
}

}  // namespace
}  // namespace resnet::test
