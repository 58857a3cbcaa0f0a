#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatConv : ::testing::Test {};
TYPED_TEST_SUITE(FloatConv, Floats);

TYPED_TEST(FloatConv, SumsAPaddedWindow) {
  const Tensor y = run(Conv{.pads = {1, 1, 1, 1}}, make<TypeParam>(Shape{1, 1, 3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8}),
                       make<TypeParam>(Shape{1, 1, 3, 3}, std::vector<double>(9, 1)));
  EXPECT_EQ(y.dtype(), dtype_of<TypeParam>());
  EXPECT_THAT(numbers_of(y), ElementsAre(8, 15, 12, 21, 36, 27, 20, 33, 24));
}

TYPED_TEST(FloatConv, AddsTheBias) {
  const Tensor y = run(Conv{}, make<TypeParam>(Shape{1, 1, 1, 2}, {1, 2}), make<TypeParam>(Shape{2, 1, 1, 1}, {1, 10}),
                       make<TypeParam>(Shape{2}, {0.5, -1}));
  EXPECT_THAT(numbers_of(y), ElementsAre(1.5, 2.5, 9, 19));
}

TEST(Conv, SumsInDouble) {
  // In float, 2^24 + 1 - 2^24 would be 0.
  const Tensor y = run(Conv{}, floats(Shape{1, 3, 1}, {16777216, 1, -16777216}), floats(Shape{1, 3, 1}, {1, 1, 1}));
  EXPECT_THAT(numbers_of(y), ElementsAre(1));
}

TEST(Conv, SameUpperAndSameLowerPutTheOddPaddingAtEitherEnd) {
  const Tensor x = floats(Shape{1, 1, 4}, {1, 2, 3, 4}), w = floats(Shape{1, 1, 2}, {1, 10});
  EXPECT_THAT(numbers_of(run(Conv{.auto_pad = AutoPad::same_upper}, x, w)), ElementsAre(21, 32, 43, 4));
  EXPECT_THAT(numbers_of(run(Conv{.auto_pad = AutoPad::same_lower}, x, w)), ElementsAre(10, 21, 32, 43));
  EXPECT_THAT(numbers_of(run(Conv{.auto_pad = AutoPad::valid}, x, w)), ElementsAre(21, 32, 43));
}

TEST(Conv, WithoutInputChannelsOnlyTheBiasIsLeft) {
  EXPECT_THAT(numbers_of(run(Conv{}, floats(Shape{1, 0, 2, 2}, {}), floats(Shape{1, 0, 1, 1}, {}), floats(Shape{1}, {3}))),
              Each(3));
}

TEST(Conv, AWindowInThePaddingAloneIsTheBias) {
  EXPECT_THAT(
      numbers_of(run(Conv{.pads = {2, 0}}, floats(Shape{1, 1, 1}, {5}), floats(Shape{1, 1, 1}, {2}), floats(Shape{1}, {1}))),
      ElementsAre(1, 1, 11));
}

TEST(Conv, AnEmptyBatchIsNoError) {
  EXPECT_EQ(run(Conv{}, floats(Shape{0, 1, 4}, {}), floats(Shape{2, 1, 2}, {1, 2, 3, 4})).shape(), (Shape{0, 2, 3}));
}

TEST(Conv, IntegersAreUnsupported) {
  EXPECT_EQ(error_of([] {
              run(Conv{}, int64s({1}).reshaped(Shape{1, 1, 1}), int64s({1}).reshaped(Shape{1, 1, 1}));
            }),
            "unsupported: cannot be computed in int64");
}

TEST(Conv, AWeightOfOtherChannelsIsAnError) {
  EXPECT_THAT(error_of([] {
                run(Conv{}, floats(Shape{1, 3, 1}, {1, 2, 3}), floats(Shape{1, 2, 1}, {1, 2}));
              }),
              HasSubstr("weight is 1x2x1 for an input of 3 channels"));
}

// A convolution as the definition has it, by coordinates: kernel, strides, dilations and pads for each axis.
struct NaiveConv {
  std::vector<std::int64_t> in, kernel, stride, dilation, begin, end;
  std::int64_t batch, group, in_per_group, out_per_group;

  std::vector<std::int64_t> out() const {
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < in.size(); ++i) {
      sizes.push_back((in[i] + begin[i] + end[i] - (dilation[i] * (kernel[i] - 1) + 1)) / stride[i] + 1);
    }
    return sizes;
  }

  static std::int64_t product(const std::vector<std::int64_t>& sizes) {
    std::int64_t result = 1;
    for (const std::int64_t size : sizes) result *= size;
    return result;
  }

  static std::vector<std::int64_t> coordinates(std::int64_t index, const std::vector<std::int64_t>& sizes) {
    std::vector<std::int64_t> result(sizes.size());
    for (std::size_t i = sizes.size(); i-- > 0; index /= sizes[i]) result[i] = index % sizes[i];
    return result;
  }

  double element(const std::vector<double>& x, const std::vector<double>& w, std::int64_t n, std::int64_t m,
                 const std::vector<std::int64_t>& at) const {
    double sum = 0;
    for (std::int64_t c = 0; c < in_per_group; ++c) {
      for (std::int64_t k = 0; k < product(kernel); ++k) {
        const auto tap = coordinates(k, kernel);
        std::int64_t offset = 0;
        bool inside = true;
        for (std::size_t i = 0; i < in.size(); ++i) {
          const std::int64_t place = at[i] * stride[i] + tap[i] * dilation[i] - begin[i];
          inside = inside && place >= 0 && place < in[i];
          offset = offset * in[i] + place;
        }
        if (!inside) continue;
        const std::int64_t channel = (n * group + m / out_per_group) * in_per_group + c;
        sum += x[static_cast<std::size_t>(channel * product(in) + offset)] *
               w[static_cast<std::size_t>((m * in_per_group + c) * product(kernel) + k)];
      }
    }
    return sum;
  }
};

TEST(Conv, MatchesTheDefinitionOnRandomGeometries) {
  SmallNumbers random(2);
  for (int round = 0; round < 300; ++round) {
    const auto rank = static_cast<std::size_t>(random.between(1, 3));
    NaiveConv naive;
    naive.batch = random.between(1, 2);
    naive.group = random.between(1, 3);
    naive.in_per_group = random.between(1, 5);
    naive.out_per_group = random.between(1, 6);
    for (std::size_t i = 0; i < rank; ++i) {
      naive.kernel.push_back(random.between(1, 3));
      naive.stride.push_back(random.between(1, 3));
      naive.dilation.push_back(random.between(1, 3));
      naive.begin.push_back(random.between(0, 4));
      naive.end.push_back(random.between(0, 4));
      const std::int64_t reach = naive.dilation[i] * (naive.kernel[i] - 1) + 1;
      naive.in.push_back(std::max<std::int64_t>(reach - naive.begin[i] - naive.end[i], 0) +
                         random.between(1, rank == 1 ? 600 : 9));
    }
    Conv conv{.dilations = naive.dilation, .kernel_shape = naive.kernel, .strides = naive.stride, .group = naive.group};
    conv.pads = naive.begin;
    conv.pads.insert(conv.pads.end(), naive.end.begin(), naive.end.end());
    std::vector<std::int64_t> x_dims = {naive.batch, naive.group * naive.in_per_group};
    std::vector<std::int64_t> w_dims = {naive.group * naive.out_per_group, naive.in_per_group};
    x_dims.insert(x_dims.end(), naive.in.begin(), naive.in.end());
    w_dims.insert(w_dims.end(), naive.kernel.begin(), naive.kernel.end());
    const auto x = random.several(Shape(x_dims).elements()), w = random.several(Shape(w_dims).elements());
    const auto b = random.several(w_dims[0]);
    const Tensor y = run(conv, floats(Shape(x_dims), x), floats(Shape(w_dims), w), floats(Shape{w_dims[0]}, b));
    const auto out = naive.out();
    std::vector<std::int64_t> y_dims = {naive.batch, w_dims[0]};
    y_dims.insert(y_dims.end(), out.begin(), out.end());
    ASSERT_EQ(y.shape(), Shape(y_dims));
    const auto data = y.data<float>();
    std::size_t i = 0;
    for (std::int64_t n = 0; n < naive.batch; ++n) {
      for (std::int64_t m = 0; m < w_dims[0]; ++m) {
        for (std::int64_t o = 0; o < NaiveConv::product(out); ++o, ++i) {
          ASSERT_EQ(static_cast<double>(data[i]),
                    naive.element(x, w, n, m, NaiveConv::coordinates(o, out)) + b[static_cast<std::size_t>(m)])
              << "round " << round << ", element " << i << " of " << y.shape().to_string();
        }
      }
    }
  }
}

TEST(Conv, PointwiseConvolutionIsAMatrixProduct) {
  SmallNumbers random(3);
  const std::int64_t channels = 150, outputs = 7, map = 20 * 15;  // more than one block of either
  const auto x = random.several(channels * map), w = random.several(outputs * channels);
  const Tensor y = run(Conv{}, floats(Shape{1, channels, 20, 15}, x), floats(Shape{outputs, channels, 1, 1}, w));
  for (std::int64_t m = 0; m < outputs; ++m) {
    for (std::int64_t i = 0; i < map; ++i) {
      double sum = 0;
      for (std::int64_t c = 0; c < channels; ++c)
        sum += w[static_cast<std::size_t>(m * channels + c)] * x[static_cast<std::size_t>(c * map + i)];
      ASSERT_EQ(static_cast<double>(y.data<float>()[static_cast<std::size_t>(m * map + i)]), sum);
    }
  }
}

TEST(Conv, AnImageHasTheSameBitsAloneAndInABatch) {
  std::mt19937 engine(4);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> x(2 * 3 * 9 * 9), w(5 * 3 * 3 * 3);
  for (double& v : x) v = uniform(engine);
  for (double& v : w) v = uniform(engine);
  const Conv conv{.pads = {1, 1, 1, 1}, .strides = {2, 2}};
  const Tensor weight = floats(Shape{5, 3, 3, 3}, w);
  const Tensor both = run(conv, floats(Shape{2, 3, 9, 9}, x), weight);
  const Tensor second = run(conv, floats(Shape{1, 3, 9, 9}, std::vector<double>(x.begin() + 3 * 9 * 9, x.end())), weight);
  const auto bytes = both.bytes().subspan(second.size_bytes());
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), second.bytes().begin(), second.bytes().end()));
}

}  // namespace
}  // namespace resnet::reference
