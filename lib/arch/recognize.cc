#include "lib/arch/recognize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <set>

#include "lib/arch/build.h"
#include "lib/arch/skeleton.h"
#include "lib/base/error.h"

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

  void guess_residual(Spec& spec) const {
    std::vector<int> lengths;
    for (const BlockFeatures& block : blocks_) lengths.push_back(static_cast<int>(block.path.size()));
    spec.block = majority(lengths, 2) >= 3 ? Block::bottleneck : Block::basic;
    const std::int64_t expansion = spec.block == Block::bottleneck ? 4 : 1;
    std::int64_t channels = -1;
    for (const BlockFeatures& block : blocks_) {
      if (block.out_channels != channels) spec.blocks.push_back(0);
      channels = block.out_channels;
      ++spec.blocks.back();
    }
    std::vector<std::int64_t> groups, widths, squeezes;
    std::vector<Variant> variants;
    std::vector<Shortcut> changing, same;
    std::vector<bool> averages, pre_activations;
    std::int64_t planes_of_first = blocks_.front().out_channels / expansion;
    std::vector<std::int64_t> firsts;
    std::int64_t stage_factor = 1;
    channels = blocks_.front().out_channels;
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
    // An addition that the next one reads with nothing but the block between them, and no activation: v2.
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
    spec.pre_activation = activated * 2 < additions;
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
    // Option A has no projection that would tell: a deep stem alone stands for ResNet-D.
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

// The name by which find_spec() knows a net of this structure, whatever its options; empty for none.
std::string name_of(const Spec& spec) {
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
    other.variant = spec.variant;
    return other == spec;
  };
  const std::int64_t depth = depth_of(spec) - (spec.stem == Stem::deep ? 2 : 0);
  const std::string d = fmt::format("{}", depth);
  for (const std::string& name : {"resnet" + d, "plain" + d, "resnet" + d + "v2", "resnet" + d + "d", "seresnet" + d,
                                  "wide_resnet" + d + "_2", fmt::format("resnext{}_{}x{}d", d, spec.groups, spec.width_per_group),
                                  fmt::format("seresnext{}_{}x{}d", d, spec.groups, spec.width_per_group)}) {
    if (fits(name)) return name;
  }
  return "";
}

// Pairs of equal entries of two lists, in order, as many as there are (up to a bound on the work): Myers' greedy algorithm.
std::vector<std::pair<int, int>> align(const std::vector<int>& a, const std::vector<int>& b) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  int front = 0;
  while (front < n && front < m && a[static_cast<std::size_t>(front)] == b[static_cast<std::size_t>(front)]) ++front;
  int back = 0;
  while (back < n - front && back < m - front &&
         a[static_cast<std::size_t>(n - 1 - back)] == b[static_cast<std::size_t>(m - 1 - back)])
    ++back;
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < front; ++i) pairs.emplace_back(i, i);
  const int rows = n - front - back, columns = m - front - back;
  const int most = std::min(rows + columns, 2000);
  std::vector<std::vector<int>> history;
  std::vector<int> reach(static_cast<std::size_t>(2 * most + 3), 0);
  const int offset = most + 1;
  const auto cell = [offset](std::vector<int>& v, int k) -> int& { return v[static_cast<std::size_t>(k + offset)]; };
  bool done = rows == 0 && columns == 0;
  int steps = 0;
  for (int d = 0; d <= most && !done; ++d) {
    history.push_back(reach);
    for (int k = -d; k <= d && !done; k += 2) {
      int x = k == -d || (k != d && cell(reach, k - 1) < cell(reach, k + 1)) ? cell(reach, k + 1) : cell(reach, k - 1) + 1;
      int y = x - k;
      while (x < rows && y < columns && a[static_cast<std::size_t>(front + x)] == b[static_cast<std::size_t>(front + y)])
        ++x, ++y;
      cell(reach, k) = x;
      if (x >= rows && y >= columns) {
        done = true;
        steps = d;
      }
    }
  }
  std::vector<std::pair<int, int>> middle;
  if (done) {
    int x = rows, y = columns;
    for (int d = steps; d > 0 || (x > 0 && y > 0); --d) {
      if (d == 0) {
        while (x > 0 && y > 0) middle.emplace_back(front + --x, front + --y);
        break;
      }
      std::vector<int>& before = history[static_cast<std::size_t>(d)];
      const int k = x - y;
      const bool down = k == -d || (k != d && cell(before, k - 1) < cell(before, k + 1));
      const int from = down ? k + 1 : k - 1, start_x = cell(before, from), start_y = start_x - from;
      while (x > start_x + (down ? 0 : 1) && y > start_y + (down ? 1 : 0)) middle.emplace_back(front + --x, front + --y);
      x = start_x;
      y = start_y;
    }
  }
  pairs.insert(pairs.end(), middle.rbegin(), middle.rend());
  for (int i = back; i > 0; --i) pairs.emplace_back(n - i, m - i);
  return pairs;
}

class Comparison {
 public:
  Comparison(const Graph& graph, const Parts& found, const Graph& built, const Parts& expected)
      : graph_(graph), built_(built), found_(found), expected_(expected) {}

  std::vector<Difference> run() {
    // Texts as numbers; equal texts are equal numbers.
    std::map<std::string, int> numbers;
    const auto number_all = [&](const Parts& parts) {
      std::vector<int> result;
      for (const Part& part : parts) {
        result.push_back(numbers.try_emplace(text_of(part), static_cast<int>(numbers.size())).first->second);
      }
      return result;
    };
    const std::vector<int> a = number_all(found_), b = number_all(expected_);
    partner_.assign(found_.size(), -1);
    std::size_t i = 0, k = 0;
    std::vector<std::pair<int, int>> pairs = align(a, b);
    pairs.emplace_back(static_cast<int>(found_.size()), static_cast<int>(expected_.size()));
    for (const auto& [left, right] : pairs) {
      unmatched(i, static_cast<std::size_t>(left), k, static_cast<std::size_t>(right));
      if (static_cast<std::size_t>(left) < found_.size()) {
        partner_[static_cast<std::size_t>(left)] = right;
        matched_.push_back(static_cast<std::size_t>(left));
      }
      i = static_cast<std::size_t>(left) + 1;
      k = static_cast<std::size_t>(right) + 1;
    }
    compare_inputs();
    return std::move(differences_);
  }

  // After run(). What stands behind a layer and is none of its own (its batch norm, a Flatten) belongs to it.
  std::vector<Place> places() const {
    std::vector<Place> places(graph_.nodes().size());
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (partner_[i] < 0) continue;
      places[static_cast<std::size_t>(found_[i].node)] =
          place_of(built_.node(expected_[static_cast<std::size_t>(partner_[i])].node).name);
    }
    for (std::size_t id = 0; id < places.size(); ++id) {
      if (!places[id].stage.empty()) continue;
      for (const ValueId input : graph_.nodes()[id].inputs) {
        if (input.is_none()) continue;
        const Place& before = places[static_cast<std::size_t>(input.node)];
        if (before.stage.empty()) continue;
        places[id].stage = before.stage;
        places[id].block = before.block;
        break;
      }
    }
    return places;
  }

 private:
  static std::string text_of(const Part& part) { return fmt::format("{}:{}", static_cast<int>(part.kind), part.what); }
  std::string node_of(std::size_t index) const { return describe(graph_.node(found_[index].node)); }

  // Between two pairs: what stands in place of what, then what is missing or too much.
  void unmatched(std::size_t i, std::size_t end_i, std::size_t k, std::size_t end_k) {
    while (i < end_i && k < end_k) {
      // Of one kind, or else whatever fits better to the rest.
      if (found_[i].kind == expected_[k].kind || (end_i - i == end_k - k)) {
        differences_.push_back({node_of(i), found_[i].what, expected_[k].what});
        partner_[i] = static_cast<int>(k);
        ++i, ++k;
      } else if (end_i - i > end_k - k) {
        too_much(i++);
      } else {
        missing(i, k++);
      }
    }
    while (i < end_i) too_much(i++);
    while (k < end_k) missing(i, k++);
  }
  void too_much(std::size_t i) { differences_.push_back({node_of(i), found_[i].what, ""}); }
  void missing(std::size_t i, std::size_t k) {
    const std::string name = built_.node(expected_[k].node).name;
    differences_.push_back({i > 0 ? node_of(i - 1) : "", "", fmt::format("{} ({})", expected_[k].what, name)});
  }

  // Layers that are there but read others than they should.
  void compare_inputs() {
    std::vector<bool> has_partner(expected_.size(), false);
    for (const int partner : partner_) {
      if (partner >= 0) has_partner[static_cast<std::size_t>(partner)] = true;
    }
    for (const std::size_t i : matched_) {
      const Part &x = found_[i], &y = expected_[static_cast<std::size_t>(partner_[i])];
      if (x.inputs.size() != y.inputs.size()) {
        differences_.push_back({node_of(i), fmt::format("{} of {} values", x.what, x.inputs.size()),
                                fmt::format("{} of {}", y.what, y.inputs.size())});
        continue;
      }
      for (std::size_t slot = 0; slot < x.inputs.size(); ++slot) {
        const int partner = partner_[static_cast<std::size_t>(x.inputs[slot])];
        // What has no partner is told already.
        if (partner == -1 || partner == y.inputs[slot] || !has_partner[static_cast<std::size_t>(y.inputs[slot])]) continue;
        differences_.push_back({node_of(i), fmt::format("{} of {}", x.what, node_of(static_cast<std::size_t>(x.inputs[slot]))),
                                fmt::format("{} of what '{}' is there", y.what,
                                            built_.node(expected_[static_cast<std::size_t>(y.inputs[slot])].node).name)});
        break;
      }
    }
  }

  const Graph &graph_, &built_;
  const Parts &found_, &expected_;
  std::vector<int> partner_;  // of each found part: the expected one
  std::vector<std::size_t> matched_;
  std::vector<Difference> differences_;
};

BatchNorm batch_norm_of(const Parts& parts) {
  std::size_t normalized = 0, convolutions = 0, biased = 0;
  for (const Part& part : parts) {
    if (part.kind != Kind::convolution) continue;
    ++convolutions;
    normalized += part.normalized ? 1 : 0;
    biased += !part.normalized && part.biased ? 1 : 0;
  }
  const bool apart = std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.kind == Kind::batch_norm; });
  if (normalized > 0) return biased > convolutions / 4 ? BatchNorm::partly_folded : BatchNorm::apart;
  if (biased > 0) return apart ? BatchNorm::partly_folded : BatchNorm::folded;
  return apart ? BatchNorm::apart : BatchNorm::none;
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
  } else if (built_name == "input") {
    place.stage = "";
  } else if (built_name.starts_with("conv1") || built_name == "bn1" || built_name == "relu" || built_name == "maxpool") {
    place.stage = "conv1";
  } else {
    place.stage = "fc";
  }
  return place;
}

std::string Difference::to_string() const {
  const std::string place = node.empty() ? "at the beginning" : node;
  if (found.empty()) return fmt::format("{}: missing behind it: {}", place, expected);
  if (expected.empty()) return fmt::format("{}: {} too many", place, found);
  return fmt::format("{}: found {}, expected {}", place, found, expected);
}

std::string describe(const Spec& spec) {
  const std::int64_t depth = depth_of(spec) - (spec.stem == Stem::deep ? 2 : 0);
  std::string text;
  if (spec.shortcut == Shortcut::none) {
    text = fmt::format("plain-{}", depth);
  } else if (spec.groups > 1) {
    text = fmt::format("{}ResNeXt-{} {}x{}d", spec.squeeze > 0 ? "SE-" : "", depth, spec.groups, spec.width_per_group);
  } else {
    text = fmt::format("{}{}ResNet-{}", spec.squeeze > 0 ? "SE-" : "", spec.width_per_group != 64 ? "Wide " : "", depth);
    if (spec.width_per_group != 64) text += fmt::format("-{}", static_cast<double>(spec.width_per_group) / 64);
    if (spec.stem == Stem::deep && spec.average_shortcut) text += "-D";
  }
  if (spec.pre_activation) text += " v2";
  const bool has_variant = spec.block == Block::bottleneck && spec.blocks.size() > 1;
  if (has_variant) text += fmt::format("{} {}", spec.pre_activation ? "," : "", name_of(spec.variant));
  if (spec.stem == Stem::cifar) text += " (CIFAR)";
  if (spec.shortcut != Shortcut::none) text += fmt::format(", option {}", name_of(spec.shortcut));
  if (name_of(spec).empty()) {
    std::string blocks;
    for (const int count : spec.blocks) blocks += (blocks.empty() ? "" : "+") + std::to_string(count);
    text += fmt::format(", {} {} blocks, {} channels", blocks, spec.block == Block::bottleneck ? "bottleneck" : "basic",
                        spec.first_channels);
  }
  return text + fmt::format(", {} classes", spec.classes);
}

std::string Recognition::to_string() const {
  std::string text = describe(spec);
  switch (batch_norm) {
    case BatchNorm::apart: text += ", batch norm apart"; break;
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
  Spec spec = Examiner(parts).guess();
  if (spec.blocks.empty()) spec.blocks = {1};
  if (spec.blocks.size() > 8) spec.blocks.resize(8);
  take_named_depth(spec);
  take_input(spec, graph);
  spec.name = name_of(spec);
  if (spec.name.empty()) spec.name = "resnet";
  result.spec = spec;
  result.batch_norm = batch_norm_of(parts);
  result.parts = parts.size();
  const Graph built = build(spec, {.init = Init::none});
  const Parts expected = skeleton_of(built);
  Comparison comparison(graph, parts, built, expected);
  result.differences = comparison.run();
  result.places = comparison.places();
  return result;
}

}  // namespace resnet::arch
