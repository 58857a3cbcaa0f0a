// Every operator's derivative, in whole small networks, against finite differences in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/base/random.h"
#include "lib/train/loss.h"
#include "lib/train/network.h"
#include "lib/train/openmp.h"
#include "tests/train/double_network.h"

namespace resnet::train {
namespace {

constexpr std::int64_t batch = 4;
constexpr double tolerance = 1e-3;  // relative to the parameter's largest derivative

struct Case {
  std::string name;
  arch::Spec spec;
};

void PrintTo(const Case& one, std::ostream* stream) { *stream << one.name; }

arch::Spec small(const std::string& name) {
  arch::Spec spec = *arch::find_spec(name);
  spec.blocks = {1, 1};
  spec.first_channels = 8;
  spec.classes = 5;
  spec.height = spec.width = spec.stem == arch::Stem::cifar ? 8 : 32;
  return spec;
}

Case with(std::string name, arch::Spec spec, const std::function<void(arch::Spec&)>& change = {}) {
  if (change) change(spec);
  return {std::move(name), std::move(spec)};
}

std::vector<Case> cases() {
  return {
      with("OptionA", small("resnet20")),
      with("OptionB", small("resnet20"), [](arch::Spec& spec) { spec.shortcut = arch::Shortcut::B; }),
      with("OptionC", small("resnet20"), [](arch::Spec& spec) { spec.shortcut = arch::Shortcut::C; }),
      with("Plain", small("plain20")),
      // Channels that fill whole blocks of a vector, and some that do not.
      with("Wide", small("resnet20"), [](arch::Spec& spec) { spec.first_channels = 16; }),
      with("OddChannels", small("resnet20"), [](arch::Spec& spec) { spec.first_channels = 5; }),
      with("ImageNetStem", small("resnet18")),
      with("Bottleneck", small("resnet50")),
      with("BottleneckV1", small("resnet50"), [](arch::Spec& spec) { spec.variant = arch::Variant::v1; }),
      with("PreActivation", small("resnet20v2")),
      with("ResNetD", small("resnet50d"), [](arch::Spec& spec) { spec.height = spec.width = 40; }),
      with("ResNeXt", small("resnext50_32x4d"), [](arch::Spec& spec) { spec.groups = 4, spec.width_per_group = 32; }),
      with("SqueezeAndExcitation", small("seresnet50"), [](arch::Spec& spec) { spec.squeeze = 4; }),
  };
}

Tensor random_input(const arch::Spec& spec) {
  Tensor input = Tensor::allocate(DType::float32, Shape{batch, 3, spec.height, spec.width});
  fill_normal(input.mutable_data<float>(), stream_key(7, "input"), 1);
  return input;
}

class GradientsTest : public testing::TestWithParam<Case> {};

TEST_P(GradientsTest, AgreeWithFiniteDifferences) {
  set_threads(2);
  const arch::Spec& spec = GetParam().spec;
  const Graph graph = arch::build(spec, {.seed = 3});
  const Tensor input = random_input(spec);
  const std::vector<std::int64_t> truths = {0, 3, 1, 4};
  constexpr double smoothing = 0.1;

  Network network(graph, batch);
  std::copy(input.data<float>().begin(), input.data<float>().end(), network.input().begin());
  const BatchLoss loss = cross_entropy(network.forward(Mode::training), truths, smoothing, network.logits_gradient());
  network.backward();

  std::map<std::string, Tensor> values = constants_in_double(graph);
  const Tensor in_double = Tensor::from<double>(input.shape(), input.values_as<double>());
  EXPECT_NEAR(loss.loss / batch, loss_in_double(graph, values, in_double, truths, smoothing), 1e-5);

  ASSERT_FALSE(network.parameters().empty());
  for (const Parameter& parameter : network.parameters()) {
    const std::vector<float> gradient = network.gradient(parameter.name).values_as<float>();
    const float largest =
        std::abs(*std::max_element(gradient.begin(), gradient.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
    Tensor& value = values.at(parameter.name);
    const auto derivative = [&](std::size_t i) {
      constexpr double step = 1e-6;
      double& element = value.mutable_data<double>()[i];
      const double there = element;
      element = there + step;
      const double above = loss_in_double(graph, values, in_double, truths, smoothing);
      element = there - step;
      const double below = loss_in_double(graph, values, in_double, truths, smoothing);
      element = there;
      return (above - below) / (2 * step);
    };
    Draws draws(stream_key(1, parameter.name));
    for (int k = 0; k < 4; ++k) {
      const std::size_t i = draws.below(gradient.size());
      EXPECT_NEAR(gradient[i], derivative(i), tolerance * std::max(1e-4, static_cast<double>(largest)))
          << parameter.name << " element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, GradientsTest, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& each) { return each.param.name; });

}  // namespace
}  // namespace resnet::train
