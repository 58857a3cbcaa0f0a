// `paper`: the whole paper beside what was measured.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/golden.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class PaperTest : public CliTest {
 protected:
  json flat(std::vector<std::string> files) const {
    files.insert(files.begin(), {"paper", "--format", "json", "-q"});
    const Finished finished = run(files);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out, nullptr, false);
  }
  // Those below the tables, which the text alone has, with a network in place of NET.
  std::set<std::string> commands_of_tables() const {
    constexpr std::string_view program = "resnet-cli ", any = "NET";
    std::set<std::string> commands;
    std::istringstream text(run({"paper", "-q"}).out);
    for (std::string line; std::getline(text, line);) {
      for (std::size_t at = line.find(program); at != line.npos; at = line.find(program, at + 1)) {
        std::string command = line.substr(at, line.find(';', at) - at);
        for (std::size_t net = command.find(any); net != command.npos; net = command.find(any))
          command.replace(net, any.size(), "resnet20");
        commands.insert(command);
      }
    }
    EXPECT_GE(commands.size(), 10u);
    return commands;
  }
  static json find(const json& rows, const std::string& part, const std::string& row, const std::string& measure) {
    for (const json& one : rows) {
      if (one["part"] == part && one["row"] == row && one["measure"] == measure) return one;
    }
    ADD_FAILURE() << part << ", " << row << ", " << measure << " is missing";
    return {};
  }
};

TEST_F(PaperTest, TheCountsAreExact) {
  const json rows = flat({});
  const auto count = [&](const std::string& row) { return find(rows, "Table 1", row, "multiply-adds"); };
  EXPECT_EQ(count("ResNet-18")["here"], 1814073344);
  EXPECT_EQ(count("ResNet-34")["here"], 3663761408);
  EXPECT_EQ(count("ResNet-50")["here"], 3857973248);
  EXPECT_EQ(count("ResNet-101")["here"], 7570194432);
  EXPECT_EQ(count("ResNet-152")["here"], 11282415616);
  EXPECT_EQ(count("ResNet-152")["paper"], "11.3x10^9");
  for (const char* row : {"ResNet-34", "ResNet-50"}) EXPECT_EQ(count(row)["remark"], "only truncates to it");
  for (const char* row : {"ResNet-101", "ResNet-152"}) EXPECT_EQ(count(row)["remark"], "rounds to it");
  // 16 convolutions and three fully connected layers by hand.
  EXPECT_EQ(count("VGG-19 (Figure 3)")["here"], 19632062464);
  EXPECT_EQ(count("VGG-16 (section 4.1)")["here"], 15470264320);
  EXPECT_EQ(find(rows, "Table 6", "ResNet, 1202 layers", "parameters")["here"], 19421274);
}

TEST_F(PaperTest, EveryNumberOfTheTables) {
  std::multiset<std::string> errors;
  for (const json& row : flat({})) {
    if (row["measure"] == "top-1 error" || row["measure"] == "top-5 error")
      errors.insert(row["part"].get<std::string>() + " " + row["paper"].get<std::string>());
  }
  const std::multiset<std::string> expected = {
      "Table 2 27.94", "Table 2 27.88", "Table 2 28.54", "Table 2 25.03", "Table 3 28.07", "Table 3 9.33",  "Table 3 9.15",
      "Table 3 24.27", "Table 3 7.38",  "Table 3 28.54", "Table 3 10.02", "Table 3 25.03", "Table 3 7.76",  "Table 3 24.52",
      "Table 3 7.46",  "Table 3 24.19", "Table 3 7.40",  "Table 3 22.85", "Table 3 6.71",  "Table 3 21.75", "Table 3 6.05",
      "Table 3 21.43", "Table 3 5.71",  "Table 4 8.43",  "Table 4 7.89",  "Table 4 24.4",  "Table 4 7.1",   "Table 4 21.59",
      "Table 4 5.71",  "Table 4 21.99", "Table 4 5.81",  "Table 4 21.84", "Table 4 5.71",  "Table 4 21.53", "Table 4 5.60",
      "Table 4 20.74", "Table 4 5.25",  "Table 4 19.87", "Table 4 4.60",  "Table 4 19.38", "Table 4 4.49",  "Table 5 7.32",
      "Table 5 6.66",  "Table 5 6.8",   "Table 5 4.94",  "Table 5 4.82",  "Table 5 3.57",  "Table 6 9.38",  "Table 6 8.81",
      "Table 6 8.22",  "Table 6 8.39",  "Table 6 7.54",  "Table 6 8.80",  "Table 6 8.75",  "Table 6 7.51",  "Table 6 7.17",
      "Table 6 6.97",  "Table 6 6.43",  "Table 6 7.93",  "Models 24.7",   "Models 7.8",    "Models 23.6",   "Models 7.1",
      "Models 23.0",   "Models 6.7"};
  EXPECT_EQ(errors, expected);
}

TEST_F(PaperTest, ResultsStandBesideTheirRows) {
  const auto result = [](const char* architecture, const char* shortcut, const char* crop, double error, int count) {
    return json{{"model", "m.onnx"},    {"crop", crop},          {"architecture", architecture},
                {"shortcut", shortcut}, {"variant", "v1"},       {"networks", 1},
                {"top1_err", error},    {"top5_err", error / 4}, {"count", count}};
  };
  fs::create_directories(folder() / "results");
  write("results/a.json", result("resnet34", "B", "ten", 24.75, 50000).dump());
  write("results/few.json", result("resnet34", "B", "ten", 60, 100).dump());
  write("results/b.json",
        json::array({result("plain34", "none", "ten", 28.5, 50000), result("resnet34", "B", "center", 26, 9)}).dump());
  write("results/other.json", "{\"rows\": 3}");
  write("results/resnet20.csv",
        "iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_per_second,seconds\n"
        "10,1,0.1,2,0.8,2.1,0.85,100,1\n20,2,0.1,1,0.5,1.5,0.0912,100,2\n");
  const Finished finished = run({"paper", "--results", "results", "--format", "json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("results/other.json: is JSON of another kind"));
  const json rows = json::parse(finished.out);
  const json row = find(rows, "Table 3", "ResNet-34 B", "top-1 error");
  EXPECT_EQ(row["here"], 24.75);  // of two the one of more photos
  EXPECT_EQ(row["source"], "results/a.json");
  EXPECT_EQ(row["remark"], "50000 photos");
  EXPECT_EQ(find(rows, "Table 3", "ResNet-34 B", "top-5 error")["here"], 24.75 / 4);
  EXPECT_EQ(find(rows, "Table 2", "plain, 34 layers", "top-1 error")["here"], 28.5);
  EXPECT_EQ(find(rows, "Table 3", "ResNet-34 A", "top-1 error")["remark"], "missing");
  EXPECT_NEAR(find(rows, "Table 6", "ResNet, 20 layers", "top-1 error")["here"].get<double>(), 9.12, 1e-5);
  EXPECT_EQ(find(rows, "Figure 6", "errors over iterations, CIFAR-10", "picture")["remark"], "");
  EXPECT_EQ(find(rows, "Figure 4", "errors over iterations, ImageNet", "picture")["remark"], "missing");
  EXPECT_THAT(run({"paper", "results/a.json"}).out, HasSubstr("1 of 27 rows that can be measured here have results; missing:"));
}

TEST_F(PaperTest, WhatIsNoResultIsRefused) {
  write("a.json", "{\"rows\": 3}");
  write("b.json", "[");
  write("c.csv", "x,y\n1,2\n");
  write("d.json", "");
  expect_refused(run({"paper", "a.json"}), 5, "a.json: is JSON of another kind; expected JSON of evaluate or responses");
  expect_refused(run({"paper", "b.json"}), 5, "b.json: is not JSON as this program writes it");
  expect_refused(run({"paper", "c.csv"}), 5, "c.csv: is not a log of a training run");
  expect_refused(run({"paper", "d.json"}), 5, "d.json: is empty");
  expect_refused(run({"paper", "none.json"}), 5, "none.json: cannot be opened");
  expect_refused(run({"paper", "--results", "none"}), 5, "none: cannot be listed");
  expect_refused(run({"paper", "-o", "paper.png"}), 2, "paper.png: ends in .png, which is not written here");
  write("e.json", json{{"crop", "ten"}, {"top1_err", 1.0}, {"count", 1}}.dump());
  expect_refused(run({"paper", "e.json", "-o", "e.json"}), 2, "e.json");
}

// Each command that it names, on small data under the names that it uses.
TEST_F(PaperTest, EveryCommandRuns) {
  for (const char* photo : {"imagenet/val/a/1.png", "imagenet/val/b/2.png", "cifar10/train/a/1.png", "cifar10/train/a/2.png",
                            "cifar10/train/b/3.png", "cifar10/train/b/4.png", "cifar10/test/a/5.png", "cifar10/test/b/6.png"}) {
    fs::create_directories((folder() / photo).parent_path());
    write(photo, png(32, 32, {static_cast<std::uint8_t>(40 * photo[std::string(photo).size() - 5] % 255), 90, 30}));
  }
  ASSERT_EQ(run({"build", "resnet8", "--classes", "2", "-o", "small.onnx", "-q"}).exit_code, 0);
  write("log.csv",
        "iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_per_second,seconds\n"
        "10,1,0.1,2,0.8,2.1,0.85,100,1\n");
  std::set<std::string> commands;
  for (const json& row : flat({})) commands.insert(row["command"].get<std::string>());
  commands.erase("");
  EXPECT_GE(commands.size(), 30u);
  for (const std::string& command : commands_of_tables()) commands.insert(command);
  EXPECT_EQ(commands.count("resnet-cli validate --paper"), 1u);
  for (const std::string& command : commands) {
    std::istringstream stream(command);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    ASSERT_EQ(words.front(), "resnet-cli");
    words.erase(words.begin());
    const bool trains = words.front() == "train";
    for (const std::string& word : words) {
      // The trained networks and logs of an earlier command.
      if (!trains && word.ends_with(".onnx"))
        fs::copy_file(folder() / "small.onnx", folder() / word, fs::copy_options::skip_existing);
      if (words.front() == "curves" && word.ends_with(".csv"))
        fs::copy_file(folder() / "log.csv", folder() / word, fs::copy_options::skip_existing);
    }
    if (trains) words.insert(words.end(), {"--iterations", "1", "--batch-size", "2", "--threads", "1"});
    if (trains && words[1] == "resnet1202") continue;  // as the others, and too long for a test
#ifdef RESNET_SANITIZED
    if (trains && words[1] != "resnet20") continue;
#endif
    words.push_back("-q");
    const Finished finished = run(words);
    EXPECT_EQ(finished.exit_code, 0) << command << "\n" << finished.err;
  }
}

// Its pictures are files of their own, and the page has their names in their places.
TEST_F(PaperTest, GoldenPageAndFigures) {
  for (const char* file : {"paper/responses.json", "paper/results.json", "degradation/degradation.csv"})
    fs::copy_file(testdata() / file, folder() / fs::path(file).filename());
  const Finished finished = run({"paper", "results.json", "responses.json", "degradation.csv", "-o", "page.html", "-q"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  std::string page = read("page.html");
  const std::vector<std::string> figures = {"figure3-vgg19",      "figure3-plain34", "figure3-resnet34", "figure5-basic",
                                            "figure5-bottleneck", "figure6",         "figure7"};
  constexpr std::string_view last = "</svg>\n";
  std::size_t at = 0;
  for (const std::string& figure : figures) {
    const std::size_t begin = page.find("<svg", at), end = page.find(last, begin);
    ASSERT_NE(end, page.npos) << figure;
    const std::size_t size = end + last.size() - begin;
    expect_golden("paper/" + figure + ".svg", page.substr(begin, size));
    const std::string place = "[" + figure + ".svg]";
    page.replace(begin, size, place);
    at = begin + place.size();
  }
  EXPECT_EQ(page.find("<svg", at), page.npos);
  expect_golden("paper/page.html", page);
  expect_golden("paper/text.txt", run({"paper", "results.json", "responses.json", "degradation.csv", "-q"}).out);
}

TEST_F(PaperTest, ThePageHoldsEverything) {
  ASSERT_EQ(run({"responses", "plain-20=plain20", "resnet20", "--random", "2", "-o", "r.json", "-q"}).exit_code, 0);
  const fs::path log = testdata() / "degradation" / "degradation.csv";
  const Finished finished = run({"paper", "r.json", log.string(), "-o", "paper.html"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::string page = read("paper.html");
  for (const char* text : {"Table 1: ", "Table 6: ", "Models: ", "Figure 3: ", "Figure 5: ", "Figure 7: ", "only truncates to it",
                           ">plain-20</text>", ">resnet56 test</text>", "VGG-19", "--crop full --scales 224,256,384,480,640"})
    EXPECT_THAT(page, HasSubstr(text));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  if (!has_browser()) return;
  const Finished seen = browse("paper.html", R"(
      const wide = document.documentElement.scrollWidth > innerWidth;
      const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
      document.body.append('svgs ' + document.querySelectorAll('svg').length + ', wide ' + wide + ', twice ' +
                           (ids.length - new Set(ids).size));)");
  EXPECT_THAT(seen.out, HasSubstr("svgs 7, wide false, twice 0"));
  EXPECT_THAT(seen.err, Not(HasSubstr("CONSOLE")));
}

}  // namespace
}  // namespace resnet::test
