// Files that earlier versions wrote open, and the answers are those that they gave.
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class GoldenTest : public CliTest, public testing::WithParamInterface<const char*> {
 protected:
  static std::vector<Json> lines_of(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
    return lines;
  }
};

TEST_P(GoldenTest, AnswersAsItDid) {
  const fs::path golden = testdata() / (std::string(GetParam()) + ".jsonl");
  std::ifstream file(golden, std::ios::binary);
  const std::vector<Json> expected = lines_of({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  ASSERT_EQ(expected.size(), 4u);
  std::vector<std::string> words = {"predict", fs::path(golden).replace_extension(".resnet").string(), "--format", "jsonl", "-q"};
  for (const Json& line : expected) words.push_back((testdata().parent_path() / line.at("input").get<std::string>()).string());
  const Finished finished = run(words);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::vector<Json> found = lines_of(finished.out);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Json &then = expected[i].at("predictions"), &now = found[i].at("predictions");
    ASSERT_EQ(now.size(), then.size());
    for (std::size_t k = 0; k < then.size(); ++k) {
      EXPECT_EQ(now[k].at("index"), then[k].at("index"));
      EXPECT_EQ(now[k].at("label"), then[k].at("label"));
      // Other processors add in another order.
      const double probability = then[k].at("probability").get<double>();
      EXPECT_NEAR(now[k].at("probability").get<double>(), probability, 1e-4 * probability);
    }
  }
}

TEST_P(GoldenTest, IsReadByEveryCommand) {
  const std::string file = (testdata() / (std::string(GetParam()) + ".resnet")).string();
  EXPECT_EQ(run({"inspect", file}).exit_code, 0);
  EXPECT_EQ(run({"convert", file, "-o", "new.onnx", "-q"}).exit_code, 0);
  EXPECT_EQ(run({"compare", file, "new.onnx", "-q"}).exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenTest,
                         testing::Values("version-0.1.0/basic", "version-0.1.0/half", "version-0.1.0/bottleneck",
                                         "version-1.0.0/basic", "version-1.0.0/half", "version-1.0.0/bottleneck"),
                         [](const auto& net) {
                           std::string name = net.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace resnet::test
