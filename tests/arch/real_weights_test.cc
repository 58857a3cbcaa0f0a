// Weights that others trained in their own code for the same nets: what our graphs compute with them is what theirs computed.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>

#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "lib/reference/reference.h"
#include "tests/support/assets.h"

namespace resnet::arch {
namespace {

// The first `count` floats of a .npy file in C order.
std::vector<float> first_floats(const std::filesystem::path& path, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  char head[10] = {};
  file.read(head, sizeof(head));
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(head[8]) + 256 * static_cast<unsigned char>(head[9]));
  file.seekg(static_cast<std::streamoff>(10 + length));
  std::vector<float> values(count);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)));
  EXPECT_TRUE(file) << path;
  return values;
}

// Our net's inputs: `image`, then the file's parameters by name (equal ones are one constant and Identities of it). The file's
// classifier may have another name than fc.
std::vector<Tensor> inputs_for(const Graph& graph, const Graph& file, Tensor image, const std::string& classifier) {
  std::map<std::string, Tensor> parameters;
  for (const Node& node : file.nodes()) {
    if (const auto* constant = get_if<Constant>(&node.op)) parameters.emplace(node.outputs[0].name, constant->value);
    if (!holds_alternative<Identity>(node.op)) continue;
    const auto* constant = get_if<Constant>(&file.node(node.inputs[0].node).op);
    if (constant != nullptr) parameters.emplace(node.outputs[0].name, constant->value);
  }
  std::vector<Tensor> inputs = {std::move(image)};
  for (std::size_t i = 1; i < graph.inputs().size(); ++i) {
    std::string name = graph.value(graph.inputs()[i]).name;
    if (name.starts_with("fc.")) name = classifier + name.substr(2);
    const auto found = parameters.find(name);
    EXPECT_NE(found, parameters.end()) << name;
    if (found == parameters.end()) return {};
    inputs.push_back(found->second);
  }
  return inputs;
}

TEST(RealWeights, ResNet18OfTorchvision) {
  RESNET_REQUIRE_ASSETS();
  const auto assets = *test::assets();
  const Graph graph = build(*find_spec("resnet18"), {.init = Init::none});
  const Model file = onnx::read(assets / "models" / "imagenet-resnet18-torch-op17-bn.onnx");
  const Tensor image = Tensor::from<float>(
      Shape{1, 3, 224, 224}, std::span<const float>(first_floats(assets / "expected" / "imagenet-inputs-4.npy", 3 * 224 * 224)));
  const std::vector<Tensor> inputs = inputs_for(graph, file.graph, image, "fc");
  ASSERT_FALSE(inputs.empty());
  const Tensor logits = reference::evaluate(graph, inputs).at(0);
  const std::vector<float> expected = first_floats(assets / "expected" / "imagenet-resnet18.npy", 1000);
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(logits.data<float>()[i], expected[i], 1e-4) << i;
}

// Option A, Slice and Pad: against the file's own graph, which its exporter wrote as they are in PyTorch.
TEST(RealWeights, ResNet56OfCifar) {
  RESNET_REQUIRE_ASSETS();
  const Graph graph = build(*find_spec("resnet56"), {.init = Init::none});
  const Model file = onnx::read(*test::assets() / "models" / "cifar10-resnet56-torch-op16-bn.onnx");
  Tensor image = Tensor::allocate(DType::float32, Shape{1, 3, 32, 32});
  for (std::size_t i = 0; i < 3 * 32 * 32; ++i) image.mutable_data<float>()[i] = static_cast<float>(i * 37 % 101) / 25.0f - 2;
  const std::vector<Tensor> inputs = inputs_for(graph, file.graph, image, "linear");
  ASSERT_FALSE(inputs.empty());
  const Tensor ours = reference::evaluate(graph, inputs).at(0);
  const Tensor theirs = reference::evaluate(file.graph, std::vector{image}).at(0);
  for (std::size_t i = 0; i < 10; ++i) ASSERT_NEAR(ours.data<float>()[i], theirs.data<float>()[i], 1e-4) << i;
}

}  // namespace
}  // namespace resnet::arch
