#include "tests/formats/onnx/node_cases.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "formats/onnx/read.h"
#include "formats/onnx/tensors.h"

namespace resnet::test {

namespace fs = std::filesystem;

std::span<const OperatorCases> operators_with_cases() {
  static constexpr auto operators = std::to_array<OperatorCases>({
      {"Add", 1},
  });
  return operators;
}

std::span<const LeftOut> left_out_cases() {
  static constexpr auto cases = std::to_array<LeftOut>({
      {"test_batchnorm_*_training_mode", "training"},
  });
  return cases;
}

bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= name.size(); ++from) {
    if (matches(rest, name.substr(from))) return true;
  }
  return false;
}

bool is_left_out(std::string_view name) {
  const auto list = left_out_cases();
  return std::any_of(list.begin(), list.end(), [&](const LeftOut& entry) { return matches(entry.pattern, name); });
}

namespace {

template <typename Proto>
Proto parse(const fs::path& file) {
  Proto proto;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || !proto.ParseFromIstream(&stream)) throw std::runtime_error(file.string() + ": cannot be parsed");
  return proto;
}

double number_of(const Tensor& tensor, std::size_t index) {
  return dispatch(tensor.dtype(),
                  [&](auto zero) { return static_cast<double>(to_number(tensor.data<decltype(zero)>()[index])); });
}

}  // namespace

std::vector<NodeCase> find_node_cases() {
  std::set<std::string_view> ours;
  for (const OperatorCases& entry : operators_with_cases()) ours.insert(entry.type);
  std::vector<NodeCase> cases;
  for (const auto& entry : fs::directory_iterator(ONNX_NODE_CASES)) {
    const auto model = entry.path() / "model.onnx";
    if (!fs::exists(model)) continue;
    const auto proto = parse<::onnx::ModelProto>(model);
    NodeCase found{entry.path().filename().string(), entry.path(), {}};
    bool all_ours = proto.functions_size() == 0;
    for (const auto& node : proto.graph().node()) {
      found.types.insert(node.op_type());
      all_ours = all_ours && (node.domain().empty() || node.domain() == "ai.onnx") && ours.contains(node.op_type());
    }
    if (all_ours) cases.push_back(std::move(found));
  }
  std::sort(cases.begin(), cases.end(), [](const NodeCase& a, const NodeCase& b) { return a.name < b.name; });
  return cases;
}

std::string difference(const Tensor& found, const Tensor& expected, const Tolerance& tolerance) {
  if (found.dtype() != expected.dtype()) {
    return fmt::format("is {}, expected {}", name_of(found.dtype()), name_of(expected.dtype()));
  }
  if (found.shape() != expected.shape()) {
    return fmt::format("is {}, expected {}", found.shape().to_string(), expected.shape().to_string());
  }
  std::size_t count = 0, worst = 0;
  double most = -1;
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.elements()); ++i) {
    const double a = number_of(found, i), b = number_of(expected, i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double off = std::abs(a - b), allowed = tolerance.atol + tolerance.rtol * std::abs(b);
    if (off <= allowed && std::isfinite(b)) continue;
    ++count;
    if (off > most || most < 0) worst = i, most = off;
  }
  if (count == 0) return "";
  return fmt::format("{} of {} elements differ, most element {}: {:.9g}, expected {:.9g}", count, found.elements(), worst,
                     number_of(found, worst), number_of(expected, worst));
}

Tensor read_tensor(const fs::path& file) { return onnx::import_tensor(parse<::onnx::TensorProto>(file), nullptr); }

std::string run_case(const NodeCase& node_case, const Run& run, const Tolerance& tolerance) {
  const Model model = onnx::read(node_case.folder / "model.onnx");
  std::string differences;
  std::size_t sets = 0;
  for (fs::path data; fs::exists(data = node_case.folder / fmt::format("test_data_set_{}", sets)); ++sets) {
    const auto read_all = [&](const char* kind) {
      std::vector<Tensor> tensors;
      for (fs::path file; fs::exists(file = data / fmt::format("{}_{}.pb", kind, tensors.size()));) {
        tensors.push_back(read_tensor(file));
      }
      return tensors;
    };
    const std::vector<Tensor> inputs = read_all("input"), expected = read_all("output");
    const std::vector<Tensor> found = run(model.graph, inputs);
    if (found.size() != expected.size()) {
      differences += fmt::format("{} outputs, expected {}; ", found.size(), expected.size());
      continue;
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string text = difference(found[i], expected[i], tolerance);
      if (!text.empty()) differences += fmt::format("output {} {}; ", i, text);
    }
  }
  if (sets == 0) differences += "the case has no data";
  return differences;
}

}  // namespace resnet::test
