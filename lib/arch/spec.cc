#include "lib/arch/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "lib/base/error.h"

namespace resnet::arch {

namespace {

struct Column {
  std::int64_t depth;
  Block block;
  std::array<int, 4> blocks;
};
// Table 1 of the paper.
constexpr std::array<Column, 5> table = {{{18, Block::basic, {2, 2, 2, 2}},
                                          {34, Block::basic, {3, 4, 6, 3}},
                                          {50, Block::bottleneck, {3, 4, 6, 3}},
                                          {101, Block::bottleneck, {3, 4, 23, 3}},
                                          {152, Block::bottleneck, {3, 8, 36, 3}}}};
// The deepest CIFAR net that a name can ask for; the paper's is 1202.
constexpr std::int64_t deepest = 9998;
constexpr std::int64_t widest = 1024;  // groups, and width per group

// Takes a name apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  // A number of up to four digits without a leading zero.
  std::optional<std::int64_t> take_number() {
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9') number = number * 10 + (text_[digits++] - '0');
    if (digits == 0 || digits > 4 || text_.front() == '0') return std::nullopt;
    text_.remove_prefix(digits);
    return number;
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

std::optional<Spec> net_of_depth(std::int64_t depth) {
  Spec spec;
  const auto column = std::find_if(table.begin(), table.end(), [&](const Column& c) { return c.depth == depth; });
  if (column != table.end()) {
    spec.block = column->block;
    spec.blocks.assign(column->blocks.begin(), column->blocks.end());
    return spec;
  }
  if (depth < 8 || depth > deepest || depth % 6 != 2) return std::nullopt;
  spec.blocks.assign(3, static_cast<int>((depth - 2) / 6));
  spec.stem = Stem::cifar;
  spec.first_channels = 16;
  spec.shortcut = Shortcut::A;
  spec.classes = 10;
  spec.height = spec.width = 32;
  return spec;
}

}  // namespace

std::optional<Spec> find_spec(std::string_view name) {
  Scanner scanner(name);
  const bool wide = scanner.take("wide_");
  const bool squeeze = !wide && scanner.take("se");
  const bool plain = !wide && !squeeze && scanner.take("plain");
  const bool next = !wide && !plain && scanner.take("resnext");
  if (!plain && !next && !scanner.take("resnet")) return std::nullopt;
  const auto depth = scanner.take_number();
  auto spec = depth ? net_of_depth(*depth) : std::nullopt;
  if (!spec) return std::nullopt;
  spec->name = name;
  const bool cifar = spec->stem == Stem::cifar, bottleneck = spec->block == Block::bottleneck;
  if (plain) {
    if (bottleneck) return std::nullopt;
    spec->shortcut = Shortcut::none;
  }
  if (squeeze) {
    if (cifar) return std::nullopt;
    spec->squeeze = 16;
  }
  if (wide) {
    if (!bottleneck || !scanner.take("_2")) return std::nullopt;
    spec->width_per_group = 128;
  }
  if (next) {
    if (!bottleneck || !scanner.take("_")) return std::nullopt;
    const auto groups = scanner.take_number();
    if (!groups || !scanner.take("x")) return std::nullopt;
    const auto width = scanner.take_number();
    if (!width || !scanner.take("d") || *groups > widest || *width > widest) return std::nullopt;
    spec->groups = *groups;
    spec->width_per_group = *width;
  }
  if (!plain && !squeeze && !wide && !next) {
    if (scanner.take("v2")) {
      spec->pre_activation = true;
    } else if (!cifar && scanner.take("d")) {
      spec->stem = Stem::deep;
      spec->average_shortcut = true;
    }
  }
  if (!scanner.at_end()) return std::nullopt;
  return spec;
}

std::vector<std::string> names() {
  return {"resnet18",         "resnet34",        "resnet50",         "resnet101",   "resnet152",   "plain18",
          "plain34",          "resnet20",        "resnet32",         "resnet44",    "resnet56",    "resnet110",
          "resnet1202",       "plain20",         "plain32",          "plain44",     "plain56",     "plain110",
          "resnet18v2",       "resnet34v2",      "resnet50v2",       "resnet101v2", "resnet152v2", "resnext50_32x4d",
          "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2", "resnet18d",   "resnet34d",   "resnet50d",
          "resnet101d",       "resnet152d",      "seresnet18",       "seresnet34",  "seresnet50",  "seresnet101",
          "seresnet152"};
}

Spec with_options(Spec spec, const SpecOptions& options) {
  if (options.shortcut && *options.shortcut != spec.shortcut) {
    if (spec.shortcut == Shortcut::none) {
      throw Error(Fault::invalid, fmt::format("{} is a plain net and has no shortcuts: option {} does not fit", spec.name,
                                              name_of(*options.shortcut)));
    }
    spec.shortcut = *options.shortcut;
  }
  if (options.variant) spec.variant = *options.variant;
  if (options.classes) spec.classes = *options.classes;
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
  within("the number of classes", spec.classes, 1, 10'000'000);
  if (spec.batch) within("the batch", *spec.batch, 1, 1'000'000);
  within("the height", spec.height, 1, 100'000);
  within("the width", spec.width, 1, 100'000);
  const bool bottleneck = spec.block == Block::bottleneck;
  if (!bottleneck && (spec.groups != 1 || spec.width_per_group != 64)) {
    fail("groups and width per group need bottlenecks, but its blocks are basic");
  }
  if (bottleneck && spec.first_channels * spec.width_per_group / 64 < 1) {
    fail(fmt::format("a width per group of {} leaves no channels of {}", spec.width_per_group, spec.first_channels));
  }
  if (spec.stem == Stem::deep && spec.first_channels % 2 != 0) {
    fail(fmt::format("a deep stem of {} channels, expected an even number", spec.first_channels));
  }
}

std::int64_t depth_of(const Spec& spec) {
  const std::int64_t per_block = spec.block == Block::bottleneck ? 3 : 2;
  return per_block * std::accumulate(spec.blocks.begin(), spec.blocks.end(), std::int64_t{0}) + 1 +
         (spec.stem == Stem::deep ? 3 : 1);
}

}  // namespace resnet::arch
