#include "formats/onnx/wiring.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

namespace resnet::onnx {

namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

class Analysis {
 public:
  Analysis(std::span<const NodeNames> nodes, const std::function<bool(const std::string&)>& is_given)
      : nodes_(nodes),
        is_given_(is_given),
        count_(static_cast<int>(nodes.size())),
        waits_(nodes.size(), 0),
        readers_(nodes.size()),
        waits_for_(nodes.size()) {}

  Wiring run() {
    find_makers();
    find_readers();
    find_order();
    if (!result_.waiting.empty()) find_cycle();
    return std::move(result_);
  }

 private:
  void find_makers() {
    for (int i = 0; i < count_; ++i) {
      for (const std::string& value : nodes_[at(i)].makes) {
        if (value.empty()) continue;
        const auto [maker, is_new] = makers_.emplace(value, i);
        if (is_given_(value)) {
          result_.twice.push_back({i, value, std::nullopt});
        } else if (!is_new) {
          result_.twice.push_back({i, value, maker->second});
        }
      }
    }
  }

  void find_readers() {
    for (int i = 0; i < count_; ++i) {
      for (const std::string& value : nodes_[at(i)].reads) {
        if (value.empty() || is_given_(value)) continue;
        const auto maker = makers_.find(value);
        const bool is_made = maker != makers_.end();
        if (!is_made || maker->second >= i) result_.strays.push_back({i, value, is_made});
        if (!is_made) continue;
        ++waits_[at(i)];
        waits_for_[at(i)].push_back(maker->second);
        readers_[at(maker->second)].push_back(i);
      }
    }
  }

  void find_order() {
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (int i = 0; i < count_; ++i) {
      if (waits_[at(i)] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const int i = ready.top();
      ready.pop();
      result_.order.push_back(i);
      for (const int reader : readers_[at(i)]) {
        if (--waits_[at(reader)] == 0) ready.push(reader);
      }
    }
    for (int i = 0; i < count_; ++i) {
      if (waits_[at(i)] > 0) result_.waiting.push_back(i);
    }
  }

  // Nodes that only read what a cycle makes wait, too; whoever walks from one that waits to one that it waits for is in the cycle
  // in the end.
  void find_cycle() {
    int i = result_.waiting.front();
    std::vector<int>& path = result_.cycle;
    std::vector<bool> seen(nodes_.size(), false);
    while (!seen[at(i)]) {
      seen[at(i)] = true;
      path.push_back(i);
      const auto& candidates = waits_for_[at(i)];
      i = *std::find_if(candidates.begin(), candidates.end(), [&](int candidate) { return waits_[at(candidate)] > 0; });
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), i));
    // It begins with the node that is first in the list.
    std::reverse(path.begin(), path.end());
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  }

  std::span<const NodeNames> nodes_;
  const std::function<bool(const std::string&)>& is_given_;
  int count_;
  std::unordered_map<std::string, int> makers_;  // the first of each value
  std::vector<int> waits_;                       // for how many values each node does
  std::vector<std::vector<int>> readers_, waits_for_;
  Wiring result_;
};

}  // namespace

Wiring wire(std::span<const NodeNames> nodes, const std::function<bool(const std::string&)>& is_given) {
  return Analysis(nodes, is_given).run();
}

std::string describe_dangling(const std::string& value) {
  return fmt::format("input '{}' is produced by no node, initializer or graph input", value);
}

}  // namespace resnet::onnx
