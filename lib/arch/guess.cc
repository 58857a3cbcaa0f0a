#include "lib/arch/guess.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace resnet::arch {

namespace {

using Kind = Part::Kind;
using Parts = std::vector<Part>;

// The value that is there most often, the smallest of several; `usual` for none at all.
template <typename T>
T majority(const std::vector<T>& votes, T usual) {
  std::map<T, std::size_t> counts;
  for (const T& vote : votes) ++counts[vote];
  std::size_t most = 0;
  for (const auto& [value, count] : counts) {
    if (count > most) {
      usual = value;
      most = count;
    }
  }
  return usual;
}

// What one residual block looks like.
struct BlockFeatures {
  std::vector<const Part*> path;      // the convolutions of its main path, in order
  std::vector<const Part*> shortcut;  // everything on the other way
  bool gated = false;                 // squeeze-and-excitation
  std::int64_t squeezed = 0;          // the gate's hidden channels
  bool efficient = false;             // a gate with a convolution along the channels
  AntiAlias anti_alias = AntiAlias::none;
  int fork = -1;  // the part where the two ways part
  std::int64_t in_channels = 0, out_channels = 0;
  std::int64_t stride = 1;
  bool changes() const { return in_channels != out_channels || stride != 1; }
};

std::int64_t stride_of(const Part& part) { return part.strides.empty() ? 1 : part.strides.front(); }

class Examiner {
 public:
  explicit Examiner(const Parts& parts) : parts_(parts) {}

  Spec guess() {
    find_blocks();
    Spec spec;
    spec.blocks.clear();
    if (blocks_.empty()) {
      guess_plain(spec);
    } else {
      guess_residual(spec);
    }
    guess_stem(spec);
    guess_classes(spec);
    return spec;
  }

 private:
  const Part& at(int index) const { return parts_[static_cast<std::size_t>(index)]; }

  // The way back from `index` along first inputs; from a gate along what it gates.
  std::vector<int> way_back(int index, std::size_t most) const {
    std::vector<int> way;
    while (way.size() < most) {
      way.push_back(index);
      const Part& part = at(index);
      if (part.inputs.empty()) break;
      // A gate's longer way is the gate itself; what it gates is the other.
      index = part.kind == Kind::product && part.inputs.size() > 1 ? part.inputs[1] : part.inputs[0];
    }
    return way;
  }

  void find_blocks() {
    constexpr std::size_t longest_shortcut = 8, longest_path = 64;
    for (const Part& part : parts_) {
      if (part.kind != Kind::addition || part.inputs.size() != 2) continue;
      const std::vector<int> shortcut = way_back(part.inputs[1], longest_shortcut), path = way_back(part.inputs[0], longest_path);
      // Where the two ways part.
      auto fork = path.begin();
      std::size_t length = 0;
      for (; fork != path.end(); ++fork) {
        const auto found = std::find(shortcut.begin(), shortcut.end(), *fork);
        if (found == shortcut.end()) continue;
        length = static_cast<std::size_t>(found - shortcut.begin());
        break;
      }
      if (fork == path.end()) continue;
      BlockFeatures block;
      block.fork = *fork;
      for (auto i = path.begin(); i != fork; ++i) take_part(block, at(*i));
      if (block.path.empty()) continue;
      for (std::size_t i = 0; i < length; ++i) block.shortcut.push_back(&at(shortcut[i]));
      for (const Part* conv : block.path) block.stride *= stride_of(*conv);
      block.in_channels = block.path.front()->in_channels;
      block.out_channels = block.path.back()->out_channels;
      blocks_.push_back(std::move(block));
    }
  }

  // One part of a block's main path, from its end.
  void take_part(BlockFeatures& block, const Part& part) const {
    if (part.kind == Kind::convolution) block.path.insert(block.path.begin(), &part);
    if (part.kind == Kind::average_pool || part.kind == Kind::blur) {
      block.anti_alias = part.kind == Kind::blur ? AntiAlias::blur : AntiAlias::average;
      block.stride *= stride_of(part);
    }
    if (part.kind != Kind::product) return;
    block.gated = true;
    block.squeezed = hidden_of(part);
    for (const int index : way_back(part.inputs[0], 8)) {
      if (at(index).kind == Kind::global_pool) break;
      block.efficient = block.efficient || at(index).kind == Kind::convolution;
    }
  }

  // The narrowest product on a gate's way.
  std::int64_t hidden_of(const Part& product) const {
    std::int64_t hidden = 0;
    for (const int index : way_back(product.inputs[0], 8)) {
      if (at(index).kind == Kind::classifier && (hidden == 0 || at(index).out_channels < hidden)) hidden = at(index).out_channels;
    }
    return hidden;
  }

  void guess_plain(Spec& spec) const {
    spec.shortcut = Shortcut::none;
    std::map<std::int64_t, int> layers;  // by channels: stages double them
    bool first = true;
    for (const Part& part : parts_) {
      if (part.kind != Kind::convolution) continue;
      if (!first) ++layers[part.out_channels];
      first = false;
    }
    for (const auto& [channels, count] : layers) spec.blocks.push_back(std::max(1, (count + 1) / 2));
    if (!layers.empty()) spec.first_channels = layers.begin()->first;
  }

  // Their kind, and how many each stage has: a stage ends where the number of channels changes.
  void guess_blocks(Spec& spec) const {
    std::vector<int> lengths;
    for (const BlockFeatures& block : blocks_) lengths.push_back(static_cast<int>(block.path.size()));
    spec.block = majority(lengths, 2) >= 3 ? Block::bottleneck : Block::basic;
    std::int64_t channels = -1;
    for (const BlockFeatures& block : blocks_) {
      if (block.out_channels != channels) spec.blocks.push_back(0);
      channels = block.out_channels;
      ++spec.blocks.back();
    }
  }

  void guess_residual(Spec& spec) const {
    guess_blocks(spec);
    const std::int64_t expansion = spec.block == Block::bottleneck ? 4 : 1;
    std::vector<std::int64_t> groups, widths;
    std::vector<Variant> variants;
    std::vector<Shortcut> changing, same;
    std::vector<bool> averages;
    std::int64_t planes_of_first = blocks_.front().out_channels / expansion;
    std::vector<std::int64_t> firsts;
    std::vector<ZeroChannels> zeros;
    std::int64_t stage_factor = 1;
    std::int64_t channels = blocks_.front().out_channels;
    for (const BlockFeatures& block : blocks_) {
      if (block.out_channels != channels) stage_factor *= 2;
      channels = block.out_channels;
      firsts.push_back(block.out_channels / expansion / stage_factor);
      if (spec.block == Block::bottleneck && block.path.size() == 3) {
        const std::int64_t planes = std::max<std::int64_t>(block.out_channels / expansion, 1), g = block.path[1]->groups;
        groups.push_back(g);
        widths.push_back(std::max<std::int64_t>(block.path[1]->out_channels * 64 / planes / std::max<std::int64_t>(g, 1), 1));
        if (block.stride != 1) variants.push_back(stride_of(*block.path[0]) != 1 ? Variant::v1 : Variant::v1_5);
      }
      for (const Part* part : block.shortcut) {
        if (part->kind != Kind::channel_padding) continue;
        zeros.push_back(part->in_channels == 0 ? ZeroChannels::end : ZeroChannels::both);
      }
      const auto has = [&](Kind kind) {
        return std::any_of(block.shortcut.begin(), block.shortcut.end(), [&](const Part* p) { return p->kind == kind; });
      };
      if (has(Kind::convolution)) {
        (block.changes() ? changing : same).push_back(block.changes() ? Shortcut::B : Shortcut::C);
        if (block.stride != 1) averages.push_back(has(Kind::average_pool));
      } else {
        (block.changes() ? changing : same).push_back(block.changes() ? Shortcut::A : Shortcut::B);
      }
    }
    spec.first_channels = std::clamp<std::int64_t>(majority(firsts, planes_of_first), 1, 4096);
    spec.groups = std::clamp<std::int64_t>(majority(groups, std::int64_t{1}), 1, 1024);
    spec.width_per_group = std::clamp<std::int64_t>(majority(widths, std::int64_t{64}), 1, 1024);
    guess_attention(spec);
    spec.variant = majority(variants, Variant::v1_5);
    spec.average_shortcut = majority(averages, false);
    spec.shortcut = majority(changing, Shortcut::B);
    if (spec.shortcut == Shortcut::B) spec.shortcut = majority(same, Shortcut::B);
    if (spec.shortcut == Shortcut::A) spec.zero_channels = majority(zeros, ZeroChannels::both);
    spec.pre_activation = is_pre_activated();
    if (spec.pre_activation) guess_norms(spec);
  }

  // What gates the blocks, and what halves their maps.
  void guess_attention(Spec& spec) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> squeezed;
    std::vector<bool> efficient;
    std::vector<AntiAlias> anti_alias;
    for (const BlockFeatures& block : blocks_) {
      if (block.gated && block.squeezed > 0) squeezed.emplace_back(block.out_channels, block.squeezed);
      efficient.push_back(block.efficient);
      if (block.stride != 1) anti_alias.push_back(block.anti_alias);
    }
    spec.efficient_attention = majority(efficient, false);
    if (!spec.efficient_attention && 2 * squeezed.size() > blocks_.size()) {
      const Squeeze found = find_squeeze(squeezed);
      spec.squeeze = found.reduction;
      spec.squeeze_multiple = found.multiple;
    }
    spec.anti_alias = majority(anti_alias, AntiAlias::none);
  }

  // Of a pre-activation net: whether the stem is activated before its pool, or before the first block, and the end before its.
  void guess_norms(Spec& spec) const {
    const auto follows_activation = [&](const Part& part) {
      return !part.inputs.empty() && at(part.inputs[0]).kind == Kind::activation;
    };
    const auto pool = std::find_if(parts_.begin(), parts_.end(), [](const Part& p) { return p.kind == Kind::max_pool; });
    const auto last = std::find_if(parts_.rbegin(), parts_.rend(), [](const Part& p) { return p.kind == Kind::global_pool; });
    spec.stem_norm = pool != parts_.end() ? follows_activation(*pool) : at(blocks_.front().fork).kind == Kind::activation;
    spec.last_norm = last == parts_.rend() || follows_activation(*last);
  }

  // An addition that the next one reads with nothing but the block between them, and no activation: v2.
  bool is_pre_activated() const {
    std::size_t activated = 0, additions = 0;
    std::set<int> read_by_activation;
    for (const Part& part : parts_) {
      if (part.kind == Kind::activation) read_by_activation.insert(part.inputs[0]);
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].kind != Kind::addition) continue;
      ++additions;
      activated += read_by_activation.contains(static_cast<int>(i)) ? 1 : 0;
    }
    return activated * 2 < additions;
  }

  void guess_stem(Spec& spec) const {
    bool pool = false;
    std::vector<const Part*> convolutions;
    for (const Part& part : parts_) {
      if (part.kind == Kind::max_pool || (part.kind == Kind::average_pool && spec.anti_alias == AntiAlias::average)) {
        pool = true;
        break;
      }
      if (part.kind == Kind::addition) break;
      if (part.kind == Kind::convolution) convolutions.push_back(&part);
    }
    const auto is_three = [](const Part* part, std::int64_t stride) {
      return !part->kernel.empty() && part->kernel.front() == 3 && stride_of(*part) == stride;
    };
    if (!pool && convolutions.size() > 4 && is_three(convolutions[0], 2) && is_three(convolutions[1], 1) &&
        is_three(convolutions[2], 1) && is_three(convolutions[3], 2)) {
      spec.stem_pool = StemPool::convolution;
      convolutions.resize(3);
      pool = true;
    }
    const bool seven =
        !convolutions.empty() && !convolutions.front()->kernel.empty() && convolutions.front()->kernel.front() >= 5;
    spec.stem = pool && !seven && convolutions.size() >= 3 ? Stem::deep : pool || seven ? Stem::imagenet : Stem::cifar;
    if (spec.stem == Stem::deep) {
      spec.tiered_stem = 4 * convolutions[0]->out_channels == 3 * convolutions[1]->out_channels;
      if (convolutions.back()->out_channels == 2 * spec.first_channels) spec.stem_channels = 2 * spec.first_channels;
      if (spec.tiered_stem && stem_channels_of(spec) % 8 != 0) spec.tiered_stem = false;
    }
    // Option A has no projection that would show it: a deep stem alone means ResNet-D.
    if (spec.shortcut == Shortcut::A) spec.average_shortcut = spec.stem == Stem::deep;
  }

  // A net that ends with its pooled features has no classes.
  void guess_classes(Spec& spec) const {
    for (const Part& part : parts_) {
      if (part.kind == Kind::classifier) spec.classes = std::max<std::int64_t>(part.out_channels, 1);  // the last one
    }
    if (!parts_.empty() && parts_.back().kind == Kind::global_pool) spec.classes = 0;
  }

  const Parts& parts_;
  std::vector<BlockFeatures> blocks_;
};

// How far two lists of blocks are apart; large where the numbers of stages differ.
int distance(const std::vector<int>& a, const std::vector<int>& b) {
  if (a.size() != b.size()) return 1'000'000;
  int sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum;
}

// A net that has a name, where one is near: its number of blocks in place of what was found.
void take_named_depth(Spec& spec) {
  std::vector<std::vector<int>> known;
  if (spec.stem == Stem::cifar) {
    if (spec.block != Block::basic || spec.blocks.size() != 3) return;
    for (const int count :
         {*std::min_element(spec.blocks.begin(), spec.blocks.end()), *std::max_element(spec.blocks.begin(), spec.blocks.end())}) {
      known.push_back({count, count, count});
    }
  } else if (spec.block == Block::basic) {
    known = {{2, 2, 2, 2}, {3, 4, 6, 3}};
  } else {
    known = {{3, 4, 6, 3}, {3, 4, 23, 3}, {3, 8, 36, 3}};
  }
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return distance(a, spec.blocks) < distance(b, spec.blocks);
  });
  // Two blocks too many or missing are a slip; more are a network of its own.
  if (distance(*nearest, spec.blocks) <= 2) spec.blocks = *nearest;
}

}  // namespace

namespace {

// A chain of 3x3 convolutions at stride 1 whose stages end with max pools, and no pool over the whole map: VGG.
std::optional<Spec> guess_single(const Parts& parts) {
  Spec spec;
  spec.block = Block::single;
  spec.shortcut = Shortcut::none;
  int in_stage = 0;
  std::size_t classifiers = 0;
  for (const Part& part : parts) {
    if (part.kind == Kind::addition || part.kind == Kind::global_pool) return std::nullopt;
    if (part.kind == Kind::convolution) {
      if (part.kernel != std::vector<std::int64_t>{3, 3} || stride_of(part) != 1 || part.groups != 1) return std::nullopt;
      if (spec.blocks.empty() && in_stage == 0) spec.first_channels = std::clamp<std::int64_t>(part.out_channels, 1, 4096);
      ++in_stage;
    } else if (part.kind == Kind::max_pool && in_stage > 0) {
      spec.blocks.push_back(std::exchange(in_stage, 0));
    } else if (part.kind == Kind::classifier) {
      ++classifiers;
      spec.classes = std::max<std::int64_t>(part.out_channels, 1);  // the last one's
    }
  }
  const bool fits = spec.blocks.size() >= 4 && spec.blocks.size() <= 8 && in_stage == 0 && classifiers == 3;
  return fits ? std::optional(spec) : std::nullopt;
}

}  // namespace

Spec guess_spec(const std::vector<Part>& parts) {
  if (const auto single = guess_single(parts)) return *single;
  Spec spec = Examiner(parts).guess();
  if (spec.blocks.empty()) spec.blocks = {1};
  if (spec.blocks.size() > 8) spec.blocks.resize(8);
  take_named_depth(spec);
  return spec;
}

}  // namespace resnet::arch
