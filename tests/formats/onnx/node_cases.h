// The official ONNX node cases: which there are for our operators, and running one.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/model/model.h"

namespace resnet::test {

// The operators that the cases are run for, and how many there are at least in ONNX 1.17 with each. An operator that is added
// gets a line here.
struct OperatorCases {
  std::string_view type;
  std::size_t least;
};
std::span<const OperatorCases> operators_with_cases();

// Cases of our operators that are not run: a name, or with '*' several, and why. Each must be refused as unsupported.
struct LeftOut {
  std::string_view pattern, why;
};
std::span<const LeftOut> left_out_cases();
bool matches(std::string_view pattern, std::string_view name);
bool is_left_out(std::string_view name);

struct NodeCase {
  std::string name;  // test_conv_with_strides_padding
  std::filesystem::path folder;
  std::set<std::string> types;  // of its nodes
};

// Every case of ONNX whose nodes are all of our operators (those left out included), sorted by name.
std::vector<NodeCase> find_node_cases();

// Runs a graph on tensors: the evaluator or the executor.
using Run = std::function<std::vector<Tensor>(const Graph& graph, std::span<const Tensor> inputs)>;

// ONNX's own runner compares at rtol 1e-3 and atol 1e-7.
struct Tolerance {
  double rtol = 1e-3, atol = 1e-7;
};

// Where two tensors differ in dtype, shape or values, in one line; empty where they agree. Two NaN are equal.
std::string difference(const Tensor& found, const Tensor& expected, const Tolerance& tolerance);

// Reads the case's model, runs each of its data sets, and returns what differs; empty where nothing does. Throws what reading and
// running throw.
std::string run_case(const NodeCase& node_case, const Run& run, const Tolerance& tolerance);

// The tensor in a .pb file.
Tensor read_tensor(const std::filesystem::path& file);

}  // namespace resnet::test
