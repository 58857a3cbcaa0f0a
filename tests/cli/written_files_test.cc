// No command replaces a file that it reads, or a checkpoint that is not one: whatever the option, the link or the spelling.
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;

class WrittenFilesTest : public CliTest {
 protected:
  WrittenFilesTest() {
    for (const auto& [name, color] : {std::pair{"red", Color{255, 0, 0}}, {"green", {0, 255, 0}}, {"blue", {0, 0, 255}}}) {
      fs::create_directories(folder() / "tree" / name);
      for (const char* file : {"/1.png", "/2.png", "/3.png"}) {
        write("tree/" + std::string(name) + file, png(32, 32, {color[0], color[1], color[2]}));
      }
    }
    fs::create_directory(folder() / "listed");
    write("listed/1.png", png(4, 4, {255, 0, 0}));
    write("listed/labels.csv", "file,class\n1.png,0\n");
    write("list.txt", "red.png\nyellow.png\n");
    write("config.toml", "threads = 1\n");
    fs::create_symlink("rgb.onnx", folder() / "link.onnx");
    fs::create_hard_link(folder() / "red.png", folder() / "hard.png");
  }

  using Color = std::array<std::uint8_t, 3>;
  using Words = std::vector<std::string>;

  static Words join(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // With `text` on its one line, and `kept` as it was.
  void expect_kept(const Words& words, const std::string& kept, const std::string& text) const {
    SCOPED_TRACE(testing::PrintToString(words));
    const std::string before = read(kept);
    ASSERT_NE(before, "");
    expect_refused(run(words), 2, text);
    EXPECT_TRUE(read(kept) == before);
  }
};

TEST_F(WrittenFilesTest, PredictKeepsWhatItReads) {
  const Words words = {"predict", "rgb.onnx", "red.png", "@list.txt", "--preprocess", "raw", "--labels", "rgb.txt", "-q"};
  for (const char* option : {"--output", "--report"}) {
    for (const auto& [name, kept] : {std::pair{"rgb.onnx", "rgb.onnx"},
                                     {"link.onnx", "rgb.onnx"},
                                     {"red.png", "red.png"},
                                     {"tree/../red.png", "red.png"},
                                     {"hard.png", "red.png"},
                                     {"yellow.png", "yellow.png"},
                                     {"list.txt", "list.txt"},
                                     {"rgb.txt", "rgb.txt"}}) {
      expect_kept(join(words, {option, name}), kept,
                  std::string(option) + ": " + name + " is one of the inputs, which would be replaced; expected another file");
    }
    expect_kept(join(words, {"--config", "config.toml", option, "config.toml"}), "config.toml",
                "config.toml is one of the inputs");
  }
  RunOptions options;
  options.folder = folder();
  const Finished finished =
      run_command({"bash", "-c", program() + " predict rgb.onnx - --preprocess raw -q -o list.txt < list.txt"}, options);
  expect_refused(finished, 2, "--output: list.txt is one of the inputs");
  EXPECT_EQ(read("list.txt"), "red.png\nyellow.png\n");
  // A run that reads none of them.
  EXPECT_EQ(run(join(words, {"-o", "tree/red/1.png", "--format", "text"})).exit_code, 0);
  EXPECT_EQ(run(join(words, {"-o", "/dev/null", "--report", "/dev/null"})).exit_code, 0);
}

TEST_F(WrittenFilesTest, StdoutIsOneFile) {
  const std::string not_given = "standard output: --output (which is not given) and ";
  for (const auto& [words, message] : std::vector<std::pair<Words, std::string>>{
           {{"predict", "rgb.onnx", "red.png", "--format", "json", "--report", "-"},
            not_given + "--report are one file, expected two"},
           {{"predict", "rgb.onnx", "red.png", "-o", "-", "--report", "-"},
            "standard output: --output and --report are one file"},
           {{"evaluate", "rgb.onnx", "tree", "--confusion", "-"}, not_given + "--confusion are one file"},
           {{"evaluate", "rgb.onnx", "tree", "-o", "e.json", "--report", "-", "--confusion", "-"},
            "--report and --confusion are one"},
           {{"train", "resnet20", "tree", "-o", "x.onnx", "--log", "-", "--curves", "-"},
            "standard output: --log and --curves are"},
           {{"train", "resnet20", "tree", "-o", "-"}, "--output: - is standard output, expected a file"},
           {{"train", "resnet20", "tree", "-o", "x.onnx", "--checkpoint", "-"}, "--checkpoint: - is standard output, expected a"},
           {{"predict", "rgb.onnx", "red.png", "--resume", "-"}, "--resume: - is standard output, expected a file"},
           {{"predict", "rgb.onnx", "red.png", "--cam", "-"}, "--cam: - is standard output, expected a folder"},
           {{"convert", "rgb.onnx", "-o", "-"}, "--output: - is standard output, expected a file"}}) {
    SCOPED_TRACE(testing::PrintToString(words));
    const Finished finished = run(join(words, {"-q"}));
    expect_refused(finished, 2, message);
    EXPECT_FALSE(fs::exists(folder() / "-"));
  }
  EXPECT_THAT(run({"predict", "rgb.onnx", "red.png", "-q", "-o", "a.json", "--report", "-"}).out, testing::HasSubstr("</html>"));
}

TEST_F(WrittenFilesTest, AFolderForPicturesIsNoFile) {
  expect_kept({"predict", "rgb.onnx", "yellow.png", "--cam", "red.png", "-q"}, "red.png", "--cam: red.png is not a folder");
}

TEST_F(WrittenFilesTest, PredictWritesEachFileOnce) {
  const Words words = {"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q"};
  const auto refused = [&](const Words& more, const std::string& text) {
    SCOPED_TRACE(testing::PrintToString(more));
    expect_refused(run(join(words, more)), 2, text);
  };
  refused({"-o", "x", "--report", "./x"}, "./x: --output and --report are one file, expected two");
  refused({"--resume", "y", "--report", "y"}, "y: --resume and --report are one file");
  refused({"--resume", "y", "--report", "y.owner"}, "y.owner: the owner file of --resume and --report are one file");
  refused({"--resume", "y", "--report", "y.job"}, "y.job: the job file of --resume and --report are one file");
  fs::create_symlink("z", folder() / "to_z");  // which is not there
  refused({"-o", "to_z", "--report", "z"}, "z: --output and --report are one file");
  write("x", "there");
  fs::create_hard_link(folder() / "x", folder() / "hard_x");
  refused({"-o", "x", "--report", "hard_x"}, "hard_x: --output and --report are one file");
  EXPECT_EQ(read("x"), "there");
  EXPECT_EQ(run(join(words, {"--resume", "y", "--report", "page.html"})).exit_code, 0);
}

TEST_F(WrittenFilesTest, ActivationMapsReplaceNoPhoto) {
  fs::create_directory(folder() / "maps");
  write("maps/000001_red.png", png(4, 4, {255, 0, 0}));
  expect_kept({"predict", "rgb.onnx", "red.png", "maps/000001_red.png", "--preprocess", "raw", "-q", "--cam", "maps"},
              "maps/000001_red.png", "--cam: maps/000001_red.png is one of the inputs");
}

TEST_F(WrittenFilesTest, EvaluateKeepsWhatItReads) {
  const Words options = {"--preprocess", "raw", "--labels", "rgb.txt", "-q"};
  for (const char* option : {"--output", "--report", "--confusion"}) {
    const auto kept = [&](const Words& data, const std::string& name, const std::string& file) {
      expect_kept(join(join(join({"evaluate", "rgb.onnx"}, data), options), {option, name}), file,
                  std::string(option) + ": " + name + " is one of the inputs");
    };
    kept({"listed"}, "link.onnx", "rgb.onnx");
    kept({"listed"}, "listed/labels.csv", "listed/labels.csv");
    kept({"listed/labels.csv"}, "listed/labels.csv", "listed/labels.csv");
    kept({"listed/labels.csv"}, "listed/1.png", "listed/1.png");
    kept({"listed"}, "rgb.txt", "rgb.txt");
    kept({"listed", "--ground-truth", "list.txt"}, "list.txt", "list.txt");
    kept({"tree"}, "tree/blue/2.png", "tree/blue/2.png");
  }
  const Words words = join({"evaluate", "rgb.onnx", "listed"}, options);
  expect_refused(run(join(words, {"-o", "x", "--report", "x"})), 2, "x: --output and --report are one file");
  expect_refused(run(join(words, {"-o", "x", "--confusion", "x"})), 2, "x: --output and --confusion are one file");
  EXPECT_EQ(run(join(words, {"-o", "x", "--confusion", "c"})).exit_code, 0);
}

TEST_F(WrittenFilesTest, ConvertReplacesTheModelAlone) {
  expect_kept({"convert", "rgb.onnx", "--labels", "rgb.txt", "-o", "rgb.txt"}, "rgb.txt", "rgb.txt is one of the inputs");
  EXPECT_EQ(run({"convert", "rgb.onnx", "-o", "rgb.onnx", "--force"}).exit_code, 0);
}

TEST_F(WrittenFilesTest, PhotosAndTensorsOfOtherCommandsAreKept) {
  ASSERT_EQ(run({"build", "resnet8", "-o", "net.onnx"}).exit_code, 0);
  expect_kept({"responses", "net.onnx", "tree/red", "-q", "-o", "tree/red/2.png"}, "tree/red/2.png",
              "tree/red/2.png is one of the inputs");
  expect_kept({"responses", "net.onnx", "@list.txt", "-q", "-o", "list.txt"}, "list.txt", "list.txt is one of the inputs");
  expect_kept({"compare", "net.onnx", "net.onnx", "-q", "--input", "rgb.txt", "-o", "rgb.txt"}, "rgb.txt",
              "rgb.txt is one of the inputs");
}

TEST_F(WrittenFilesTest, DataFilesOfModelsAreKept) {
  ASSERT_EQ(run({"build", "resnet8", "-o", "whole.onnx"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "whole.onnx", "-o", "net.onnx", "--external-data", "-q"}).exit_code, 0);
  for (const Words& words : {Words{"validate", "net.onnx"},
                             {"validate", "--model", "net.onnx", "--format", "json"},
                             {"bench", "net.onnx", "--duration", "0.01", "-q", "--format", "json"},
                             {"inspect", "net.onnx", "--format", "json"}}) {
    expect_kept(join(words, {"-o", "net.onnx.data"}), "net.onnx.data", "--output: ");
    expect_kept(join(words, {"-o", "net.onnx.data"}), "net.onnx.data", "net.onnx.data is one of the inputs");
  }
  // A model that cannot be read, too.
  write("net.onnx.data", "short");
  expect_kept({"validate", "net.onnx", "-o", "net.onnx.data"}, "net.onnx.data", "net.onnx.data is one of the inputs");
}

class WrittenByTrainTest : public WrittenFilesTest {
 protected:
  void SetUp() override {
#ifdef RESNET_THREADS_ARE_WATCHED
    GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  }
  static Words train(const Words& more) {
    return join({"train", "resnet8", "tree", "--iterations", "2", "--batch-size", "2", "--threads", "1", "-q"}, more);
  }
};

TEST_F(WrittenByTrainTest, PicturesAndTheStartAreKept) {
  const std::string picture = "tree/green/3.png";
  expect_kept(train({"-o", picture}), picture, "--output: tree/green/3.png is one of the inputs");
  ASSERT_EQ(run(train({"-o", "net.onnx"})).exit_code, 0);
  for (const char* option : {"--log", "--curves"}) {
    const std::string begin = std::string(option) + ": ";
    expect_kept(train({"-o", "n.onnx", option, picture}), picture, begin + picture + " is one of the inputs");
    expect_kept(train({"-o", "n.onnx", "--init", "net.onnx", option, "net.onnx"}), "net.onnx",
                begin + "net.onnx is one of the inputs");
    expect_kept(train({"-o", "n.onnx", option, "n.onnx.owner"}), picture, "the owner file of --output and ");
  }
  EXPECT_FALSE(fs::exists(folder() / "n.onnx"));
  // It is trained further in place.
  const std::string before = read("net.onnx");
  EXPECT_EQ(run(train({"-o", "net.onnx", "--init", "net.onnx"})).exit_code, 0);
  EXPECT_FALSE(read("net.onnx") == before);
}

TEST_F(WrittenByTrainTest, BatchesAreKept) {
  std::string batch;
  for (int i = 0; i < 8; ++i) batch += std::string(1, static_cast<char>(i % 2)) + std::string(3 * 32 * 32, 'x');
  write("data_batch_1.bin", batch);
  expect_kept({"train", "resnet8", "data_batch_1.bin", "-o", "n.onnx", "--log", "data_batch_1.bin", "-q"}, "data_batch_1.bin",
              "--log: data_batch_1.bin is one of the inputs");
}

TEST_F(WrittenByTrainTest, WhatIsNoCheckpointStays) {
  write("n.onnx.checkpoint.resnet", "mine");
  for (const Words& mode : {Words{}, {"--resume"}, {"--restart"}}) {
    for (const char* name : {"tree/red/1.png", "rgb.onnx", "rgb.txt"}) {
      expect_kept(train(join({"-o", "n.onnx", "--checkpoint", name}, mode)), name,
                  std::string(name) + ": is not a checkpoint of a training run");
    }
    expect_kept(train(join({"-o", "n.onnx"}, mode)), "n.onnx.checkpoint.resnet", "is not a checkpoint of a training run");
    expect_refused(run(train(join({"-o", "n.onnx", "--checkpoint", "/dev/null"}, mode))), 2, "is not a checkpoint");
  }
  EXPECT_FALSE(fs::exists(folder() / "n.onnx"));
}

}  // namespace
}  // namespace resnet::test
