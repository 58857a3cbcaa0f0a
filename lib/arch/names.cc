// Names of networks: name -> Spec, and back.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "lib/arch/spec.h"

namespace resnet::arch {

namespace {

struct Column {
  std::int64_t depth;
  Block block;
  std::array<int, 4> blocks;
};
// Table 1 of the paper.
constexpr auto paper = std::to_array<Column>({{18, Block::basic, {2, 2, 2, 2}},
                                              {34, Block::basic, {3, 4, 6, 3}},
                                              {50, Block::bottleneck, {3, 4, 6, 3}},
                                              {101, Block::bottleneck, {3, 4, 23, 3}},
                                              {152, Block::bottleneck, {3, 8, 36, 3}}});
// timm's further depths, of nets that are more than the paper's.
constexpr auto further = std::to_array<Column>({{10, Block::basic, {1, 1, 1, 1}},
                                                {14, Block::bottleneck, {1, 1, 1, 1}},
                                                {26, Block::bottleneck, {2, 2, 2, 2}},
                                                {200, Block::bottleneck, {3, 24, 36, 3}},
                                                {201, Block::bottleneck, {3, 24, 64, 4}},
                                                {269, Block::bottleneck, {3, 30, 48, 8}}});
// 'Revisiting ResNets' (Bello et al. 2021).
constexpr auto revisited = std::to_array<Column>({{50, Block::bottleneck, {3, 4, 6, 3}},
                                                  {101, Block::bottleneck, {3, 4, 23, 3}},
                                                  {152, Block::bottleneck, {3, 8, 36, 3}},
                                                  {200, Block::bottleneck, {3, 24, 36, 3}},
                                                  {270, Block::bottleneck, {4, 29, 53, 4}},
                                                  {350, Block::bottleneck, {4, 36, 72, 4}},
                                                  {420, Block::bottleneck, {4, 44, 87, 4}}});
// The deepest CIFAR net that a name can ask for; the paper's is 1202.
constexpr std::int64_t deepest = 9998;
constexpr std::int64_t widest = 1024;  // groups, and width per group
// VGG's configurations A, B, D and E.
struct SingleColumn {
  std::string_view name;
  std::array<int, 5> blocks;
};
constexpr auto vgg = std::to_array<SingleColumn>(
    {{"vgg11", {1, 1, 2, 2, 2}}, {"vgg13", {2, 2, 2, 2, 2}}, {"vgg16", {2, 2, 3, 3, 3}}, {"vgg19", {2, 2, 4, 4, 4}}});
constexpr std::string_view bottleneck_26 = "resnet26_bottleneck";

// Those that names() lists.
constexpr std::string_view told =
    "resnet18 resnet34 resnet50 resnet101 resnet152 plain18 plain34 resnet20 resnet32 resnet44 resnet56 resnet110 "
    "resnet1202 plain20 plain32 plain44 plain56 plain110 resnet18v2 resnet34v2 resnet50v2 resnet101v2 resnet152v2 "
    "resnext50_32x4d resnext101_32x8d wide_resnet50_2 wide_resnet101_2 resnet18d resnet34d resnet50d resnet101d resnet152d "
    "seresnet18 seresnet34 seresnet50 seresnet101 seresnet152 resnet10t resnet14t resnet26_bottleneck resnet26d resnet26t "
    "resnet50c resnet50s resnet50t resnetaa50 resnetaa50d resnetblur18 resnetblur50 resnext50d_32x4d seresnext26d_32x4d "
    "seresnetaa50d ecaresnet26t ecaresnet50d ecaresnetlight resnetrs50 resnetv2_18 resnetv2_18d resnetv2_50 resnet50_gn "
    "resnetv2_50x1_bit resnet18_cifar "
    "resnet50_cifar resnet18v2_cifar vgg16 vgg19";

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

// What the parts of a name say.
struct Name {
  bool wide = false, squeeze = false, efficient = false, plain = false, next = false, timm_v2 = false, revisited = false;
  AntiAlias anti_alias = AntiAlias::none;
  std::int64_t depth = 0;
  char stem = ' ';  // c, d, s, t
  bool v2 = false, small = false, group_norm = false;
  std::int64_t transfer = 0;  // Big Transfer: how many times as wide
  std::int64_t groups = 1, width = 64;

  // More than the paper's nets: depths are timm's.
  bool is_kin() const {
    return wide || squeeze || efficient || next || timm_v2 || revisited || group_norm || anti_alias != AntiAlias::none ||
           stem != ' ';
  }
};

// "32x4d"
bool take_cardinality(Scanner& scanner, Name& name) {
  const auto groups = scanner.take_number();
  if (!groups || !scanner.take("x")) return false;
  const auto width = scanner.take_number();
  if (!width || !scanner.take("d") || *groups > widest || *width > widest) return false;
  name.groups = *groups;
  name.width = *width;
  return true;
}

std::optional<Name> parse(std::string_view text) {
  Scanner scanner(text);
  Name name;
  name.wide = scanner.take("wide_");
  if (!name.wide) {
    name.squeeze = scanner.take("se");
    name.efficient = !name.squeeze && scanner.take("eca");
    name.plain = !name.squeeze && !name.efficient && scanner.take("plain");
  }
  if (!name.plain) {
    name.next = !name.wide && scanner.take("resnext");
    if (!name.next && !scanner.take("resnet")) return std::nullopt;
    if (scanner.take("aa")) {
      name.anti_alias = AntiAlias::average;
    } else if (scanner.take("blur")) {
      name.anti_alias = AntiAlias::blur;
    } else if (!name.next && scanner.take("rs")) {
      name.revisited = true;
    } else if (!name.next && scanner.take("v2_")) {
      name.timm_v2 = true;
    }
  }
  const auto depth = scanner.take_number();
  if (!depth) return std::nullopt;
  name.depth = *depth;
  name.v2 = !name.is_kin() && !name.plain && scanner.take("v2");
  if (!name.v2 && !name.plain && !name.wide && !name.revisited) {
    for (const char stem : {'c', 'd', 's', 't'}) {
      if (name.stem == ' ' && scanner.take(std::string_view(&stem, 1))) name.stem = stem;
    }
  }
  if (name.wide && !scanner.take("_2")) return std::nullopt;
  if (name.timm_v2 && name.stem == ' ' && scanner.take("x")) {
    name.transfer = scanner.take_number().value_or(0);
    if (name.transfer < 1 || name.transfer > 4 || !scanner.take("_bit")) return std::nullopt;
  }
  name.group_norm = !name.plain && !name.v2 && !name.next && name.transfer == 0 && scanner.take("_gn");
  if (name.next && !(scanner.take("_") && take_cardinality(scanner, name))) return std::nullopt;
  name.small = !name.is_kin() && !name.plain && scanner.take("_cifar");
  if (!scanner.at_end()) return std::nullopt;
  return name;
}

bool take_depth(Spec& spec, std::span<const Column> table, std::int64_t depth) {
  const auto column = std::find_if(table.begin(), table.end(), [&](const Column& c) { return c.depth == depth; });
  if (column == table.end()) return false;
  spec.block = column->block;
  spec.blocks.assign(column->blocks.begin(), column->blocks.end());
  return true;
}

void make_small(Spec& spec) {
  spec.stem = Stem::cifar;
  spec.classes = 10;
  spec.height = spec.width = 32;
}

// The net's blocks, and its stem and shortcuts where it is one for CIFAR.
std::optional<Spec> net_of_depth(const Name& name) {
  Spec spec;
  if (name.revisited) return take_depth(spec, revisited, name.depth) ? std::optional(spec) : std::nullopt;
  if (take_depth(spec, paper, name.depth)) return spec;
  if (name.is_kin()) return take_depth(spec, further, name.depth) ? std::optional(spec) : std::nullopt;
  if (name.depth < 8 || name.depth > deepest || name.depth % 6 != 2 || name.small) return std::nullopt;
  spec.blocks.assign(3, static_cast<int>((name.depth - 2) / 6));
  make_small(spec);
  spec.first_channels = 16;
  spec.shortcut = Shortcut::A;
  return spec;
}

void take_stem(Spec& spec, const Name& name) {
  if (name.stem == ' ' && !name.revisited) return;
  spec.stem = Stem::deep;
  spec.average_shortcut = name.stem == 'd' || name.stem == 't' || name.revisited;
  spec.tiered_stem = name.stem == 't';
  if (name.stem == 's') spec.stem_channels = 128;
}

// VGG, timm's net of bottlenecks, and ECA-Net's light one.
std::optional<Spec> find_single(std::string_view name) {
  Spec spec;
  spec.name = name;
  for (const SingleColumn& column : vgg) {
    if (column.name != name) continue;
    spec.block = Block::single;
    spec.blocks.assign(column.blocks.begin(), column.blocks.end());
    spec.shortcut = Shortcut::none;
    return spec;
  }
  spec.block = Block::bottleneck;
  if (name == bottleneck_26) {
    spec.blocks = {2, 2, 2, 2};
  } else if (name == "ecaresnetlight") {
    spec.blocks = {1, 1, 11, 3};
    spec.efficient_attention = spec.average_shortcut = true;
  } else {
    return std::nullopt;
  }
  return spec;
}

}  // namespace

std::optional<Spec> find_spec(std::string_view text) {
  if (const auto single = find_single(text)) return single;
  const auto name = parse(text);
  if (!name) return std::nullopt;
  auto spec = net_of_depth(*name);
  if (!spec) return std::nullopt;
  spec->name = text;
  const bool bottleneck = spec->block == Block::bottleneck;
  if ((name->plain && bottleneck) || ((name->wide || name->next) && !bottleneck)) return std::nullopt;
  if (name->plain) spec->shortcut = Shortcut::none;
  if (name->squeeze) spec->squeeze = 16;
  if (name->wide) spec->width_per_group = 128;
  if (name->next) {
    spec->groups = name->groups;
    spec->width_per_group = name->width;
  }
  if (name->transfer != 0) {
    spec->standardized = true;
    spec->first_channels *= name->transfer;
  }
  if (name->group_norm || name->transfer != 0) spec->norm = Norm::group;
  spec->efficient_attention = name->efficient;
  spec->anti_alias = name->anti_alias;
  take_stem(*spec, *name);
  if (name->revisited) {
    spec->stem_pool = StemPool::convolution;
    spec->squeeze = 4;
  }
  spec->pre_activation = name->v2 || name->timm_v2;
  spec->stem_norm = !name->timm_v2 && !(name->v2 && name->small);
  spec->last_norm = !(name->v2 && name->small);
  if (name->small) make_small(*spec);
  // What names put together and no net is: seresnetrs50, resnetv2_50c.
  if (name->revisited && (name->squeeze || name->efficient)) return std::nullopt;
  if (name->timm_v2 && (name->squeeze || name->efficient || name->stem == 'c' || name->stem == 's')) return std::nullopt;
  return spec;
}

std::optional<Spec> find_timm_spec(std::string_view name) {
  if (name == "resnet26") return find_spec(bottleneck_26);
  const auto spec = find_spec(name);
  return spec && spec->stem != Stem::cifar && name != bottleneck_26 && spec->block != Block::single ? spec : std::nullopt;
}

std::string find_name(const Spec& spec) {
  const auto fits = [&](const std::string& name) {
    const auto known = find_spec(name);
    if (!known) return false;
    Spec other = *known;
    other.name = spec.name;
    other.classes = spec.classes;
    other.batch = spec.batch;
    other.height = spec.height;
    other.width = spec.width;
    if (other.shortcut != Shortcut::none && spec.shortcut != Shortcut::none) other.shortcut = spec.shortcut;
    other.zero_channels = spec.zero_channels;
    other.variant = spec.variant;
    return other == spec;
  };
  const std::string depth = fmt::format("{}", named_depth_of(spec));
  const std::string attention = spec.efficient_attention ? "eca" : spec.squeeze != 0 ? "se" : "";
  const std::string alias = spec.anti_alias == AntiAlias::average ? "aa" : spec.anti_alias == AntiAlias::blur ? "blur" : "";
  const std::string stem = spec.stem != Stem::deep   ? ""
                           : spec.tiered_stem        ? "t"
                           : spec.average_shortcut   ? "d"
                           : spec.stem_channels != 0 ? "s"
                                                     : "c";
  for (const std::string& name :
       {attention + "resnet" + alias + depth + stem, "plain" + depth, "resnet" + depth + "v2", "resnetv2_" + depth + stem,
        "resnet" + depth + stem + "_gn", "resnetv2_" + depth + stem + "_gn",
        fmt::format("resnetv2_{}x{}_bit", depth, spec.first_channels / 64), "wide_resnet" + depth + "_2", "resnetrs" + depth,
        "vgg" + depth, "resnet" + depth + "_cifar", "resnet" + depth + "v2_cifar", std::string(bottleneck_26),
        std::string("ecaresnetlight"),
        fmt::format("{}resnext{}{}{}_{}x{}d", attention, alias, depth, stem, spec.groups, spec.width_per_group)}) {
    if (fits(name)) return name;
  }
  return "";
}

std::vector<std::string> names() {
  std::vector<std::string> result(1);
  for (const char c : told) {
    if (c == ' ') {
      result.emplace_back();
    } else {
      result.back() += c;
    }
  }
  return result;
}

}  // namespace resnet::arch
