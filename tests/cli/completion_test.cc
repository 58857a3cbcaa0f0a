// completion: scripts that the shells can read, and what bash then offers.
#include <fmt/format.h>

#include <regex>
#include <sstream>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CompletionTest : public CliTest {
 protected:
  std::string script(const std::string& shell) const {
    const Finished finished = run({"completion", shell});
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.err, "");
    return finished.out;
  }
  // What bash offers for the last of these words.
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    write("script.bash", script("bash"));
    std::string line;
    for (const std::string& word : words) line += " '" + word + "'";
    RunOptions options;
    options.folder = folder();
    const Finished finished = run_command(
        {"bash", "-c",
         fmt::format(
             "source ./script.bash; COMP_WORDS=(resnet-cli{}); COMP_CWORD={}; _resnet_cli; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
             line, words.size())},
        options);
    EXPECT_EQ(finished.err, "");
    std::vector<std::string> result;
    std::istringstream lines(finished.out);
    for (std::string word; std::getline(lines, word);) {
      if (!word.empty()) result.push_back(word);
    }
    return result;
  }
  static bool has(const std::string& shell) { return run_command({"bash", "-c", "command -v " + shell}).exit_code == 0; }
};

TEST_F(CompletionTest, TheScriptsAreRightSyntax) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const std::filesystem::path file = write("script." + shell, script(shell));
    if (!has(shell)) continue;
    const Finished checked = run_command({shell, "-n", file.string()});
    EXPECT_EQ(checked.exit_code, 0) << shell;
    EXPECT_EQ(checked.err, "") << shell;
  }
}

TEST_F(CompletionTest, EveryOptionOfTheHelpIsInEveryScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string text = script(shell);
    for (const char* command : {"predict", "build"}) {
      std::istringstream words(run({command, "--help"}).out);
      std::size_t options = 0;
      for (std::string word; words >> word;) {
        if (!word.starts_with("--") || word.find_first_of(".:,;)") != std::string::npos) continue;
        ++options;
        EXPECT_THAT(text, HasSubstr(shell == std::string("fish") ? "-l " + word.substr(2) : word)) << shell << " " << command;
      }
      EXPECT_GT(options, 8u);
    }
  }
}

TEST_F(CompletionTest, BashOffersCommandsOptionsAndValues) {
  EXPECT_THAT(offered({""}),
              testing::UnorderedElementsAre("predict", "evaluate", "merge", "build", "inspect", "validate", "convert", "quantize",
                                            "compare", "bench", "responses", "train", "curves", "paper", "fetch", "cache", "ops",
                                            "completion", "help", "version"));
  EXPECT_THAT(offered({"pre"}), ElementsAre("predict"));
  EXPECT_THAT(offered({"--threads", "2", "b"}), ElementsAre("build", "bench"));
  EXPECT_THAT(offered({"predict", "--to"}), ElementsAre("--topk"));
  EXPECT_THAT(offered({"predict", "--"}), AllOf(Contains("--labels"), Contains("--threads"), Not(Contains("--opset"))));
  EXPECT_THAT(offered({"predict", "--format", ""}), ElementsAre("text", "jsonl", "csv", "json"));
  EXPECT_THAT(offered({"predict", "--format", "=", "js"}), ElementsAre("jsonl", "json"));
  EXPECT_THAT(offered({"predict", "--preprocess", "t"}), ElementsAre("torchvision", "tf"));
  EXPECT_THAT(offered({"build", "--shortcut", ""}), ElementsAre("A", "B", "C"));
  EXPECT_THAT(offered({"build", "--opset", ""}), ElementsAre());
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(offered({"cache", ""}), ElementsAre("list", "clear"));
  EXPECT_THAT(offered({"help", "b"}), ElementsAre("build", "bench"));
  EXPECT_THAT(offered({"build", "resnet5"}), Contains("resnet50"));
}

TEST_F(CompletionTest, BashOffersFilesWhereFilesBelong) {
  EXPECT_THAT(offered({"predict", "rgb"}), testing::UnorderedElementsAre("rgb.onnx", "rgb.txt"));
  EXPECT_THAT(offered({"predict", "--labels", "rgb.t"}), ElementsAre("rgb.txt"));
  EXPECT_THAT(offered({"predict", "--labels", "im"}), ElementsAre("imagenet1k"));
  EXPECT_THAT(offered({"predict", "--config", "yel"}), ElementsAre("yellow.png"));
}

TEST_F(CompletionTest, BashOffersFoldersAndNothingForNumbers) {
  std::filesystem::create_directory(folder() / "maps");
  write("maps.txt", "");
  EXPECT_THAT(offered({"predict", "--cam", "map"}), ElementsAre("maps"));
  EXPECT_THAT(offered({"bench", "--pipeline", "map"}), ElementsAre("maps"));
  EXPECT_THAT(offered({"predict", "--shard", ""}), ElementsAre("auto"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"predict", "--min-probability", ""},
                                                {"bench", "--duration", ""},
                                                {"compare", "--atol", ""},
                                                {"train", "--momentum", ""},
                                                {"inspect", "--columns", ""},
                                                {"curves", "--title", ""}}) {
    EXPECT_THAT(offered(words), ElementsAre()) << words[1];
  }
}

TEST_F(CompletionTest, BashOffersArchitecturesWhereAModelBelongs) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"inspect", "resnet5"},
                                                {"predict", "resnet5"},
                                                {"predict", "--model", "resnet5"},
                                                {"responses", "resnet5"},
                                                {"validate", "--expect", "resnet5"}}) {
    EXPECT_THAT(offered(words), Contains("resnet50")) << words[0];
  }
}

TEST_F(CompletionTest, BashOffersPublishedNetworks) {
  write("script.bash", script("bash"));
  RunOptions options;
  options.folder = folder();
  for (const std::string command : {"predict", "fetch"}) {
    const Finished finished =
        run_command({"bash", "-c",
                     "source ./script.bash; COMP_WORDS=('" + program() + "' " + command +
                         " timm/resnet50.a1_); COMP_CWORD=2; _resnet_cli; printf '%s\\n' \"${COMPREPLY[@]}\""},
                    options);
    EXPECT_EQ(finished.out, "timm/resnet50.a1_in1k\n") << command << finished.err;
  }
}

// What is offered can be typed: a placeholder, or a range that the parser's library writes after it, cannot.
TEST_F(CompletionTest, NoPlaceholderIsOffered) {
  const std::regex offer("_resnet_cli_words '([^']*)'"), typable("-{0,2}[a-z0-9][A-Za-z0-9_.-]*|-[A-Z]|[ABC]");
  const std::string text = script("bash");
  std::size_t count = 0;
  for (std::sregex_iterator found(text.begin(), text.end(), offer), end; found != end; ++found) {
    std::istringstream words((*found)[1].str());
    for (std::string word; words >> word; ++count) EXPECT_TRUE(std::regex_match(word, typable)) << word;
  }
  EXPECT_GT(count, 100u);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    for (const char* placeholder : {"FLOAT", "UINT", "FOLDER", "@LIST", "K/N"})
      EXPECT_THAT(script(shell), Not(HasSubstr(placeholder))) << shell;
  }
}

TEST_F(CompletionTest, FishOffersValues) {
  if (!has("fish")) GTEST_SKIP() << "no fish";
  write("script.fish", script("fish"));
  const Finished finished = run_command(
      {"fish", "-c", "source " + (folder() / "script.fish").string() + "; complete -C 'resnet-cli predict --format '"});
  EXPECT_THAT(finished.out, AllOf(HasSubstr("jsonl"), HasSubstr("csv")));
}

}  // namespace
}  // namespace resnet::test
