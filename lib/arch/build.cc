#include "lib/arch/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/base/random.h"

namespace resnet::arch {

namespace {

constexpr float epsilon = 1e-5f;
constexpr std::int64_t rgb = 3;

// A map of features on its way through the net.
struct Map {
  ValueId value;
  std::int64_t channels;
};

struct Kernel {
  std::int64_t size, out;
  std::int64_t stride = 1, groups = 1;
};

class Builder {
 public:
  Builder(const Spec& spec, const BuildOptions& options) : spec_(spec), options_(options) {}

  Graph build() {
    graph_.name = spec_.name;
    const Dim batch = spec_.batch ? Dim(*spec_.batch) : Dim::symbol("batch");
    Map x{graph_.add_input("input", Fact::of(DType::float32, {batch, rgb, spec_.height, spec_.width})), rgb};
    if (spec_.block == Block::single) return build_single(x);
    x = stem(x);
    std::int64_t planes = spec_.first_channels;
    for (std::size_t stage = 0; stage < spec_.blocks.size(); ++stage, planes *= 2) {
      for (int i = 0; i < spec_.blocks[stage]; ++i) {
        const bool first = stage == 0 && i == 0;
        x = block(x, fmt::format("layer{}.{}", stage + 1, i), planes, stage > 0 && i == 0 ? 2 : 1, first);
      }
    }
    if (spec_.pre_activation && spec_.last_norm) x = relu(norm(x, "norm"), "relu_last");
    const ValueId pooled = append(GlobalAveragePool{}, {x.value}, "avgpool");
    if (spec_.classes == 0) {
      graph_.set_outputs({graph_.append(Flatten{.axis = 1}, {pooled}, "flatten", {"features"})});
      return std::move(graph_);
    }
    const ValueId flat = append(Flatten{.axis = 1}, {pooled}, "flatten");
    return classify(flat, x.channels, "fc");
  }

 private:
  Graph classify(ValueId features, std::int64_t count, const std::string& name) {
    const double bound = 1 / std::sqrt(static_cast<double>(count));
    const ValueId weight = uniform(name + ".weight", Shape{spec_.classes, count}, bound);
    const ValueId bias = uniform(name + ".bias", Shape{spec_.classes}, bound);
    graph_.set_outputs({graph_.append(Gemm{.transB = true}, {features, weight, bias}, name, {"logits"})});
    return std::move(graph_);
  }

  // VGG, its layers by the names that its authors gave them: conv1_1, ... conv5_4, fc6 to fc8.
  Graph build_single(Map x) {
    std::int64_t channels = spec_.first_channels, height = spec_.height, width = spec_.width;
    for (std::size_t stage = 0; stage < spec_.blocks.size(); ++stage) {
      for (int i = 0; i < spec_.blocks[stage]; ++i) {
        const std::string place = fmt::format("{}_{}", stage + 1, i + 1);
        x = relu(conv(x, {3, channels}, "conv" + place, true, false), "relu" + place);
      }
      MaxPool pool;
      pool.kernel_shape = pool.strides = {2, 2};
      x.value = append(std::move(pool), {x.value}, fmt::format("pool{}", stage + 1));
      channels = std::max(std::min(2 * channels, most_single_channels), channels);
      height /= 2;
      width /= 2;
    }
    Map y{append(Flatten{.axis = 1}, {x.value}, "flatten"), x.channels * height * width};
    for (const char* number : {"6", "7"}) y = relu(hidden(y, fmt::format("fc{}", number)), fmt::format("relu{}", number));
    return classify(y.value, y.channels, "fc8");
  }

  Map hidden(Map x, const std::string& name) {
    const ValueId weight = parameter(name + ".weight", Shape{hidden_features, x.channels}, [&](std::span<float> target) {
      const double deviation = std::sqrt(2.0 / static_cast<double>(hidden_features));
      if (options_.init == Init::he) fill_normal(target, stream_key(options_.seed, name + ".weight"), deviation);
    });
    const ValueId bias = constant(name + ".bias", hidden_features, 0);
    return {append(Gemm{.transB = true}, {x.value, weight, bias}, name), hidden_features};
  }

  ValueId append(Op op, std::vector<ValueId> inputs, const std::string& name) {
    return graph_.append(std::move(op), std::move(inputs), name, {name});
  }

  // A parameter of the graph; `fill` writes the values of the He initialisation, zeros stay where it does nothing.
  template <typename Fill>
  ValueId parameter(const std::string& name, Shape shape, const Fill& fill) {
    if (options_.init == Init::none) {
      return graph_.add_input(name, Fact::of(DType::float32, Dims(shape.dims().begin(), shape.dims().end())));
    }
    Tensor value = Tensor::allocate(DType::float32, std::move(shape));
    fill(value.mutable_data<float>());
    return graph_.add_constant(name, std::move(value));
  }
  ValueId uniform(const std::string& name, Shape shape, double bound) {
    return parameter(name, std::move(shape), [&](std::span<float> target) {
      if (options_.init == Init::he) fill_uniform(target, stream_key(options_.seed, name), bound);
    });
  }
  ValueId constant(const std::string& name, std::int64_t channels, float value) {
    return parameter(name, Shape{channels}, [&](std::span<float> target) {
      if (value != 0) std::fill(target.begin(), target.end(), value);
    });
  }
  ValueId integers(const std::string& name, std::vector<std::int64_t> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return graph_.add_constant(name, Tensor::from<std::int64_t>(Shape{count}, std::span<const std::int64_t>(values)));
  }

  // `folded`: the convolution is followed by a batch norm as it is initialised (gamma 1, beta 0, mean 0, variance 1) that goes
  // into it.
  Map conv(Map x, const Kernel& k, const std::string& name, bool bias, bool folded) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(k.size * k.size * k.out));
    std::vector<ValueId> inputs = {x.value};
    inputs.push_back(
        parameter(name + ".weight", Shape{k.out, x.channels / k.groups, k.size, k.size}, [&](std::span<float> target) {
          if (options_.init != Init::he) return;
          fill_normal(target, stream_key(options_.seed, name + ".weight"), deviation);
          if (spec_.standardized) standardize(target, static_cast<std::size_t>(k.out));
          if (!folded) return;
          const double factor = 1 / std::sqrt(1 + static_cast<double>(epsilon));
          for (float& weight : target) weight = static_cast<float>(static_cast<double>(weight) * factor);
        }));
    if (bias || folded) inputs.push_back(constant(name + ".bias", k.out, 0));
    const std::int64_t pad = k.size / 2;
    Conv op;
    op.kernel_shape = {k.size, k.size};
    op.group = k.groups;
    if (pad != 0) op.pads = {pad, pad, pad, pad};
    if (k.stride != 1) op.strides = {k.stride, k.stride};
    return {append(std::move(op), std::move(inputs), name), k.out};
  }

  Map norm(Map x, const std::string& name) {
    const ValueId scale = constant(name + ".weight", x.channels, 1), shift = constant(name + ".bias", x.channels, 0);
    if (spec_.norm == Norm::group) {
      return {append(GroupNormalization{.epsilon = epsilon, .num_groups = groups_of_norm}, {x.value, scale, shift}, name),
              x.channels};
    }
    const ValueId mean = constant(name + ".running_mean", x.channels, 0),
                  variance = constant(name + ".running_var", x.channels, 1);
    return {append(BatchNormalization{.epsilon = epsilon}, {x.value, scale, shift, mean, variance}, name), x.channels};
  }

  Map conv_norm(Map x, const Kernel& k, const std::string& conv_name, const std::string& norm_name) {
    const bool folds = options_.fold_batch_norm && spec_.norm == Norm::batch;
    x = conv(x, k, conv_name, false, folds);
    return folds ? x : norm(x, norm_name);
  }

  Map relu(Map x, const std::string& name) { return {append(Relu{}, {x.value}, name), x.channels}; }

  // What ends the stem: of timm's pre-activation nets neither a norm nor an activation.
  Map stem_end(Map x, const Kernel& kernel, const std::string& name) {
    if (!spec_.stem_norm) return conv(x, kernel, name, false, false);
    return relu(conv_norm(x, kernel, name, "bn1"), "relu");
  }

  Map stem(Map x) {
    const std::int64_t channels = stem_channels_of(spec_);
    switch (spec_.stem) {
      case Stem::cifar: return stem_end(x, {3, channels}, "conv1");
      case Stem::imagenet: x = stem_end(x, {7, channels, 2}, "conv1"); break;
      case Stem::deep:
        x = relu(conv_norm(x, {3, spec_.tiered_stem ? channels / 8 * 3 : channels / 2, 2}, "conv1.0", "conv1.1"), "conv1.2");
        x = relu(conv_norm(x, {3, channels / 2}, "conv1.3", "conv1.4"), "conv1.5");
        x = stem_end(x, {3, channels}, "conv1.6");
        break;
    }
    return stem_pool(x);
  }

  Map stem_pool(Map x) {
    if (spec_.stem_pool == StemPool::convolution)
      return relu(conv_norm(x, {3, x.channels, 2}, "maxpool.0", "maxpool.1"), "maxpool.2");
    if (spec_.anti_alias == AntiAlias::average) return average_pool(x, 2, "maxpool");
    const bool blurred = spec_.anti_alias == AntiAlias::blur;
    MaxPool pool;
    pool.kernel_shape = {3, 3};
    if (spec_.standardized) {
      const ValueId pads = integers("maxpool.pads", {0, 0, 1, 1, 0, 0, 1, 1});
      x.value = append(Pad{}, {x.value, pads}, "maxpool.pad");
    } else {
      pool.pads = {1, 1, 1, 1};
    }
    if (!blurred) pool.strides = {2, 2};
    x.value = append(std::move(pool), {x.value}, blurred ? "maxpool.0" : "maxpool");
    return blurred ? blur(x, "maxpool.1") : x;
  }

  // 2x2.
  Map average_pool(Map x, std::int64_t stride, const std::string& name) {
    AveragePool pool;
    pool.kernel_shape = {2, 2};
    if (stride != 1) pool.strides = {stride, stride};
    return {append(std::move(pool), {x.value}, name), x.channels};
  }

  // Two averages of neighbours are a filter of 1-2-1, without weights that could be taken for trained ones.
  Map blur(Map x, const std::string& name) {
    const ValueId pads = integers(name + ".pads", {0, 0, 1, 1, 0, 0, 1, 1});
    x.value = append(Pad{.mode = Pad::Mode::reflect}, {x.value, pads}, name + ".pad");
    return average_pool(average_pool(x, 1, name + ".0"), 2, name + ".1");
  }

  Map squeeze_and_excite(Map x, const std::string& name) {
    const std::int64_t hidden = squeezed_channels(x.channels, spec_.squeeze, spec_.squeeze_multiple);
    const Map pooled{append(GlobalAveragePool{}, {x.value}, name + ".pool"), x.channels};
    const Map reduced = relu(conv(pooled, {1, hidden}, name + ".fc1", true, false), name + ".relu");
    const Map expanded = conv(reduced, {1, x.channels}, name + ".fc2", true, false);
    const ValueId gate = append(Sigmoid{}, {expanded.value}, name + ".gate");
    return {append(Mul{}, {x.value, gate}, name + ".scale"), x.channels};
  }

  // The channels' means are a column of one channel, along which one filter is moved.
  Map attend_efficiently(Map x, const std::string& name) {
    const std::int64_t length = attention_length(x.channels);
    const ValueId means = append(GlobalAveragePool{}, {x.value}, name + ".pool");
    const ValueId column = append(Transpose{.perm = {0, 2, 1, 3}}, {means}, name + ".column");
    const double deviation = std::sqrt(2.0 / static_cast<double>(length));
    const ValueId weight = parameter(name + ".conv.weight", Shape{1, 1, length, 1}, [&](std::span<float> target) {
      if (options_.init == Init::he) fill_normal(target, stream_key(options_.seed, name + ".conv.weight"), deviation);
    });
    Conv op;
    op.kernel_shape = {length, 1};
    op.pads = {length / 2, 0, length / 2, 0};
    const ValueId filtered = append(std::move(op), {column, weight}, name + ".conv");
    const ValueId channels = append(Transpose{.perm = {0, 2, 1, 3}}, {filtered}, name + ".channels");
    const ValueId gate = append(Sigmoid{}, {channels}, name + ".gate");
    return {append(Mul{}, {x.value, gate}, name + ".scale"), x.channels};
  }

  // Option A: every stride-th row and column, and zeros for the channels that the main path has more.
  Map zero_padding(Map x, std::int64_t out, std::int64_t stride, const std::string& name) {
    if (stride != 1) {
      constexpr std::int64_t end = std::numeric_limits<std::int64_t>::max();
      const ValueId starts = integers(name + ".starts", {0, 0}), ends = integers(name + ".ends", {end, end});
      const ValueId axes = integers(name + ".axes", {2, 3}), steps = integers(name + ".steps", {stride, stride});
      x.value = append(Slice{}, {x.value, starts, ends, axes, steps}, name + ".slice");
    }
    if (out != x.channels) {
      const std::int64_t more = out - x.channels, before = spec_.zero_channels == ZeroChannels::both ? more / 2 : 0;
      const ValueId pads = integers(name + ".pads", {0, before, 0, 0, 0, more - before, 0, 0});
      x = {append(Pad{}, {x.value, pads}, name + ".pad"), out};
    }
    return x;
  }

  Map projection(Map x, std::int64_t out, std::int64_t stride, const std::string& name) {
    int next = 0;  // the module's place in the sequence
    if (spec_.average_shortcut) {
      if (stride != 1) {
        AveragePool pool;
        pool.ceil_mode = true;
        pool.kernel_shape = pool.strides = {stride, stride};
        x.value = append(std::move(pool), {x.value}, name + ".0");
        stride = 1;
      }
      next = 1;
    }
    const std::string conv_name = fmt::format("{}.{}", name, next);
    if (spec_.pre_activation) return conv(x, {1, out, stride}, conv_name, false, false);
    return conv_norm(x, {1, out, stride}, conv_name, fmt::format("{}.{}", name, next + 1));
  }

  // What is added to the main path. Of a pre-activation net `x` is the activated input where the shortcut projects it.
  Map shortcut(Map x, std::int64_t out, std::int64_t stride, const std::string& name) {
    const bool changes = stride != 1 || out != x.channels;
    switch (spec_.shortcut) {
      case Shortcut::none: return x;
      case Shortcut::A: return zero_padding(x, out, stride, name + ".shortcut");
      case Shortcut::B: return changes ? projection(x, out, stride, name + ".downsample") : x;
      case Shortcut::C: return projection(x, out, stride, name + ".downsample");
    }
    __builtin_unreachable();
  }

  // The kernels of a block's main path.
  std::vector<Kernel> kernels(std::int64_t planes, std::int64_t stride) const {
    if (spec_.anti_alias != AntiAlias::none) stride = 1;
    switch (spec_.block) {
      case Block::single: return {{3, planes}};
      case Block::basic: return {{3, planes, stride}, {3, planes}};
      case Block::bottleneck: {
        const std::int64_t width = planes * spec_.width_per_group / 64 * spec_.groups;
        const bool in_first = spec_.variant == Variant::v1;
        return {{1, width, in_first ? stride : 1}, {3, width, in_first ? 1 : stride, spec_.groups}, {1, planes * 4}};
      }
    }
    __builtin_unreachable();
  }

  Map main_path(Map y, const std::vector<Kernel>& path, const std::string& name, std::int64_t stride) {
    const auto part = [&](std::string_view kind, std::size_t i) { return fmt::format("{}.{}{}", name, kind, i + 1); };
    for (std::size_t i = 0; i < path.size(); ++i) {
      y = conv_norm(y, path[i], part("conv", i), part("bn", i));
      if (i + 1 < path.size()) y = relu(y, part("relu", i));
      if (i + 2 == path.size() && stride != 1) {
        if (spec_.anti_alias == AntiAlias::average) y = average_pool(y, stride, name + ".aa");
        if (spec_.anti_alias == AntiAlias::blur) y = blur(y, name + ".aa");
      }
    }
    return y;
  }

  Map block(Map x, const std::string& name, std::int64_t planes, std::int64_t stride, bool first) {
    const std::vector<Kernel> path = kernels(planes, stride);
    const std::int64_t out = path.back().out;
    const auto part = [&](std::string_view kind, std::size_t i) { return fmt::format("{}.{}{}", name, kind, i + 1); };
    const bool changes = stride != 1 || out != x.channels;
    Map source = x, y = x;
    if (spec_.pre_activation) {
      // The stem has activated the very first block's input; where the size changes both paths share the activation.
      if (!first || !spec_.stem_norm) y = relu(norm(x, part("bn", 0)), part("relu", 0));
      if (changes || spec_.shortcut == Shortcut::C) source = y;
      for (std::size_t i = 0; i + 1 < path.size(); ++i)
        y = relu(conv_norm(y, path[i], part("conv", i), part("bn", i + 1)), part("relu", i + 1));
      y = conv(y, path.back(), part("conv", path.size() - 1), false, false);
    } else {
      y = main_path(y, path, name, stride);
    }
    if (spec_.squeeze != 0) y = squeeze_and_excite(y, name + ".se");
    if (spec_.efficient_attention) y = attend_efficiently(y, name + ".se");
    if (spec_.shortcut != Shortcut::none) {
      const Map other = shortcut(source, out, stride, name);
      y.value = append(Add{}, {y.value, other.value}, name + ".add");
    }
    return spec_.pre_activation ? y : relu(y, part("relu", path.size() - 1));
  }

  const Spec& spec_;
  const BuildOptions& options_;
  Graph graph_;
};

}  // namespace

void standardize(std::span<float> weight, std::size_t filters) {
  constexpr double least = 1e-8;  // added to the variance, as the published networks were trained
  const std::size_t size = weight.size() / filters;
  for (std::size_t f = 0; f < filters; ++f) {
    const auto filter = weight.subspan(f * size, size);
    double sum = 0, squares = 0;
    for (const float w : filter) sum += static_cast<double>(w);
    const double mean = sum / static_cast<double>(size);
    for (const float w : filter) squares += (static_cast<double>(w) - mean) * (static_cast<double>(w) - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(size) + least);
    for (float& w : filter) w = static_cast<float>((static_cast<double>(w) - mean) * factor);
  }
}

Graph build(const Spec& spec, const BuildOptions& options) {
  check(spec);
  return Builder(spec, options).build();
}

}  // namespace resnet::arch
