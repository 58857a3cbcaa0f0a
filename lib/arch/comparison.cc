#include "lib/arch/comparison.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "lib/arch/align.h"

namespace resnet::arch {

namespace {

using Parts = std::vector<Part>;

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

  // After run(). What follows a layer and is not a layer itself (its batch norm, a Flatten) belongs to it.
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

  // Between two pairs: what is in place of what, then what is missing or too much.
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

}  // namespace

Compared compare(const Graph& graph, const std::vector<Part>& found, const Graph& built, const std::vector<Part>& expected) {
  Comparison comparison(graph, found, built, expected);
  Compared result;
  result.differences = comparison.run();
  result.places = comparison.places();
  return result;
}

}  // namespace resnet::arch
