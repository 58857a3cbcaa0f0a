#include "lib/arch/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "lib/base/error.h"

namespace resnet::arch {

namespace {

// The deepest CIFAR net that a name can ask for; the paper's is 1202.
constexpr std::int64_t deepest = 9998;
constexpr std::int64_t widest = 1024;  // groups, and width per group
constexpr std::int64_t most_classes = 10'000'000;

}  // namespace

Spec with_options(Spec spec, const SpecOptions& options) {
  if (options.shortcut && *options.shortcut != spec.shortcut) {
    if (spec.shortcut == Shortcut::none) {
      throw Error(Fault::invalid, fmt::format("{} is a plain net and has no shortcuts: option {} does not fit", spec.name,
                                              name_of(*options.shortcut)));
    }
    spec.shortcut = *options.shortcut;
  }
  if (options.zero_channels) {
    if (spec.shortcut != Shortcut::A) {
      throw Error(Fault::invalid, fmt::format("{} has no zero channels, expected a net with shortcuts of option A", spec.name));
    }
    spec.zero_channels = *options.zero_channels;
  }
  if (options.variant) spec.variant = *options.variant;
  if (options.classes) {
    if (*options.classes < 1)
      throw Error(Fault::invalid,
                  fmt::format("{}: the number of classes is {}, expected 1 to {}", spec.name, *options.classes, most_classes));
    spec.classes = *options.classes;
  }
  if (options.batch) spec.batch = options.batch;
  if (options.height) spec.height = *options.height;
  if (options.width) spec.width = *options.width;
  check(spec);
  return spec;
}

std::optional<Variant> find_variant(std::string_view text) { return find_value<Variant>(text); }
std::optional<Shortcut> find_shortcut(std::string_view text) { return find_value<Shortcut>(text); }
std::string_view name_of(Variant variant) { return word_of(variant); }
std::string_view name_of(Shortcut shortcut) { return shortcut == Shortcut::none ? "none" : word_of(shortcut); }

namespace {

void check_stem(const Spec& spec, const std::function<void(const std::string&)>& fail) {
  const std::int64_t channels = stem_channels_of(spec);
  if (spec.stem == Stem::deep && channels % 2 != 0) {
    fail(fmt::format("a deep stem of {} channels, expected an even number", channels));
  }
  if (spec.tiered_stem && (spec.stem != Stem::deep || channels % 8 != 0)) {
    fail(fmt::format("a tiered stem of {} channels, expected a deep one of a multiple of 8", channels));
  }
  if (spec.stem_pool == StemPool::max) return;
  if (spec.stem == Stem::cifar) fail("a CIFAR stem has no pool that a convolution could be in place of");
  if (spec.pre_activation || spec.anti_alias != AntiAlias::none) {
    fail("a convolution in place of the stem's pool fits neither pre-activation nor anti-aliasing");
  }
}

}  // namespace

namespace {

// A VGG has none of what its kin have.
void check_single(const Spec& spec, const std::function<void(const std::string&)>& fail) {
  if (spec.block != Block::single) return;
  Spec bare;
  bare.name = spec.name;
  bare.block = spec.block;
  bare.blocks = spec.blocks;
  bare.first_channels = spec.first_channels;
  bare.shortcut = Shortcut::none;
  bare.variant = spec.variant;
  bare.classes = spec.classes;
  bare.batch = spec.batch;
  bare.height = spec.height;
  bare.width = spec.width;
  if (spec.classes == 0 || bare != spec) fail("a net of single convolutions has a classifier and no stem, shortcut or norm");
}

}  // namespace

void check(const Spec& spec) {
  const auto fail = [&](const std::string& what) { throw Error(Fault::invalid, fmt::format("{}: {}", spec.name, what)); };
  const auto within = [&](std::string_view what, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) fail(fmt::format("{} is {}, expected {} to {}", what, value, least, most));
  };
  within("the number of stages", static_cast<std::int64_t>(spec.blocks.size()), 1, 8);
  for (const int count : spec.blocks) within("the number of blocks in a stage", count, 1, deepest);
  within("the number of channels of the first stage", spec.first_channels, 1, 4096);
  within("the number of groups", spec.groups, 1, widest);
  within("the width per group", spec.width_per_group, 1, widest);
  within("the reduction of squeeze-and-excitation", spec.squeeze, 0, 4096);
  within("the multiple of squeeze-and-excitation", spec.squeeze_multiple, 1, 64);
  within("the number of channels of the stem", spec.stem_channels, 0, 8192);
  within("the number of classes", spec.classes, 0, most_classes);
  if (spec.batch) within("the batch", *spec.batch, 1, 1'000'000);
  within("the height", spec.height, 1, 100'000);
  within("the width", spec.width, 1, 100'000);
  const bool bottleneck = spec.block == Block::bottleneck;
  if (!bottleneck && (spec.groups != 1 || spec.width_per_group != 64)) {
    fail(fmt::format("groups and width per group need bottlenecks, but its blocks are {}", word_of(spec.block)));
  }
  if (bottleneck && spec.first_channels * spec.width_per_group / 64 < 1) {
    fail(fmt::format("a width per group of {} leaves no channels of {}", spec.width_per_group, spec.first_channels));
  }
  check_single(spec, fail);
  check_stem(spec, fail);
  if (spec.efficient_attention && spec.squeeze != 0) fail("both squeeze-and-excitation and efficient channel attention");
  if (!spec.pre_activation && !(spec.stem_norm && spec.last_norm)) fail("only a pre-activation net can do without its norms");
  if (spec.standardized && !(spec.pre_activation && spec.norm == Norm::group && spec.stem == Stem::imagenet))
    fail("standardised weights need pre-activation, group norm and an ImageNet stem");
  if (spec.norm == Norm::group) {
    const std::int64_t stem_part = spec.stem == Stem::deep ? stem_channels_of(spec) / 2 : stem_channels_of(spec);
    for (const std::int64_t channels : {stem_part, spec.first_channels}) {
      if (channels % groups_of_norm != 0) fail(fmt::format("group norm of {} groups over {} channels", groups_of_norm, channels));
    }
    if (spec.width_per_group * spec.groups % 64 != 0 || spec.tiered_stem)
      fail(fmt::format("group norm of {} groups over channels that are not a multiple of it", groups_of_norm));
  }
  if (spec.anti_alias != AntiAlias::none) {
    if (spec.pre_activation) fail("a pre-activation net is not anti-aliased");
    if (bottleneck && spec.variant == Variant::v1) fail("a map is anti-aliased after the 3x3, which is v1.5, not v1");
  }
}

std::int64_t named_depth_of(const Spec& spec) {
  const std::int64_t blocks = std::accumulate(spec.blocks.begin(), spec.blocks.end(), std::int64_t{0});
  switch (spec.block) {
    case Block::basic: return 2 * blocks + 2;
    case Block::bottleneck: return 3 * blocks + 2;
    case Block::single: return blocks + 3;
  }
  __builtin_unreachable();
}

std::int64_t depth_of(const Spec& spec) {
  return named_depth_of(spec) + (spec.stem == Stem::deep ? 2 : 0) + (spec.stem_pool == StemPool::convolution ? 1 : 0);
}

std::int64_t stem_channels_of(const Spec& spec) { return spec.stem_channels != 0 ? spec.stem_channels : spec.first_channels; }

std::int64_t squeezed_channels(std::int64_t channels, std::int64_t reduction, std::int64_t multiple) {
  // Of the exact quotient, a half rounded up.
  const std::int64_t rounded = (2 * channels + multiple * reduction) / (2 * multiple * reduction) * multiple;
  return multiple == 1 ? std::max<std::int64_t>(channels / reduction, 1) : std::max(rounded, multiple);
}

Squeeze find_squeeze(const std::vector<std::pair<std::int64_t, std::int64_t>>& blocks) {
  if (blocks.empty()) return {};
  // Where many channels are left, rounding hides least of the reduction.
  const auto widest_block = *std::max_element(blocks.begin(), blocks.end());
  const std::int64_t reduction =
      std::clamp<std::int64_t>(widest_block.first / std::max<std::int64_t>(widest_block.second, 1), 1, 4096);
  const bool rounded = std::all_of(blocks.begin(), blocks.end(), [&](const auto& block) {
    return squeezed_channels(block.first, reduction, 8) == block.second;
  });
  return {reduction, rounded ? 8 : 1};
}

std::int64_t older_squeeze_multiple(const Spec& spec) {
  // Not checked yet: what is out of its range has no multiple worth telling.
  if (spec.squeeze < 1 || spec.squeeze > 4096 || spec.first_channels < 1 || spec.first_channels > 4096) return 8;
  std::int64_t channels = spec.first_channels * (spec.block == Block::bottleneck ? 4 : 1);
  for (std::size_t stage = 0; stage < std::min<std::size_t>(spec.blocks.size(), 8); ++stage, channels *= 2) {
    if (squeezed_channels(channels, spec.squeeze, 8) != squeezed_channels(channels, spec.squeeze, 1)) return 1;
  }
  return 8;
}

std::int64_t attention_length(std::int64_t channels) {
  const auto length = static_cast<std::int64_t>((std::log2(static_cast<double>(channels)) + 1) / 2);
  return std::max<std::int64_t>(length % 2 == 0 ? length + 1 : length, 3);
}

}  // namespace resnet::arch
