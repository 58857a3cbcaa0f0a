// The official ONNX node cases: every case whose operators are all known, through import and lib/reference and through import and
// the executor, compared as ONNX's own runner compares.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "formats/native/native.h"
#include "formats/onnx/node_import.h"
#include "formats/onnx/read.h"
#include "formats/onnx/tensors.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/session.h"
#include "tests/formats/onnx/surround.h"
#include "tests/support/temporary_folder.h"

namespace resnet::onnx {
namespace {

namespace fs = std::filesystem;

// What is left out, by the beginning of its name, and why. An entry that fits no case fails the test.
struct LeftOut {
  const char* prefix;
  const char* reason;
};
constexpr LeftOut left_out[] = {
    {"test_training_dropout", "training"},
    {"test_resize_downsample_scales_cubic_align_corners",
     "counts by a length that is not whole, which PyTorch and ONNX Runtime do not"},
    {"test_resize_downsample_scales_linear_align_corners",
     "counts by a length that is not whole, which PyTorch and ONNX Runtime do not"},
    {"test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
     "divides a window that ends beyond the padding by its whole size, which PyTorch and ONNX Runtime do not"},
    {"test_qlinearmatmul_2D_int8", "expects sums that wrap around (-236 as 20) where the specification saturates"},
    {"test_qlinearmatmul_3D_int8", "expects sums that wrap around (-236 as 20) where the specification saturates"},
};

// Strings, float8 and types of four bits show in the types of the case's model.
bool has_foreign_type(const ::onnx::ModelProto& model) {
  const auto foreign = [](const ::onnx::ValueInfoProto& info) {
    return !info.type().has_tensor_type() || !is_known_dtype(info.type().tensor_type().elem_type());
  };
  const auto& graph = model.graph();
  bool found = std::any_of(graph.input().begin(), graph.input().end(), foreign) ||
               std::any_of(graph.output().begin(), graph.output().end(), foreign);
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t() && !is_known_dtype(attribute.t().data_type())) found = true;
      if (node.op_type() == "Constant" && attribute.name().starts_with("value_string")) found = true;
    }
  }
  return found;
}

template <typename Message>
Message parse(const fs::path& file) {
  Message message;
  std::ifstream stream(file, std::ios::binary);
  if (!message.ParseFromIstream(&stream)) throw std::runtime_error("cannot parse " + file.string());
  return message;
}

struct Case {
  std::string name;
  fs::path folder;
};

struct Selection {
  std::map<std::string, std::vector<Case>> by_operator;  // under the first node's type
  std::size_t total = 0, selected = 0, foreign = 0;
  std::map<std::string, std::size_t> left_out_by_prefix;
};

const Selection& selection() {
  static const Selection selected = [] {
    Selection s;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(RESNET_ONNX_NODE_CASES)) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
      if (!fs::exists(folder / "model.onnx")) continue;
      ++s.total;
      const auto model = parse<::onnx::ModelProto>(folder / "model.onnx");
      const auto& nodes = model.graph().node();
      const bool known = !nodes.empty() && std::all_of(nodes.begin(), nodes.end(), [](const ::onnx::NodeProto& node) {
        return find_op(node.domain(), node.op_type()) != nullptr;
      });
      if (!known) continue;
      const std::string name = folder.filename().string();
      if (has_foreign_type(model)) {
        ++s.foreign;
        continue;
      }
      bool skip = false;
      for (const LeftOut& entry : left_out) {
        if (!name.starts_with(entry.prefix)) continue;
        ++s.left_out_by_prefix[entry.prefix];
        skip = true;
      }
      if (skip) continue;
      ++s.selected;
      s.by_operator[nodes[0].op_type()].push_back({name, folder});
    }
    return s;
  }();
  return selected;
}

std::vector<std::string> operators() {
  std::vector<std::string> names;
  for (const OpRow& row : op_table()) {
    if (row.domain.empty()) names.emplace_back(row.type);  // the cases are of ONNX's own
  }
  return names;
}

// The cases store bfloat16 as the uint16 of its bits: the graph says which.
std::vector<Tensor> tensors_of(const fs::path& folder, const std::string& kind, const Graph& graph,
                               std::span<const ValueId> values) {
  std::vector<Tensor> tensors;
  for (int i = 0; fs::exists(folder / fmt::format("{}_{}.pb", kind, i)); ++i) {
    tensors.push_back(import_tensor(parse<::onnx::TensorProto>(folder / fmt::format("{}_{}.pb", kind, i)), nullptr));
    Tensor& tensor = tensors.back();
    const bool bits = tensor.dtype() == DType::uint16 && graph.fact(values[static_cast<std::size_t>(i)]).dtype == DType::bfloat16;
    if (bits) tensor = Tensor(DType::bfloat16, tensor.shape(), tensor.buffer());
  }
  return tensors;
}

// As numpy.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-7); integers and bools exactly.
std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.dtype() != expected.dtype())
    return fmt::format("is {}, expected {}", name_of(actual.dtype()), name_of(expected.dtype()));
  if (actual.shape() != expected.shape())
    return fmt::format("is {}, expected {}", actual.shape().to_string(), expected.shape().to_string());
  if (!is_floating_point(actual.dtype())) return actual == expected ? "" : "integers differ";
  const auto a = actual.values_as<double>(), e = expected.values_as<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(e[i])) continue;
    if (a[i] == e[i]) continue;
    // The cases cut floats off to bfloat16 where the specification rounds: one unit in the last of its 8 bits.
    const double relative = expected.dtype() == DType::bfloat16 ? 0x1p-7 : 1e-3;
    if (!(std::abs(a[i] - e[i]) <= 1e-7 + relative * std::abs(e[i])))
      return fmt::format("element {} is {}, expected {}", i, a[i], e[i]);
  }
  return "";
}

using Runner = std::function<std::vector<Tensor>(const Graph&, std::span<const Tensor>)>;
using Reader = std::function<Model(const fs::path&)>;

Model read_file(const fs::path& file) { return read(file); }

std::vector<Tensor> run_reference(const Graph& graph, std::span<const Tensor> inputs) {
  return reference::evaluate(graph, inputs);
}

using Visitor = std::function<void(const Graph&, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected)>;

// Each set of data of each case that begins with this operator.
void visit_cases(const std::string& type, const Reader& reader, const Visitor& visit) {
  const auto found = selection().by_operator.find(type);
  if (found == selection().by_operator.end()) GTEST_SKIP() << "no case begins with " << type;
  for (const Case& one : found->second) {
    SCOPED_TRACE(one.name);
    try {
      const Model model = reader(one.folder / "model.onnx");
      EXPECT_THAT(verify(model.graph), ::testing::IsEmpty());
      int sets = 0;
      for (const auto& set : fs::directory_iterator(one.folder)) {
        if (!set.is_directory()) continue;
        ++sets;
        visit(model.graph, tensors_of(set.path(), "input", model.graph, model.graph.inputs()),
              tensors_of(set.path(), "output", model.graph, model.graph.outputs()));
      }
      EXPECT_GT(sets, 0);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

void run_cases(const std::string& type, const Reader& reader, const Runner& runner) {
  visit_cases(type, reader, [&](const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected) {
    const auto actual = runner(graph, inputs);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(difference(actual[i], expected[i]), "") << "output " << i;
  });
}

class NodeCases : public ::testing::TestWithParam<std::string> {};

TEST_P(NodeCases, Reference) { run_cases(GetParam(), read_file, run_reference); }

TEST_P(NodeCases, Executor) {
  run_cases(GetParam(), read_file, [](const Graph& graph, std::span<const Tensor> inputs) {
    ThreadPool pool(2);
    return xnnpack::Session(xnnpack::Plan::make(graph), pool).run(inputs);
  });
}

// As they are written, without any pass before.
TEST_P(NodeCases, ExecutorWithoutPasses) {
  run_cases(GetParam(), read_file, [](const Graph& graph, std::span<const Tensor> inputs) {
    ThreadPool pool(1);
    return xnnpack::Session(xnnpack::Plan::make(graph, {.optimize = false}), pool).run(inputs);
  });
}

// Between operators that want other layouts: inputs come with their axes turned about, outputs are read by a convolution.
TEST_P(NodeCases, AfterATransposeAndBeforeAConv) {
  visit_cases(
      GetParam(), read_file, [](const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected) {
        const test::Surrounded one = test::surround(graph, inputs, expected);
        for (const bool optimize : {true, false}) {
          for (const auto convolutions : {xnnpack::Convolutions::direct, xnnpack::Convolutions::winograd}) {
            ThreadPool pool(1);
            const auto plan = xnnpack::Plan::make(one.graph, {.optimize = optimize, .job = {.convolutions = convolutions}});
            const auto actual = xnnpack::Session(plan, pool).run(one.inputs);
            ASSERT_EQ(actual.size(), one.expected.size());
            for (std::size_t i = 0; i < actual.size(); ++i)
              EXPECT_EQ(one.is_convolved[i] ? test::distance_problem(actual[i], one.expected[i])
                                            : difference(actual[i], one.expected[i]),
                        "")
                  << "output " << i;
          }
        }
      });
}

// Out at the case's own opset, past ONNX's checker with all that it can check, and in again.
TEST_P(NodeCases, WrittenAndReadAgain) {
  run_cases(
      GetParam(),
      [](const fs::path& file) {
        const Model model = read(file);
        // Upsample is read as Resize, whose inputs may be left out since opset 13.
        const std::int64_t least = GetParam() == "Upsample" ? 13 : 7;
        const auto opset = static_cast<int>(std::clamp<std::int64_t>(model.provenance.opsets.at(""), least, 22));
        const std::string bytes = serialize(model, {.opset = opset});
        ::onnx::ModelProto proto;
        EXPECT_TRUE(proto.ParseFromString(bytes));
        EXPECT_NO_THROW(::onnx::checker::check_model(proto, /*full_check=*/true));
        return read(std::as_bytes(std::span(bytes)), "again", {});
      },
      run_reference);
}

TEST_P(NodeCases, ThroughTheNativeFormat) {
  const test::TemporaryFolder folder;
  run_cases(
      GetParam(),
      [&](const fs::path& file) {
        native::write(read(file), folder.path() / "case.resnet");
        return native::read(folder.path() / "case.resnet");
      },
      run_reference);
}

INSTANTIATE_TEST_SUITE_P(Onnx, NodeCases, ::testing::ValuesIn(operators()),
                         [](const auto& parameter) { return parameter.param; });

TEST(NodeCaseSelection, CountsAndReasons) {
  const Selection& s = selection();
  std::printf("%zu official node cases, %zu of known operators run, %zu left out for strings, float8 or types of four bits\n",
              s.total, s.selected, s.foreign);
  for (const LeftOut& entry : left_out) {
    const auto found = s.left_out_by_prefix.find(entry.prefix);
    ASSERT_NE(found, s.left_out_by_prefix.end()) << entry.prefix << " fits no case";
    std::printf("%zu left out as %s...: %s\n", found->second, entry.prefix, entry.reason);
  }
  EXPECT_GE(s.total, 1288u);
  EXPECT_GE(s.selected, 890u);
}

}  // namespace
}  // namespace resnet::onnx
