// Quantized networks and those of 16 bits on real photos, against the answers that onnxruntime gave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "formats/onnx/read.h"
#include "lib/classify/as_classifier.h"
#include "lib/classify/classifier.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* network;
  const char* form;
  int least_equal;          // of 100
  float margin = 0;         // up to which the second class may be the first
  double steps = HUGE_VAL;  // of the output, by how many the first class' logit may be off
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.network << "-" << test_case.form; }

// In the assets, or where RESNET_QUANTIZED_MODELS says that all forms have been made.
std::optional<fs::path> file_of(const Case& test_case) {
  const std::string name = std::string(test_case.network) + "-" + test_case.form + ".onnx";
  const char* made = std::getenv("RESNET_QUANTIZED_MODELS");
  for (const fs::path& folder : {made != nullptr ? fs::path(made) : fs::path(), *test::assets() / "models" / "int8"}) {
    if (!folder.empty() && fs::exists(folder / name)) return folder / name;
  }
  return std::nullopt;
}

struct Answer {
  fs::path file;
  std::int64_t first;
  double logit, margin;
};

std::vector<Answer> answers_of(const Case& test_case) {
  const std::string name = std::string(test_case.network) + "-" + test_case.form + ".csv";
  const fs::path photos =
      *test::assets() / "images" / (std::string(test_case.network).starts_with("cifar10") ? "cifar10" : "imagenet");
  std::ifstream list(*test::assets() / "models" / "int8" / "expected" / name);
  std::vector<Answer> answers;
  std::string line, file, first, score, logit, margin;
  std::getline(list, line);
  while (std::getline(list, line)) {
    std::istringstream fields(line);
    for (std::string* field : {&file, &first, &score, &logit, &margin}) std::getline(fields, *field, ',');
    answers.push_back({photos / file, std::stoll(first), std::stod(logit), std::stod(margin)});
  }
  return answers;
}

// By what the first output is dequantized.
double step_of(const Graph& graph) {
  const Node& node = graph.node(graph.outputs()[0].node);
  return graph.fact(node.inputs.at(1)).value->values_as<double>().at(0);
}

class QuantizedNetwork : public testing::TestWithParam<Case> {};

TEST_P(QuantizedNetwork, AnswersAsItWasAnswered) {
  RESNET_REQUIRE_ASSETS();
  const Case& test_case = GetParam();
  const auto file = file_of(test_case);
  if (!file) GTEST_SKIP() << "not made: RESNET_QUANTIZED_MODELS does not say where it is";
  std::vector<Answer> answers = answers_of(test_case);
  ASSERT_EQ(answers.size(), 100u);
#ifdef RESNET_SANITIZED
  answers.resize(3);
#endif
  std::vector<fs::path> files;
  for (const Answer& answer : answers) files.push_back(answer.file);
  ThreadPool pool;
  ClassifierOptions options;
  options.batch_size = std::string(test_case.form) == "dynamic" ? 1 : 8;  // ranges are those of a batch
  options.preprocessing = *find_preprocessing("torchvision");
  if (std::string(test_case.network).starts_with("cifar10")) {
    options.preprocessing = *find_preprocessing("cifar10");
    options.preprocessing.mean = find_preprocessing("torchvision")->mean;
    options.preprocessing.std = find_preprocessing("torchvision")->std;
  }
  Model model = onnx::read(*file);
  const double step = std::isfinite(test_case.steps) ? step_of(model.graph) : 0;
  Classifier classifier(xnnpack::Plan::make(as_classifier(model.graph)), pool, options);
  const std::vector<Result> results = classifier.classify(files);
  ASSERT_EQ(results.size(), answers.size());
  int equal = 0;
  double worst = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].error, std::nullopt) << results[i].input;
    const Prediction& first = results[i].predictions[0];
    if (first.index == answers[i].first || answers[i].margin <= test_case.margin) ++equal;
    worst = std::max(worst, std::abs(*first.logit - answers[i].logit));
  }
  EXPECT_GE(equal, static_cast<int>(answers.size()) - (100 - test_case.least_equal));
  // Numbers in the list have six digits.
  if (std::isfinite(test_case.steps)) {
    EXPECT_LE(worst, test_case.steps * step * 1.001 + 1e-4);
  }
  RecordProperty("equal", equal);
  RecordProperty("worst_difference", std::to_string(worst));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* network : {"cifar10-resnet20", "imagenet-resnet18", "imagenet-resnet50"}) {
    for (const Case& of_form :
         {Case{network, "qoperator", 100, 0, 1}, Case{network, "qoperator-bn", 100, 0, 1}, Case{network, "fp16", 100, 0.02f},
          Case{network, "fp16-io", 100, 0.02f}, Case{network, "dynamic", 99}, Case{network, "qdq-u8s8", 99},
          Case{network, "qdq-s8s8", 97}, Case{network, "qdq-u8u8", 97}})
      cases.push_back(of_form);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Models, QuantizedNetwork, testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace resnet
