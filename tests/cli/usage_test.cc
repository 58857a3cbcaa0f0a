// Mistakes on the command line, help, and the options of every command.
#include <tuple>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using UsageTest = CliTest;

TEST_F(UsageTest, HelpGoesToStdoutAndTellsOfEveryCommand) {
  const Finished help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  for (const char* word : {"predict", "build", "inspect", "validate", "convert", "quantize", "compare", "responses", "ops",
                           "completion", "--threads", "--config", "--progress", "Exit codes", "Examples:"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
}

TEST_F(UsageTest, EveryCommandHasHelpWithItsOptionsThoseOfAllAndExamples) {
  for (const char* command :
       {"predict", "build", "inspect", "validate", "convert", "quantize", "compare", "responses", "ops", "completion"}) {
    const Finished help = run({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_THAT(help.out, testing::StartsWith(std::string("Usage: resnet-cli ") + command));
    EXPECT_THAT(help.out, HasSubstr("Options of every command:"));
    EXPECT_THAT(help.out, HasSubstr("RESNET_CLI_THREADS"));
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  "));
  }
  EXPECT_THAT(run({"predict", "-h"}).out, HasSubstr("torchvision|caffe|tf|mlperf|cifar10|raw"));
}

TEST_F(UsageTest, TheVersion) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--version"}, {"-V"}, {"predict", "-V"}}) {
    const Finished version = run(words);
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_THAT(version.out, testing::MatchesRegex("resnet-cli [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  }
}

// What most commands never use is loaded late: the system's loader, asked what a start loads, names none of it.
TEST_F(UsageTest, AStartLoadsOnlyWhatItNeeds) {
  RunOptions options;
  options.environment["LD_TRACE_LOADED_OBJECTS"] = "1";
  const std::string loaded = run({"--version"}, options).out;
  EXPECT_THAT(loaded, HasSubstr("libc.so"));
  for (const char* late : {"libvips", "libglib", "libgvc", "libcgraph", "libdnnl", "libgomp", "libOpenCL", "libhwy"}) {
    EXPECT_THAT(loaded, Not(HasSubstr(late)));
  }
}

// Help, and what is said of another word, come from one table.
TEST_F(UsageTest, AChoiceIsRefusedWithAllItsWords) {
  const std::tuple<const char*, const char*, const char*> choices[] = {
      {"predict", "--output-type", "probability|logit|features|vector"},
      {"predict", "--format", "text|jsonl|csv|json"},
      {"predict", "--init", "he|zeros"},
      {"evaluate", "--average", "probability|logit"},
      {"inspect", "--format", "text|json|csv|md|dot|svg|html"},
      {"inspect", "--depth", "stage|block|layer"},
      {"responses", "--format", "text|csv|json|svg"},
      {"compare", "--check", "max|mean|median"},
      {"convert", "--dtype", "fp16|bf16|fp32"},
      {"convert", "--rename", "torchvision"},
      {"bench", "--convolution", "auto|direct|winograd"},
      {"build", "--init", "he|zeros|none"},
      {"train", "--augmentation", "auto|none|cifar|imagenet"},
      {"train", "--decay", "all|weights"},
      {"ops", "--progress", "auto|on|off"},
      {"ops", "--format", "text|json|csv|md"}};
  for (const auto& [command, option, words] : choices) {
    EXPECT_THAT(run({command, "--help"}).out, HasSubstr(std::string(option) + " " + words)) << command;
    expect_refused(run({command, option, "nonsense"}), 2, std::string(option) + ": expected " + words + ", got 'nonsense'");
  }
  expect_refused(run({"cache", "nonsense"}), 2, "expected list|clear, got 'nonsense'");
  expect_refused(run({"completion", "nonsense"}), 2, "expected bash|zsh|fish, got 'nonsense'");
  expect_refused(run({"train", "--freeze", "nonsense", "resnet20", "data", "-o", "a.onnx"}), 2,
                 "--freeze: expected none|backbone|conv1|conv2_x|conv3_x|conv4_x|conv5_x, got 'nonsense'");
  expect_refused(run({"evaluate", "--crop", "ten,nonsense"}), 2, "--crop: expected center, ten or full, got 'ten,nonsense'");
}

TEST_F(UsageTest, MistakesAreOneLineThatNamesThem) {
  expect_refused(run({}), 2, "no command given");
  expect_refused(run({"predcit", "a.jpg"}), 2, "unknown command 'predcit', did you mean 'predict'?");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--tpok", "3"}), 2, "unknown option '--tpok', did you mean '--topk'?");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--topk", "three"}), 2, "--topk: expected a whole number from 1");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--topk", "0"}), 2, "got '0'");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--format", "xml"}), 2, "expected text|jsonl|csv|json, got 'xml'");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--preprocess", "torch"}), 2, "got 'torch'");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--threads", "0"}), 2, "--threads");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--topk"}), 2, "--topk");
  expect_refused(run({"build", "resnet18"}), 2, "--output");
  expect_refused(run({"build", "-o", "x.onnx"}), 2, "build: no ARCH given (see resnet-cli build --help)");
  expect_refused(run({"completion", "tcsh"}), 2, "expected bash|zsh|fish, got 'tcsh'");
  expect_refused(run({"completion", "bash", "zsh"}), 2, "unexpected argument 'zsh'");
}

// None is told in the words of the parser's library.
TEST_F(UsageTest, MistakesOfFormAreToldInThisProgramsWords) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{"predict", "a.png", "--topk"}, "predict: --topk: no value given, expected N (see"},
      {{"predict", "a.png", "-m"}, "predict: --model: no value given, expected FILE|ARCH (see"},
      {{"predict", "a.png", "-k", "1", "-k", "2"}, "predict: --topk: given more than once, expected one value (see"},
      {{"compare", "a", "b", "--atol", "abc"}, "compare: --atol: 'abc' is not a number"},
      {{"convert", "a", "-o", "b.onnx", "--tolerance", "-1"}, "convert: --tolerance: '-1' is not a number of 0 or more (see"},
      {{"predict", "a.png", "--min-probability", "2"}, "predict: --min-probability: '2' is not a number from 0 to 1 (see"},
      {{"predict", "a.png", "--min-probability", "nan"}, "predict: --min-probability: 'nan' is not a number from 0 to 1 (see"},
      {{"bench", "a", "--duration", "0"}, "bench: --duration: '0' is not a number from 0.01 to 86400 (see"},
      {{"predict", "a.png", "--recursive=maybe"}, "predict: --recursive: is a flag, expected no value (see"},
      {{"ops", "--config", "no.toml"}, "ops: --config: no.toml: cannot be opened: No such file or directory (see"},
      {{"merge"}, "merge: no PARTS given (see"},
      {{"train"}, "train: no DATA given (see"},
      {{"curves"}, "curves: no LOG given (see"},
      {{"completion"}, "completion: no SHELL given (see"}};
  for (const auto& [words, message] : cases) expect_refused(run(words), 2, std::string("resnet-cli: ") + message);
  write("config.toml", "config = 'other.toml'\n");
  expect_refused(run({"ops", "--config", "config.toml"}), 2, "--config: 'config' may not be in a file");
}

TEST_F(UsageTest, ANameOfAFileIsNotEmpty) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"predict", "red.png", "-o", ""},
                                                {"predict", "red.png", "--report", ""},
                                                {"predict", "red.png", "--cam", ""},
                                                {"build", "resnet18", "-o", ""},
                                                {"convert", "rgb.onnx", "-o", ""},
                                                {"merge", "a", "-o", ""}}) {
    expect_refused(run(words), 2, ": the name is empty, expected F");
  }
}

TEST_F(UsageTest, HelpNamesNumbersByAPlaceholder) {
  EXPECT_THAT(run({"predict", "--help"}).out, HasSubstr("--min-probability X  "));
  EXPECT_THAT(run({"bench", "--help"}).out, HasSubstr("--duration X  "));
}

TEST_F(UsageTest, ArgumentsThatDoNotFitAreUsage) {
  expect_refused(run({"predict", "rgb.onnx"}), 2, "no images");
  expect_refused(run({"predict"}), 2, "no model among the arguments");
  expect_refused(run({"predict", "renset50", "yellow.png"}), 2, "did you mean 'resnet50'");
  expect_refused(run({"predict", "--model", "renset50", "yellow.png"}), 2, "did you mean 'resnet50'?");
  const std::vector<std::string> predict = {"predict", "rgb.onnx", "red.png", "-q"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), predict.begin(), predict.end());
    return run(more);
  };
  expect_refused(with({"--mean", "0.5,0.5"}), 2, "--mean: 2 numbers in '0.5,0.5', expected one, or three");
  expect_refused(with({"--mean", "0.5,x,0.5"}), 2, "--mean: 'x' is not a number");
  expect_refused(with({"--std", "1,0,1"}), 2, "--std: a zero");
  expect_refused(with({"--crop-size", "0"}), 2, "--crop-size: expected a number of pixels");
  expect_refused(with({"--crop-size", "5", "--input-shape", "1x3x4x4"}), 2,
                 "--crop-size 5 does not fit the network's input of 1x3x4x4");
  expect_refused(with({"--crop-pct", "1.5"}), 2, "--crop-pct: expected a share");
  expect_refused(with({"--resize", "5", "--crop-pct", "0.5"}), 2, "--resize and --crop-pct");
  expect_refused(with({"--variant", "v1"}), 2, "--variant is for architectures by name, but rgb.onnx is a file");
  expect_refused(with({"--input-shape", "1x3"}), 2, "rgb.onnx: input 'image': has the shape Nx3x4x4, cannot be given 1x3");
  expect_refused(with({"--input-shape", "1x3xfour,4"}), 2, "--input-shape");
  expect_refused(with({"--input-shape", "Nx3x4x4"}), 2, "expected numbers for a file");
}

TEST_F(UsageTest, AConfigurationFileGivesOptionsAndTheCommandLineComesFirst) {
  write("options.toml", "quiet = true\n\n[predict]\ntopk = 1\nformat = \"csv\"\npreprocess = \"raw\"\n");
  const Finished configured = run({"predict", "rgb.onnx", "red.png", "--config", "options.toml"});
  EXPECT_EQ(configured.exit_code, 0);
  EXPECT_EQ(configured.err, "");
  EXPECT_EQ(configured.out, "input,rank,index,label,probability,logit\nred.png,1,0,,1,255\n");
  const Finished overridden = run({"--config", "options.toml", "predict", "rgb.onnx", "red.png", "--topk", "2"});
  EXPECT_EQ(overridden.out, "input,rank,index,label,probability,logit\nred.png,1,0,,1,255\nred.png,2,1,,0,0\n");
  write("marked.toml", "\xef\xbb\xbf" + read("options.toml"));
  EXPECT_EQ(run({"predict", "rgb.onnx", "red.png", "--config", "marked.toml"}).out, configured.out);
}

TEST_F(UsageTest, AConfigurationFileMayGiveNumbersAsAList) {
  write("options.toml", "[predict]\nmean = [1, 2, 3]\nstd = [1, 1, 1]\npreprocess = \"raw\"\nformat = \"csv\"\ntopk = 1\n");
  EXPECT_THAT(run({"predict", "rgb.onnx", "red.png", "--config", "options.toml"}).out, HasSubstr("red.png,1,0,,1,254\n"));
}

TEST_F(UsageTest, AWrongConfigurationFileIsUsage) {
  write("options.toml", "[predict]\ntpok = 1\n");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--config", "options.toml"}), 2, "unknown entry 'predict.tpok'");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--config", "missing.toml"}), 2, "missing.toml");
  write("options.toml", "[predict]\ntopk = \"many\"\n");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--config", "options.toml"}), 2, "got 'many'");
}

TEST_F(UsageTest, ThreadsComeFromTheOptionElseTheEnvironment) {
  const std::vector<std::string> predict = {"predict", "rgb.onnx", "red.png", "-v", "--preprocess", "raw"};
  RunOptions three;
  three.environment["RESNET_CLI_THREADS"] = "3";
  EXPECT_THAT(run(predict, three).err, HasSubstr(", 3 threads"));
  std::vector<std::string> with_option = predict;
  with_option.insert(with_option.end(), {"--threads", "2"});
  EXPECT_THAT(run(with_option, three).err, HasSubstr(", 2 threads"));
  three.environment["RESNET_CLI_THREADS"] = "many";
  expect_refused(run(predict, three), 2, "RESNET_CLI_THREADS: expected a whole number from 1 to 1024, got 'many'");
}

TEST_F(UsageTest, WhereNobodySaysItTheJobsLimitsSayHowManyThreads) {
  const std::vector<std::string> predict = {"predict", "rgb.onnx", "red.png", "-v", "--preprocess", "raw"};
  RunOptions options;
  options.environment["OMP_NUM_THREADS"] = " 1,4";
  EXPECT_THAT(run(predict, options).err, AllOf(HasSubstr(", 1 thread\n"), Not(HasSubstr("ignored"))));
  options.environment["OMP_NUM_THREADS"] = "1000";  // that more are allowed than there are does not start them
  options.environment["SLURM_CPUS_PER_TASK"] = "1";
  EXPECT_THAT(run(predict, options).err, AllOf(HasSubstr(", 1 thread\n"), Not(HasSubstr("warning"))));
  for (const char* nonsense : {"many", "0", "-1", ",2", "2x"}) {
    options.environment["OMP_NUM_THREADS"] = nonsense;
    const Finished finished = run(predict, options);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.err,
                HasSubstr("OMP_NUM_THREADS is '" + std::string(nonsense) + "', expected a number of threads: ignored"));
  }
  // OpenMP's library, which training loads, has nothing to add.
  std::filesystem::create_directories(folder() / "photos/a");
  std::filesystem::create_directories(folder() / "photos/b");
  write("photos/a/1.png", png(8, 8, {255, 0, 0}));
  write("photos/b/1.png", png(8, 8, {0, 0, 255}));
  const std::vector<std::string> train = {"train", "resnet20",     "photos", "-o",     "t.onnx", "--iterations",
                                          "1",     "--batch-size", "2",      "--size", "8"};
  EXPECT_THAT(run(train, options).err, Not(HasSubstr("libgomp")));
  options.environment["RESNET_CLI_THREADS"] = "2";
  EXPECT_THAT(run(predict, options).err, AllOf(HasSubstr(", 2 threads"), Not(HasSubstr("ignored"))));
}

TEST_F(UsageTest, MoreThreadsThanProcessorsIsAWarningAndTheSameAnswer) {
  const std::vector<std::string> predict = {"predict", "rgb.onnx", "red.png", "yellow.png", "--preprocess", "raw"};
  std::vector<std::string> many = predict;
  many.insert(many.end(), {"--threads", "1000"});
  const Finished one = run(predict), thousand = run(many);
  EXPECT_EQ(thousand.exit_code, 0);
  EXPECT_EQ(thousand.out, one.out);
  EXPECT_THAT(thousand.err, HasSubstr("resnet-cli: warning: 1000 threads are asked for, more than the "));
  EXPECT_THAT(one.err, Not(HasSubstr("threads are asked for")));
}

TEST_F(UsageTest, InstructionSetsAreCapped) {
  const std::vector<std::string> predict = {"predict",      "rgb.onnx", "red.png",  "yellow.png",
                                            "--preprocess", "raw",      "--format", "csv"};
  const Finished best = run(predict);
  EXPECT_EQ(best.exit_code, 0);
  const Finished refused = run({"predict", "rgb.onnx", "red.png", "--isa", "avx9000"});
  expect_refused(refused, 2, "--isa: expected ");
  // The words that are expected are those that this machine has.
  std::string words = refused.err.substr(refused.err.find("expected ") + 9);
  words = words.substr(0, words.find(','));
  for (std::size_t begin = 0; begin < words.size();) {
    const std::string word = words.substr(begin, words.find('|', begin) - begin);
    begin += word.size() + 1;
    std::vector<std::string> capped = predict;
    capped.insert(capped.end(), {"--isa", word});
    const Finished finished = run(capped);
    EXPECT_EQ(finished.exit_code, 0) << word << finished.err;
    EXPECT_EQ(finished.out, best.out) << word;  // such small sums are exact
    EXPECT_THAT(run({"bench", "rgb.onnx", "--iterations", "1", "--warmup", "1", "--isa", word}).out, HasSubstr(word));
  }
}

TEST_F(UsageTest, QuietShowsErrorsOnly) {
  const Finished loud = run({"predict", "rgb.onnx", "red.png"});
  EXPECT_EQ(loud.exit_code, 0);
  EXPECT_THAT(loud.err, HasSubstr("resnet-cli: warning: guessed the preprocessing"));
  const Finished quiet = run({"predict", "rgb.onnx", "red.png", "missing.png", "-q"});
  EXPECT_EQ(quiet.exit_code, 5);
  EXPECT_EQ(quiet.err, "resnet-cli: missing.png: cannot be opened: No such file or directory\n");
}

TEST_F(UsageTest, ColoursOnlyOnATerminalAndNotWithNoColor) {
  const std::vector<std::string> words = {"predict", "rgb.onnx", "missing.png", "-q"};
  EXPECT_THAT(run(words).err, Not(HasSubstr("\x1b")));
  RunOptions terminal;
  terminal.terminal = true;
  EXPECT_THAT(run(words, terminal).out, HasSubstr("\x1b[1;31mresnet-cli:\x1b[0m missing.png"));
  terminal.environment["NO_COLOR"] = "1";
  EXPECT_THAT(run(words, terminal).out, Not(HasSubstr("\x1b[1;31m")));
}

TEST_F(UsageTest, ProgressOnlyOnATerminalOrWhereAskedFor) {
  const std::vector<std::string> words = {"predict", "rgb.onnx", "red.png", "yellow.png", "--preprocess", "raw"};
  const auto with = [&](const std::string& progress, bool on_terminal) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--progress", progress});
    RunOptions options;
    options.terminal = on_terminal;
    const Finished finished = run(all, options);
    return finished.out + finished.err;
  };
  EXPECT_THAT(with("auto", false), Not(HasSubstr("/2 images")));
  EXPECT_THAT(with("on", false), HasSubstr("2/2 images  100%"));
  EXPECT_THAT(with("auto", true), HasSubstr("2/2 images  100%"));
  EXPECT_THAT(with("auto", true), HasSubstr("\r\x1b[K"));
  EXPECT_THAT(with("off", true), Not(HasSubstr("/2 images")));
}

TEST_F(UsageTest, OptionsOfArchitecturesAreRefusedForFiles) {
  const std::vector<std::vector<std::string>> options = {
      {"--classes", "3"}, {"--variant", "v1"}, {"--shortcut", "A"}, {"--init", "zeros"}, {"--seed", "3"}};
  run({"predict", "rgb.onnx", "red.png", "-q"});  // keeps it
  for (const std::vector<std::string>& given : options) {
    const auto refused = [&](std::vector<std::string> words, const std::string& is) {
      words.insert(words.end(), given.begin(), given.end());
      expect_refused(run(words), 2, given[0] + " is for architectures by name, but " + is);
    };
    refused({"predict", "rgb.onnx", "red.png", "-q"}, "rgb.onnx is a file");
    refused({"predict", "red.png", "-q"}, "resnet20-cifar10 is the network that is built in");
    refused({"inspect", "rgb.onnx"}, "rgb.onnx is a file");
    refused({"inspect", "rgb.onnx", "rgb.onnx"}, "rgb.onnx is a file");
    refused({"validate", "rgb.onnx"}, "rgb.onnx is a file");
    refused({"bench", "rgb.onnx", "-q"}, "rgb.onnx is a file");
  }
}

TEST_F(UsageTest, OptionsOfArchitecturesApplyToThoseOfSeveralModels) {
  const Finished pair = run({"inspect", "rgb.onnx", "resnet50", "--variant", "v1"});
  EXPECT_EQ(pair.exit_code, 0) << pair.err;
  EXPECT_THAT(pair.out, HasSubstr("3,857,973,248"));
  const Finished bench = run({"bench", "rgb.onnx", "resnet20", "--classes", "3", "--iterations", "1", "--warmup", "1", "-q"});
  EXPECT_EQ(bench.exit_code, 0) << bench.err;
}

TEST_F(UsageTest, TolerancesAreFiniteNumbers) {
  for (const char* option : {"--atol", "--rtol"}) {
    for (const char* value : {"-1", "nan", "inf"})
      expect_refused(run({"compare", "rgb.onnx", "rgb.onnx", std::string(option) + "=" + value}), 2,
                     "is not a number of 0 or more");
    EXPECT_EQ(run({"compare", "rgb.onnx", "rgb.onnx", option, "0"}).exit_code, 0);
  }
  expect_refused(run({"convert", "rgb.onnx", "-o", "o.onnx", "--check", "1", "--tolerance=nan"}), 2,
                 "is not a number of 0 or more");
  expect_refused(run({"bench", "rgb.onnx", "--duration", "nan"}), 2, "'nan' is not a number from 0.01 to 86400");
}

TEST_F(UsageTest, ContentDecidesWhatAFileIsOfAnyName) {
  std::filesystem::copy(folder() / "rgb.onnx", folder() / "named.resnet");
  for (int cached = 0; cached < 2; ++cached) {
    const Finished finished = run({"predict", "named.resnet", "red.png", "--preprocess", "raw", "-q", "--format", "csv"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, testing::HasSubstr("red.png,1,0,,1,255"));
  }
  EXPECT_EQ(run({"validate", "named.resnet"}).exit_code, 0);
  EXPECT_EQ(run({"inspect", "named.resnet"}).exit_code, 0);
}

}  // namespace
}  // namespace resnet::test
