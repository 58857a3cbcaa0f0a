#include "lib/kernels/integer_convolution.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/kernels/integer_tiles.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/support/sanitized.h"

namespace resnet::kernels {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A layer with all that it is given.
struct Layer {
  IntegerConvolution convolution;
  Bytes x, weights;
  bool weights_signed = true;
  std::vector<std::int32_t> zero_points, bias;
  std::int32_t x_zero_point = 0;
  std::vector<float> factors, shifts;
  float multiplier = 1;
  std::vector<ByteStage> stages;
  std::vector<Bytes> tables, addends;

  std::size_t elements() const {
    const IntegerConvolution& c = convolution;
    return static_cast<std::size_t>(c.batch * c.out_height * c.out_width * c.filter.outputs);
  }
  std::size_t element_size() const { return convolution.output == IntegerOutput::bytes ? 1 : 4; }
};

std::int32_t number(std::uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<std::int8_t>(byte) : static_cast<std::int32_t>(byte);
}

class Generator {
 public:
  explicit Generator(unsigned seed) : generator_(seed) {}

  std::int64_t pick(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(generator_);
  }
  bool flip() { return pick(0, 1) == 1; }
  float uniform(float least, float most) { return std::uniform_real_distribution<float>(least, most)(generator_); }
  // Where `extreme`, nothing but the least and the most of both types.
  Bytes bytes(std::size_t count, bool extreme) {
    constexpr std::uint8_t ends[] = {0, 127, 128, 255};
    Bytes values(count);
    for (auto& value : values) value = extreme ? ends[pick(0, 3)] : static_cast<std::uint8_t>(pick(0, 255));
    return values;
  }
  std::int32_t zero_point(bool is_signed) {
    const std::int32_t least = is_signed ? -128 : 0;
    switch (pick(0, 3)) {
      case 0: return least;
      case 1: return least + 255;
      case 2: return least + 128;
      default: return least + static_cast<std::int32_t>(pick(0, 255));
    }
  }

  Layer layer();

 private:
  void shape(Layer& layer);
  void shape_3x3(Layer& layer);
  void stages(Layer& layer);

  std::mt19937 generator_;
};

void Generator::shape(Layer& layer) {
  IntegerConvolution& c = layer.convolution;
  IntegerFilter& f = c.filter;
  switch (pick(0, 5)) {
    case 0:  // depthwise, or nearly
      f = {.taps_high = pick(1, 3), .taps_wide = pick(1, 3), .channels = 1, .outputs = pick(1, 2)};
      f.groups = pick(2, 40);
      break;
    case 1:
      f = {.taps_high = pick(1, 3), .taps_wide = pick(1, 3), .channels = pick(1, 20), .outputs = pick(1, 40)};
      f.groups = pick(2, 5);
      break;
    case 2:  // a product
      f = {.channels = pick(1, 300), .outputs = pick(1, 200)};
      break;
    case 3:  // few channels
      f = {.taps_high = pick(1, 7), .taps_wide = pick(1, 7), .channels = pick(1, 5), .outputs = pick(1, 70)};
      break;
    default: f = {.taps_high = pick(1, 4), .taps_wide = pick(1, 4), .channels = pick(1, 90), .outputs = pick(1, 150)};
  }
  if (flip()) f.channels = (f.channels + 3) / 4 * 4;
  f.outputs *= f.groups;
  if (pick(0, 2) == 0) {
    f.dilation_high = pick(1, 3);
    f.dilation_wide = pick(1, 3);
  }
  c.batch = pick(1, 3);
  c.height = pick(1, 12);
  c.width = pick(1, 12);
  if (pick(0, 2) == 0) {
    c.stride_high = pick(1, 4);
    c.stride_wide = pick(1, 4);
  }
  if (flip()) {
    c.pad_top = pick(0, 4);
    c.pad_left = pick(0, 4);
  }
  // As ONNX has it, or whatever: windows may lie beside the image.
  const auto out = [&](std::int64_t size, std::int64_t taps, std::int64_t dilation, std::int64_t stride, std::int64_t pad) {
    if (pick(0, 3) == 0) return pick(1, 13);
    return std::max<std::int64_t>((size + 2 * pad - (taps - 1) * dilation - 1) / stride + 1, 1);
  };
  c.out_height = out(c.height, f.taps_high, f.dilation_high, c.stride_high, c.pad_top);
  c.out_width = out(c.width, f.taps_wide, f.dilation_wide, c.stride_wide, c.pad_left);
}

// What Winograd's way may take: up to as many channels as sums have room for.
void Generator::shape_3x3(Layer& layer) {
  IntegerConvolution& c = layer.convolution;
  c.filter = {.taps_high = 3, .taps_wide = 3, .channels = 32 * pick(1, 3), .outputs = pick(16, 80)};
  if (pick(0, 9) == 0) c.filter.channels = 896;
  c.filter.winograd = integer_winograd_fits(c.filter);
  c.batch = pick(1, 3);
  c.height = pick(1, 9);
  c.width = pick(1, 9);
  c.pad_top = pick(0, 2);
  c.pad_left = pick(0, 2);
  c.out_height = pick(0, 3) == 0 ? pick(1, 11) : std::max<std::int64_t>(c.height + 2 * c.pad_top - 2, 1);
  c.out_width = pick(0, 3) == 0 ? pick(1, 11) : std::max<std::int64_t>(c.width + 2 * c.pad_left - 2, 1);
}

void Generator::stages(Layer& layer) {
  const std::int64_t count = pick(0, 3);
  const auto outputs = static_cast<std::size_t>(layer.convolution.filter.outputs);
  for (std::int64_t i = 0; i < count; ++i) {
    if (flip()) {
      const bool per_channel = flip();
      layer.tables.push_back(bytes(256 * (per_channel ? outputs : 1), false));
      layer.stages.push_back({.table = layer.tables.back().data(), .table_per_channel = per_channel});
    } else {
      layer.stages.push_back({.addend = layer.addends.size(),
                              .addend_first = flip(),
                              .addition = {uniform(0.01f, 2), uniform(0.01f, 2), uniform(-100, 200), flip(), flip(), flip()}});
      layer.addends.push_back(bytes(layer.elements(), false));
    }
  }
}

Layer Generator::layer() {
  Layer layer;
  pick(0, 3) == 0 ? shape_3x3(layer) : shape(layer);
  IntegerConvolution& c = layer.convolution;
  const IntegerFilter& f = c.filter;
  const bool extreme = pick(0, 3) == 0;
  c.filter.x_signed = flip();
  layer.weights_signed = pick(0, 2) != 0;
  layer.x = bytes(static_cast<std::size_t>(c.batch * c.height * c.width * f.groups * f.channels), extreme);
  layer.weights = bytes(static_cast<std::size_t>(f.outputs * f.taps() * f.channels), extreme);
  layer.x_zero_point = zero_point(f.x_signed);
  const auto outputs = static_cast<std::size_t>(f.outputs);
  layer.zero_points.resize(std::array<std::size_t, 3>{0, 1, outputs}[static_cast<std::size_t>(pick(0, 2))]);
  for (auto& zero : layer.zero_points) zero = layer.weights_signed && flip() ? 0 : zero_point(layer.weights_signed);
  if (flip()) {
    const std::int64_t most = extreme ? 2147483647 : 100000;
    for (std::size_t m = 0; m < outputs; ++m) layer.bias.push_back(static_cast<std::int32_t>(pick(-most, most)));
  }
  c.output = static_cast<IntegerOutput>(pick(0, 2));
  // Scales about as a quantiser would choose them; sometimes so large that scaled sums leave 32 bits.
  const float typical = 1.0f / (40.0f * std::sqrt(static_cast<float>(f.taps() * f.channels)));
  const float scale = pick(0, 9) == 0 ? 3.0f : typical;
  for (std::size_t m = 0; m < outputs; ++m) layer.factors.push_back(scale * uniform(0.2f, 1));
  // Halves, so that there are ties.
  if (pick(0, 4) == 0) std::fill(layer.factors.begin(), layer.factors.end(), 0.0078125f);
  c.y_signed = flip();
  c.y_zero_point = zero_point(c.y_signed);
  if (flip()) c.least_byte = c.y_zero_point;
  if (pick(0, 3) == 0) c.most_byte = std::max(c.y_zero_point, 100);
  if (c.output == IntegerOutput::bytes) stages(layer);
  if (flip()) c.least = 0;
  if (pick(0, 3) == 0) c.most = 6;
  layer.multiplier = flip() ? 1 : uniform(0.01f, 1);
  for (std::size_t m = 0; flip() && m < outputs; ++m) layer.shifts.push_back(uniform(-1, 1));
  layer.shifts.resize(layer.shifts.empty() ? 0 : outputs);
  return layer;
}

std::int32_t sum_of(const Layer& layer, std::int64_t image, std::int64_t down, std::int64_t across, std::int64_t output) {
  const IntegerConvolution& c = layer.convolution;
  const IntegerFilter& f = c.filter;
  const auto& zeros = layer.zero_points;
  const std::int32_t zero = zeros.empty() ? 0 : zeros.size() == 1 ? zeros[0] : zeros[static_cast<std::size_t>(output)];
  auto sum = static_cast<std::uint32_t>(layer.bias.empty() ? 0 : layer.bias[static_cast<std::size_t>(output)]);
  for (std::int64_t a = 0; a < f.taps_high; ++a) {
    for (std::int64_t b = 0; b < f.taps_wide; ++b) {
      const std::int64_t row = down * c.stride_high - c.pad_top + a * f.dilation_high,
                         column = across * c.stride_wide - c.pad_left + b * f.dilation_wide;
      if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
      const std::int64_t group = output / (f.outputs / f.groups);
      const std::int64_t at = (((image * c.height + row) * c.width + column) * f.groups + group) * f.channels;
      const std::int64_t weight = (output * f.taps() + a * f.taps_wide + b) * f.channels;
      for (std::int64_t k = 0; k < f.channels; ++k) {
        const std::int32_t x = number(layer.x[static_cast<std::size_t>(at + k)], f.x_signed) - layer.x_zero_point;
        sum += static_cast<std::uint32_t>(
            x * (number(layer.weights[static_cast<std::size_t>(weight + k)], layer.weights_signed) - zero));
      }
    }
  }
  return static_cast<std::int32_t>(sum);
}

// saturate(round(value) + zero_point), halves to the even neighbour.
std::int32_t rounded(float value, std::int32_t zero_point, bool is_signed) {
  const std::int32_t least = is_signed ? -128 : 0;
  const float nearest = std::nearbyint(std::clamp(value, -1e6f, 1e6f));
  return std::clamp(static_cast<std::int32_t>(nearest) + zero_point, least, least + 255);
}

std::uint8_t byte_of(const Layer& layer, std::int32_t sum, std::size_t at) {
  const IntegerConvolution& c = layer.convolution;
  const std::size_t output = at % static_cast<std::size_t>(c.filter.outputs);
  const volatile float as_float = static_cast<float>(sum);
  std::int32_t value = rounded(as_float * layer.factors[output], c.y_zero_point, c.y_signed);
  const std::int32_t least = c.y_signed ? -128 : 0;
  value = std::min(std::max(value, std::max(least, c.least_byte)), std::min(least + 255, c.most_byte));
  auto byte = static_cast<std::uint8_t>(value);
  for (const ByteStage& stage : layer.stages) {
    if (stage.table != nullptr) {
      byte = stage.table[(stage.table_per_channel ? output * 256 : 0) + byte];
      continue;
    }
    const ByteAddition& a = stage.addition;
    std::uint8_t first = byte, second = layer.addends[stage.addend][at];
    if (stage.addend_first) std::swap(first, second);
    const auto x = static_cast<float>(number(first, a.a_signed)), y = static_cast<float>(number(second, a.b_signed));
    byte = static_cast<std::uint8_t>(rounded(std::fma(x, a.a_factor, std::fma(y, a.b_factor, a.shift)), 0, a.y_signed));
  }
  return byte;
}

float float_of(const Layer& layer, std::int32_t sum, std::size_t output) {
  const volatile float scale = layer.multiplier * layer.factors[output];
  volatile float value = static_cast<float>(sum) * scale;
  if (!layer.shifts.empty()) value = value + layer.shifts[output];
  return std::clamp(static_cast<float>(value), layer.convolution.least, layer.convolution.most);
}

// What comes out, as bytes of memory.
Bytes expected(const Layer& layer) {
  const IntegerConvolution& c = layer.convolution;
  Bytes y(layer.elements() * layer.element_size());
  std::size_t at = 0;
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t i = 0; i < c.out_height; ++i) {
      for (std::int64_t j = 0; j < c.out_width; ++j) {
        for (std::int64_t m = 0; m < c.filter.outputs; ++m, ++at) {
          const std::int32_t sum = sum_of(layer, n, i, j, m);
          switch (c.output) {
            case IntegerOutput::sums: std::memcpy(&y[at * 4], &sum, 4); break;
            case IntegerOutput::bytes: y[at] = byte_of(layer, sum, at); break;
            case IntegerOutput::floats: {
              const float value = float_of(layer, sum, static_cast<std::size_t>(m));
              std::memcpy(&y[at * 4], &value, 4);
              break;
            }
          }
        }
      }
    }
  }
  return y;
}

// Memory that ends where what follows may not be touched.
class Guarded {
 public:
  explicit Guarded(std::size_t size, std::size_t alignment = 1) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t used = (size + alignment - 1) / alignment * alignment, pages = (used + page - 1) / page * page;
    size_ = pages + page;
    begin_ = static_cast<std::uint8_t*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(begin_ + pages, page, PROT_NONE);
    data_ = begin_ + pages - used;
  }
  explicit Guarded(const Bytes& bytes) : Guarded(bytes.size()) { std::copy(bytes.begin(), bytes.end(), data_); }
  ~Guarded() { munmap(begin_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  std::uint8_t* data() const { return data_; }

 private:
  std::size_t size_;
  std::uint8_t *begin_, *data_;
};

Bytes computed(const Layer& layer, ThreadPool& pool) {
  IntegerConvolution c = layer.convolution;
  c.stages = &layer.stages;
  const Guarded packed(packed_size(c.filter), 64), x(layer.x), weights(layer.weights);
  pack_filter(c.filter,
              {.values = weights.data(),
               .is_signed = layer.weights_signed,
               .zero_points = layer.zero_points,
               .bias = layer.bias.empty() ? nullptr : layer.bias.data()},
              packed.data());
  std::vector<std::unique_ptr<Guarded>> guarded_addends;
  std::vector<const void*> addends;
  for (const Bytes& addend : layer.addends) {
    guarded_addends.push_back(std::make_unique<Guarded>(addend));
    addends.push_back(guarded_addends.back()->data());
  }
  const std::size_t size = layer.elements() * layer.element_size();
  const Guarded y(size), scratch(integer_scratch(c, pool.threads()), 64);
  convolve(c,
           {.x = x.data(),
            .x_zero_point = layer.x_zero_point,
            .packed = packed.data(),
            .factors = layer.factors.data(),
            .multiplier = layer.multiplier,
            .shifts = layer.shifts.empty() ? nullptr : layer.shifts.data(),
            .addends = addends.data(),
            .y = y.data()},
           scratch.data(), pool);
  return {y.data(), y.data() + size};
}

std::string text(const Layer& layer) {
  const IntegerConvolution& c = layer.convolution;
  const IntegerFilter& f = c.filter;
  const auto join = [](auto... numbers) { return ((std::to_string(numbers) + " ") + ...); };
  return "filter " + join(f.taps_high, f.taps_wide, f.channels, f.outputs, f.groups, f.dilation_high, f.dilation_wide) + "map " +
         join(c.batch, c.height, c.width, c.out_height, c.out_width, c.stride_high, c.stride_wide, c.pad_top, c.pad_left) + "x " +
         join(int{f.x_signed}, layer.x_zero_point) + "w " + join(int{layer.weights_signed}, layer.zero_points.size()) +
         "output " + join(static_cast<int>(c.output), layer.stages.size()) + (f.winograd ? "by Winograd's way" : "");
}

// An instruction set, whether products of bytes may be used where it has them, and which layers.
using Case = std::tuple<std::int64_t, bool, unsigned>;

class IntegerConvolutionTest : public testing::TestWithParam<Case> {
 protected:
  IntegerConvolutionTest() { allow_byte_products(std::get<1>(GetParam())); }
  ~IntegerConvolutionTest() override { allow_byte_products(true); }

  ThreadPool one_{1}, two_{2};

 private:
  UseInstructionSet use_{std::get<0>(GetParam())};
};

// By each of the generator's four seeds.
#ifdef RESNET_SANITIZED
constexpr int layers = 60;
#else
constexpr int layers = 500;
#endif

TEST_P(IntegerConvolutionTest, RandomLayersAreExact) {
  Generator generator(std::get<2>(GetParam()));
  for (int round = 0; round < layers; ++round) {
    const Layer layer = generator.layer();
    const Bytes y = computed(layer, round % 2 == 0 ? one_ : two_), right = expected(layer);
    const auto differs = std::mismatch(y.begin(), y.end(), right.begin());
    ASSERT_EQ(y, right) << "round " << round << ", byte " << differs.first - y.begin() << " of " << text(layer);
  }
}

// Where products of bytes are products of pairs of 16 bits, and nowhere else.
TEST_P(IntegerConvolutionTest, WinogradsWayFits) {
  const IntegerFilter filter{.taps_high = 3, .taps_wide = 3, .channels = 64, .outputs = 64};
  const bool fits = integer_winograd_fits(filter);
  EXPECT_EQ(fits, integer_packing().starts_with("2 by"));
  for (IntegerFilter other :
       {IntegerFilter{.taps_high = 1, .taps_wide = 3}, IntegerFilter{.taps_high = 3, .taps_wide = 3, .groups = 2},
        IntegerFilter{.taps_high = 3, .taps_wide = 3, .dilation_wide = 2}}) {
    other.channels = other.outputs = 64;
    EXPECT_FALSE(integer_winograd_fits(other));
  }
  IntegerFilter deep = filter;
  deep.channels = 1024;  // sums would not fit in 32 bits
  EXPECT_FALSE(integer_winograd_fits(deep));
}

// Only x86's have products of bytes.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const std::string name = hwy::TargetName(target);
    for (unsigned seed = 1; seed <= 4; ++seed) {
      all.emplace_back(target, true, seed);
      if (name.starts_with("AVX")) all.emplace_back(target, false, seed);
    }
  }
  return all;
}
std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return std::string(hwy::TargetName(std::get<0>(info.param))) + (std::get<1>(info.param) ? "_" : "_pairs_") +
         std::to_string(std::get<2>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Each, IntegerConvolutionTest, testing::ValuesIn(cases()), name_of_case);

}  // namespace
}  // namespace resnet::kernels
