#include "lib/arch/recognize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lib/arch/build.h"
#include "lib/arch/comparison.h"
#include "lib/arch/guess.h"
#include "lib/arch/skeleton.h"
#include "lib/base/error.h"

namespace resnet::arch {

namespace {

using Kind = Part::Kind;
using Parts = std::vector<Part>;

BatchNorm batch_norm_of(const Parts& parts) {
  std::size_t normalized = 0, convolutions = 0, biased = 0;
  for (const Part& part : parts) {
    if (part.kind != Kind::convolution) continue;
    ++convolutions;
    normalized += part.normalized ? 1 : 0;
    biased += !part.normalized && part.biased ? 1 : 0;
  }
  const bool apart = std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.kind == Kind::batch_norm; });
  if (normalized > 0) return biased > convolutions / 4 ? BatchNorm::partly_folded : BatchNorm::unfused;
  if (biased > 0) return apart ? BatchNorm::partly_folded : BatchNorm::folded;
  return apart ? BatchNorm::unfused : BatchNorm::none;
}

// Group norm is a step of its own in the skeleton. A pre-activation net that has it and a 7x7 stem is Big Transfer's.
void take_norm(Spec& spec, const Graph& graph) {
  const bool grouped = std::any_of(graph.nodes().begin(), graph.nodes().end(),
                                   [](const Node& node) { return holds_alternative<GroupNormalization>(node.op); });
  if (!grouped) return;
  Spec other = spec;
  other.norm = Norm::group;
  other.standardized = other.pre_activation && !other.stem_norm && other.stem == Stem::imagenet;
  try {
    check(other);
    spec = other;
  } catch (const Error&) {  // its widths fit no group norm that is built: it is compared without
  }
}

void take_input(Spec& spec, const Graph& graph) {
  const Fact& image = graph.fact(graph.inputs()[0]);
  if (!image.dims || image.rank() != 4) return;
  const bool channels_last = !(*image.dims)[1].is(3) && (*image.dims)[3].is(3);
  const auto size = [&](std::size_t axis, std::int64_t usual) {
    const Dim& dim = (*image.dims)[axis];
    return dim.is_number() && dim.number() >= 1 && dim.number() <= 100'000 ? dim.number() : usual;
  };
  const std::int64_t usual = spec.stem == Stem::cifar ? 32 : 224;
  spec.height = size(channels_last ? 1 : 2, usual);
  spec.width = size(channels_last ? 2 : 3, usual);
  if ((*image.dims)[0].is_number() && (*image.dims)[0].number() >= 1) spec.batch = size(0, 1);
}

}  // namespace

Place place_of(const std::string& built_name) {
  Place place{built_name, "", ""};
  int stage = 0, block = 0;
  if (std::sscanf(built_name.c_str(), "layer%d.%d.", &stage, &block) == 2) {
    place.stage = fmt::format("conv{}_x", stage + 1);
    place.block = fmt::format("conv{}_{}", stage + 1, block + 1);
  } else if (std::sscanf(built_name.c_str(), "conv%d_%d", &stage, &block) == 2 ||
             std::sscanf(built_name.c_str(), "relu%d_%d", &stage, &block) == 2) {  // VGG's
    place.stage = fmt::format("conv{}_x", stage);
    place.block = fmt::format("conv{}_{}", stage, block);
  } else if (std::sscanf(built_name.c_str(), "pool%d", &stage) == 1) {
    place.stage = fmt::format("conv{}_x", stage);
  } else if (built_name == "input") {
    place.stage = "";
  } else if (built_name.starts_with("conv1") || built_name == "bn1" || built_name == "relu" ||
             built_name.starts_with("maxpool")) {
    place.stage = "conv1";
  } else {
    place.stage = "fc";
  }
  return place;
}

std::string Difference::to_string() const {
  const std::string place = node.empty() ? "at the beginning" : node;
  if (found.empty()) return fmt::format("{}: missing after it: {}", place, expected);
  if (expected.empty()) return fmt::format("{}: {} too many", place, found);
  return fmt::format("{}: found {}, expected {}", place, found, expected);
}

namespace {

// Of the kind of stem and shortcut: 'Bag of Tricks' has letters for them.
std::string letter_of(const Spec& spec) {
  if (spec.stem != Stem::deep) return "";
  if (spec.tiered_stem) return spec.average_shortcut ? "-T" : "";
  if (spec.stem_channels != 0) return spec.average_shortcut ? "" : "-S";
  return spec.average_shortcut ? "-D" : "-C";
}

bool is_revisited(const Spec& spec) {
  return spec.stem_pool == StemPool::convolution && spec.squeeze == 4 && letter_of(spec) == "-D";
}

std::string family_of(const Spec& spec) {
  const std::int64_t depth = named_depth_of(spec);
  if (spec.block == Block::single) return fmt::format("VGG-{}", depth);
  if (spec.shortcut == Shortcut::none) return fmt::format("plain-{}", depth);
  if (is_revisited(spec) && spec.groups == 1 && spec.width_per_group == 64) return fmt::format("ResNet-RS-{}", depth);
  const std::string attention = spec.efficient_attention ? "ECA-" : spec.squeeze > 0 ? "SE-" : "";
  if (spec.groups > 1) {
    return fmt::format("{}ResNeXt-{} {}x{}d{}", attention, depth, spec.groups, spec.width_per_group, letter_of(spec));
  }
  std::string text = fmt::format("{}{}ResNet-{}", attention, spec.width_per_group != 64 ? "Wide " : "", depth);
  if (spec.width_per_group != 64) text += fmt::format("-{}", static_cast<double>(spec.width_per_group) / 64);
  return text + letter_of(spec);
}

// What a net has beside what its family and options say.
std::string details_of(const Spec& spec) {
  std::string text;
  if (spec.anti_alias != AntiAlias::none)
    text += fmt::format(", anti-aliased by {}", spec.anti_alias == AntiAlias::blur ? "a blur" : "average pools");
  if (spec.stem_channels != 0 && letter_of(spec) != "-S") text += fmt::format(", a stem of {} channels", spec.stem_channels);
  if (spec.tiered_stem && letter_of(spec).empty()) text += ", a tiered stem";
  if (spec.average_shortcut && letter_of(spec).empty()) text += ", average pools in its shortcuts";
  if (spec.stem_pool == StemPool::convolution && !is_revisited(spec)) text += ", a convolution in place of its first pool";
  if (spec.squeeze > 0 && spec.squeeze != 16 && !is_revisited(spec)) text += fmt::format(", squeezed by {}", spec.squeeze);
  if (spec.squeeze > 0 && spec.squeeze_multiple != 8) text += fmt::format(", squeezed to multiples of {}", spec.squeeze_multiple);
  if (spec.norm == Norm::group) text += ", group norm";
  if (spec.standardized) text += ", standardised weights";
  if (!spec.stem_norm) text += ", no norm in its stem";
  if (!spec.last_norm) text += ", no norm at its end";
  return text;
}

}  // namespace

std::string describe(const Spec& spec) {
  std::string text = family_of(spec);
  if (spec.pre_activation) text += " v2";
  const bool has_variant = spec.block == Block::bottleneck && spec.blocks.size() > 1;
  if (has_variant) text += fmt::format("{} {}", spec.pre_activation ? "," : "", name_of(spec.variant));
  if (spec.stem == Stem::cifar) text += " (CIFAR)";
  if (spec.shortcut != Shortcut::none) text += fmt::format(", option {}", name_of(spec.shortcut));
  if (spec.shortcut == Shortcut::A && spec.zero_channels == ZeroChannels::end) text += " (zero channels at the end)";
  text += details_of(spec);
  if (find_name(spec).empty()) {
    std::string blocks;
    for (const int count : spec.blocks) blocks += (blocks.empty() ? "" : "+") + std::to_string(count);
    text += fmt::format(", {} {} blocks, {} channels", blocks, word_of(spec.block), spec.first_channels);
  }
  return text + (spec.classes == 0 ? ", no classifier" : fmt::format(", {} classes", spec.classes));
}

std::string Recognition::to_string() const {
  std::string text = describe(spec);
  switch (batch_norm) {
    case BatchNorm::unfused: text += ", unfused batch norm"; break;
    case BatchNorm::folded: text += ", batch norm folded"; break;
    case BatchNorm::partly_folded: text += ", batch norm partly folded"; break;
    case BatchNorm::none: text += ", no batch norm"; break;
  }
  if (has_softmax) text += ", Softmax at its end";
  if (is_exact()) return text;
  return fmt::format("nearest to {}: {} difference{}", text, differences.size(), differences.size() == 1 ? "" : "s");
}

Recognition recognize(const Graph& graph) {
  Parts parts = skeleton_of(graph);
  Recognition result;
  while (parts.size() > 1 && parts.back().kind == Kind::softmax) {
    result.has_softmax = true;
    parts.pop_back();
  }
  if (std::none_of(parts.begin(), parts.end(), [](const Part& p) { return p.kind == Kind::convolution; })) {
    throw Error(Fault::unsupported, "the graph holds no convolution of its first input");
  }
  Spec spec = guess_spec(parts);
  take_input(spec, graph);
  take_norm(spec, graph);
  spec.name = find_name(spec);
  if (spec.name.empty()) spec.name = "resnet";
  result.spec = spec;
  result.batch_norm = batch_norm_of(parts);
  // VGG has biases without batch norm.
  if (spec.block == Block::single && result.batch_norm == BatchNorm::folded) result.batch_norm = BatchNorm::none;
  result.parts = parts.size();
  const Graph built = build(spec, {.init = Init::none});
  Compared compared = compare(graph, parts, built, skeleton_of(built));
  result.differences = std::move(compared.differences);
  result.places = std::move(compared.places);
  return result;
}

}  // namespace resnet::arch
