#include "lib/arch/guess.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

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
    for (const Part& part : parts_) {
      if (part.kind == Kind::classifier) spec.classes = std::max<std::int64_t>(part.out_channels, 1);  // the last one
    }
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
      for (auto i = path.begin(); i != fork; ++i) {
        if (at(*i).kind == Kind::convolution) block.path.insert(block.path.begin(), &at(*i));
        if (at(*i).kind == Kind::product) {
          block.gated = true;
          block.squeezed = hidden_of(at(*i));
        }
      }
      if (block.path.empty()) continue;
      for (std::size_t i = 0; i < length; ++i) block.shortcut.push_back(&at(shortcut[i]));
      for (const Part* conv : block.path) block.stride *= stride_of(*conv);
      block.in_channels = block.path.front()->in_channels;
      block.out_channels = block.path.back()->out_channels;
      blocks_.push_back(std::move(block));
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
    std::vector<std::int64_t> groups, widths, squeezes;
    std::vector<Variant> variants;
    std::vector<Shortcut> changing, same;
    std::vector<bool> averages, pre_activations;
    std::int64_t planes_of_first = blocks_.front().out_channels / expansion;
    std::vector<std::int64_t> firsts;
    std::int64_t stage_factor = 1;
    std::int64_t channels = blocks_.front().out_channels;
    for (const BlockFeatures& block : blocks_) {
      if (block.out_channels != channels) stage_factor *= 2;
      channels = block.out_channels;
      firsts.push_back(block.out_channels / expansion / stage_factor);
      if (block.gated && block.squeezed > 0) squeezes.push_back(block.out_channels / block.squeezed);
      if (!block.gated) squeezes.push_back(0);
      if (spec.block == Block::bottleneck && block.path.size() == 3) {
        const std::int64_t planes = std::max<std::int64_t>(block.out_channels / expansion, 1), g = block.path[1]->groups;
        groups.push_back(g);
        widths.push_back(std::max<std::int64_t>(block.path[1]->out_channels * 64 / planes / std::max<std::int64_t>(g, 1), 1));
        if (block.stride != 1) variants.push_back(stride_of(*block.path[0]) != 1 ? Variant::v1 : Variant::v1_5);
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
    spec.squeeze = std::clamp<std::int64_t>(majority(squeezes, std::int64_t{0}), 0, 4096);
    spec.variant = majority(variants, Variant::v1_5);
    spec.average_shortcut = majority(averages, false);
    spec.shortcut = majority(changing, Shortcut::B);
    if (spec.shortcut == Shortcut::B) spec.shortcut = majority(same, Shortcut::B);
    spec.pre_activation = is_pre_activated();
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
      if (part.kind == Kind::max_pool) {
        pool = true;
        break;
      }
      if (part.kind == Kind::addition) break;
      if (part.kind == Kind::convolution) convolutions.push_back(&part);
    }
    const bool seven =
        !convolutions.empty() && !convolutions.front()->kernel.empty() && convolutions.front()->kernel.front() >= 5;
    spec.stem = pool && !seven && convolutions.size() >= 3 ? Stem::deep : pool || seven ? Stem::imagenet : Stem::cifar;
    // Option A has no projection that would show it: a deep stem alone means ResNet-D.
    if (spec.shortcut == Shortcut::A) spec.average_shortcut = spec.stem == Stem::deep;
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

Spec guess_spec(const std::vector<Part>& parts) {
  Spec spec = Examiner(parts).guess();
  if (spec.blocks.empty()) spec.blocks = {1};
  if (spec.blocks.size() > 8) spec.blocks.resize(8);
  take_named_depth(spec);
  return spec;
}

}  // namespace resnet::arch
