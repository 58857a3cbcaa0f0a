#include "lib/arch/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "lib/base/error.h"

namespace resnet::arch {

namespace {

class Finder {
 public:
  explicit Finder(std::span<const NamedShape> weights) {
    for (const NamedShape& weight : weights) shapes_.emplace(weight.name, &weight.shape);
  }

  FoundSpec find() {
    Spec& spec = result_.spec;
    spec.norm = norm();
    find_blocks();
    spec.pre_activation = has("norm.weight") || !has("bn1.weight");
    if (spec.pre_activation) {
      spec.stem_norm = has("bn1.weight");
      spec.last_norm = has("norm.weight");
    }
    find_widths();
    find_stem();
    find_transfer();
    find_shortcut();
    find_attention();
    if (spec.stem == Stem::cifar) spec.height = spec.width = 32;
    spec.classes = has("fc.weight") ? dim("fc.weight", 0) : 0;
    try {
      check(spec);
    } catch (const Error& error) {
      fail(error.problem());
    }
    spec.name = find_name(spec);
    if (spec.name.empty()) spec.name = "resnet";
    tell_twins();
    return std::move(result_);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) {
    throw Error(Fault::malformed, "the weights of no ResNet that is built: " + what);
  }

  bool has(const std::string& name) const { return shapes_.contains(name); }
  std::int64_t dim(const std::string& name, std::size_t axis) const {
    constexpr std::int64_t most = 10'000'000;
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) fail(fmt::format("'{}' is missing", name));
    const Shape& shape = *found->second;
    if (axis >= shape.rank() || shape[axis] < 1 || shape[axis] > most)
      fail(fmt::format("'{}' is {}, expected weights of a layer", name, shape.to_string()));
    return shape[axis];
  }

  // Batch norm has running statistics, group norm has none.
  Norm norm() const {
    const auto ends = [&](std::string_view ending) {
      return std::any_of(shapes_.begin(), shapes_.end(), [&](const auto& entry) { return entry.first.ends_with(ending); });
    };
    if (ends(".running_mean")) return Norm::batch;
    if (has("layer1.0.bn2.v")) fail("its norms are EvoNorm ('v' beside weight and bias), expected batch norm");
    if (has("layer1.0.bn2.bias") && has("layer1.0.bn2.weight")) return Norm::group;
    fail("its norms have no running statistics ('running_mean')");
  }

  static std::string block_name(std::size_t stage, int block) { return fmt::format("layer{}.{}", stage + 1, block); }

  void find_blocks() {
    constexpr std::size_t most_stages = 8;
    constexpr int most_blocks = 4096;
    Spec& spec = result_.spec;
    spec.block = has("layer1.0.conv3.weight") ? Block::bottleneck : Block::basic;
    for (std::size_t stage = 0; stage < most_stages && has(block_name(stage, 0) + ".conv1.weight"); ++stage) {
      int count = 0;
      while (count < most_blocks && has(block_name(stage, count) + ".conv1.weight")) ++count;
      spec.blocks.push_back(count);
    }
    if (spec.blocks.empty()) fail("'layer1.0.conv1.weight' is missing");
  }

  void find_widths() {
    Spec& spec = result_.spec;
    if (spec.block == Block::basic) {
      spec.first_channels = dim("layer1.0.conv1.weight", 0);
      return;
    }
    spec.first_channels = std::max<std::int64_t>(dim("layer1.0.conv3.weight", 0) / 4, 1);
    const std::int64_t width = dim("layer1.0.conv2.weight", 0);
    spec.groups = std::max<std::int64_t>(dim("layer1.0.conv1.weight", 0) / dim("layer1.0.conv2.weight", 1), 1);
    spec.width_per_group = std::max<std::int64_t>(width * 64 / spec.first_channels / spec.groups, 1);
  }

  void find_stem() {
    Spec& spec = result_.spec;
    std::int64_t channels = 0;
    if (has("conv1.0.weight")) {
      spec.stem = Stem::deep;
      channels = dim("conv1.6.weight", 0);
      spec.tiered_stem = 4 * dim("conv1.0.weight", 0) == 3 * dim("conv1.3.weight", 0);
    } else {
      const std::int64_t kernel = dim("conv1.weight", 2);
      channels = dim("conv1.weight", 0);
      if (kernel != 3 && kernel != 7) fail(fmt::format("'conv1.weight' is a kernel of {}, expected 3 or 7", kernel));
      spec.stem = kernel == 3 ? Stem::cifar : Stem::imagenet;
    }
    if (channels != spec.first_channels) spec.stem_channels = channels;
    if (has("maxpool.0.weight")) spec.stem_pool = StemPool::convolution;
  }

  // timm's pre-activation nets with group norm and a 7x7 stem are Big Transfer's.
  void find_transfer() {
    Spec& spec = result_.spec;
    if (spec.norm == Norm::batch || !spec.pre_activation || spec.stem != Stem::imagenet || spec.stem_norm) return;
    spec.standardized = true;
    result_.notes.emplace_back("standardised weights were assumed, as Big Transfer's networks have them");
  }

  void find_shortcut() {
    Spec& spec = result_.spec;
    // In a block that keeps the size a projection is option C's.
    bool changing = false, keeping = false, after_pool = false;
    const bool first_keeps = spec.block == Block::basic && stem_channels_of(spec) == spec.first_channels;
    for (const auto& [name, shape] : shapes_) {
      const std::size_t at = name.find(".downsample.");
      if (at == std::string::npos || !name.ends_with(".weight")) continue;
      const std::string_view block = std::string_view(name).substr(0, at);
      (block.ends_with(".0") && !(first_keeps && block == "layer1.0") ? changing : keeping) = true;
      after_pool =
          after_pool || name.ends_with(".downsample.2.weight") || (spec.pre_activation && name.ends_with(".downsample.1.weight"));
    }
    spec.average_shortcut = after_pool;
    spec.shortcut = keeping ? Shortcut::C : changing ? Shortcut::B : Shortcut::A;
    const bool changes = spec.blocks.size() > 1 || spec.block == Block::bottleneck;
    if (spec.shortcut == Shortcut::A && !changes) spec.shortcut = Shortcut::B;
    if (spec.shortcut == Shortcut::A)
      result_.notes.emplace_back("option A was assumed: its shortcuts have no weights, and neither has a plain net");
    if (after_pool && spec.pre_activation)
      result_.notes.emplace_back("average pools in the shortcuts were assumed, as timm's deep resnetv2 has them");
  }

  void find_attention() {
    Spec& spec = result_.spec;
    spec.efficient_attention = has("layer1.0.se.conv.weight");
    std::vector<std::pair<std::int64_t, std::int64_t>> squeezed;
    for (const auto& [name, shape] : shapes_) {
      if (name.ends_with(".se.fc1.weight")) squeezed.emplace_back(dim(name, 1), dim(name, 0));
    }
    if (squeezed.empty()) return;
    const Squeeze found = find_squeeze(squeezed);
    spec.squeeze = found.reduction;
    spec.squeeze_multiple = found.multiple;
  }

  // Networks of the same names and shapes that compute something else.
  void tell_twins() {
    const Spec& spec = result_.spec;
    if (spec.pre_activation || spec.stem == Stem::cifar) return;
    std::vector<std::string> twins;
    for (const AntiAlias other : {AntiAlias::average, AntiAlias::blur}) {
      Spec twin = spec;
      twin.anti_alias = other;
      std::string name = spec.stem_pool == StemPool::max ? find_name(twin) : "";
      if (std::find(published.begin(), published.end(), name) != published.end()) twins.push_back(std::move(name));
    }
    const bool variants = spec.block == Block::bottleneck;
    if (twins.empty() && !variants) return;
    std::string what = twins.empty() ? "" : fmt::format("{}'s are the same", twins.front());
    if (twins.size() > 1) what = fmt::format("{}'s and {}'s are the same", twins[0], twins[1]);
    if (variants) what += fmt::format("{}v1 has the same as v1.5", what.empty() ? "" : ", and ");
    result_.notes.push_back(
        fmt::format("{}{} was assumed, by names and shapes alone: {}", spec.name, variants ? " v1.5" : "", what));
  }

  // timm's anti-aliased networks.
  static constexpr auto published = std::to_array<std::string_view>(
      {"resnetaa34d", "resnetaa50", "resnetaa50d", "resnetaa101d", "resnetblur18", "resnetblur50", "resnetblur50d",
       "resnetblur101d", "seresnetaa50d", "seresnextaa101d_32x8d", "seresnextaa201d_32x8d"});

  std::map<std::string, const Shape*> shapes_;
  FoundSpec result_;
};

}  // namespace

FoundSpec find_spec(std::span<const NamedShape> weights) { return Finder(weights).find(); }

}  // namespace resnet::arch
