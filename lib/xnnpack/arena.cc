#include "lib/xnnpack/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/tensor/tensor.h"

namespace resnet::xnnpack {

namespace {

// Greedy by size compares each buffer with every other one: not for graphs of a hundred thousand nodes.
constexpr std::size_t many_buffers = 4096;

// Where sizes are summed: a file can ask for buffers that together are more than a number counts.
std::size_t sum(std::size_t a, std::size_t b) {
  const auto result = checked_add(a, b);
  if (!result) throw Error(Fault::exhausted, "the results of a run do not fit into memory together");
  return *result;
}

std::size_t room(const Lifetime& life) {
  return sum(life.size, Buffer::tail + Buffer::alignment - 1) / Buffer::alignment * Buffer::alignment;
}

ArenaLayout lay_out_by_size(std::span<const Lifetime> lifetimes) {
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].size > lifetimes[b].size; });
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const std::size_t needed = room(lifetimes[index]);
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      const bool meet = lifetimes[other].first <= lifetimes[index].last && lifetimes[index].first <= lifetimes[other].last;
      if (!meet) continue;
      if (sum(offset, needed) <= layout.offsets[other]) break;
      offset = std::max(offset, sum(layout.offsets[other], room(lifetimes[other])));
    }
    layout.offsets[index] = offset;
    layout.size = std::max(layout.size, sum(offset, needed));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return layout.offsets[a] < layout.offsets[b]; }),
                  index);
  }
  return layout;
}

// The free places of a block that grows: by offset, and by size for the best fit.
class FreePlaces {
 public:
  std::size_t take(std::size_t size) {
    const auto best = by_size_.lower_bound({size, 0});
    if (best == by_size_.end()) return std::exchange(end_, sum(end_, size));
    const auto [found, offset] = *best;
    remove(offset, found);
    if (found > size) insert(offset + size, found - size);
    return offset;
  }

  void give_back(std::size_t offset, std::size_t size) {
    const auto after = by_offset_.lower_bound(offset);
    if (after != by_offset_.begin()) {
      const auto [start, length] = *std::prev(after);
      if (start + length == offset) {
        remove(start, length);
        offset = start;
        size += length;
      }
    }
    if (const auto next = by_offset_.find(offset + size); next != by_offset_.end()) {
      const std::size_t length = next->second;
      remove(offset + size, length);
      size += length;
    }
    insert(offset, size);
  }

  std::size_t end() const { return end_; }

 private:
  void insert(std::size_t offset, std::size_t size) {
    by_offset_.emplace(offset, size);
    by_size_.emplace(size, offset);
  }
  void remove(std::size_t offset, std::size_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
  }
  std::map<std::size_t, std::size_t> by_offset_;
  std::set<std::pair<std::size_t, std::size_t>> by_size_;
  std::size_t end_ = 0;
};

ArenaLayout lay_out_by_time(std::span<const Lifetime> lifetimes) {
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].first < lifetimes[b].first; });
  FreePlaces places;
  std::set<std::pair<int, std::size_t>> live;  // by the last step
  for (const std::size_t index : order) {
    while (!live.empty() && live.begin()->first < lifetimes[index].first) {
      const std::size_t gone = live.begin()->second;
      places.give_back(layout.offsets[gone], room(lifetimes[gone]));
      live.erase(live.begin());
    }
    layout.offsets[index] = places.take(room(lifetimes[index]));
    live.emplace(lifetimes[index].last, index);
  }
  layout.size = places.end();
  return layout;
}

// Whose bytes a place of the arena holds, step by step.
class Contents {
 public:
  Contents(const Usage& usage, const ArenaLayout& layout) : usage_(usage), layout_(layout), whole_(usage.sizes.size(), false) {
    for (const int buffer : usage.constants) whole_[at(buffer)] = true;
  }

  bool is_whole(int buffer) const { return usage_.sizes[at(buffer)] == 0 || whole_[at(buffer)]; }

  // The buffer is written: what lay in its place is lost.
  void write(int buffer) {
    const std::size_t begin = layout_.offsets[at(buffer)], end = begin + usage_.sizes[at(buffer)];
    if (begin == end) return;
    auto other = held_.lower_bound(begin);
    if (other != held_.begin() && end_of(std::prev(other)->second) > begin) --other;
    while (other != held_.end() && other->first < end) {
      whole_[at(other->second)] = false;
      other = held_.erase(other);
    }
    held_.emplace(begin, buffer);
    whole_[at(buffer)] = true;
  }

 private:
  static std::size_t at(int buffer) { return static_cast<std::size_t>(buffer); }
  std::size_t end_of(int buffer) const { return layout_.offsets[at(buffer)] + usage_.sizes[at(buffer)]; }
  const Usage& usage_;
  const ArenaLayout& layout_;
  std::vector<bool> whole_;
  std::map<std::size_t, int> held_;  // by offset, apart from each other
};

}  // namespace

ArenaLayout lay_out(std::span<const Lifetime> lifetimes) {
  return lifetimes.size() <= many_buffers ? lay_out_by_size(lifetimes) : lay_out_by_time(lifetimes);
}

std::vector<Lifetime> lifetimes_of(const Usage& usage) {
  const int end = static_cast<int>(usage.steps.size());
  std::vector<Lifetime> lifetimes;
  for (const std::size_t size : usage.sizes) lifetimes.push_back({size, end, -1});
  const auto touch = [&](int buffer, int step) {
    if (buffer < 0) return;
    Lifetime& life = lifetimes[static_cast<std::size_t>(buffer)];
    life.first = std::min(life.first, step);
    life.last = std::max(life.last, step);
  };
  for (int step = 0; step < end; ++step) {
    const Access& access = usage.steps[static_cast<std::size_t>(step)];
    for (const int buffer : access.reads) touch(buffer, step);
    for (const int buffer : access.writes) touch(buffer, step);
  }
  for (const int buffer : usage.inputs) {
    touch(buffer, -1);
    touch(buffer, end);
  }
  for (const int buffer : usage.outputs) touch(buffer, end);
  for (Lifetime& life : lifetimes) {
    if (life.last < life.first) life = {0, end, end};  // nobody touches it
  }
  for (const int buffer : usage.constants) lifetimes[static_cast<std::size_t>(buffer)] = {0, end, end};
  return lifetimes;
}

void verify(const Usage& usage, const ArenaLayout& layout) {
  const std::set<int> constants(usage.constants.begin(), usage.constants.end());
  for (std::size_t i = 0; i < usage.sizes.size(); ++i) {
    const std::size_t size = usage.sizes[i], offset = layout.offsets[i];
    if (constants.contains(static_cast<int>(i)) || (size <= layout.size && offset <= layout.size - size)) continue;
    throw Error(Fault::internal, fmt::format("memory of a run: buffer {} ({} bytes at {}) does not lie within its {} bytes", i,
                                             size, offset, layout.size));
  }
  Contents contents(usage, layout);
  const auto expect_whole = [&](std::span<const int> buffers, std::size_t step, const char* what) {
    for (const int buffer : buffers) {
      if (buffer < 0 || contents.is_whole(buffer)) continue;
      const std::string where =
          step < usage.steps.size() ? fmt::format("step {} of {}", step, usage.steps.size()) : std::string("the end of a run");
      throw Error(Fault::internal, fmt::format("memory of a run: at {} buffer {} ({} bytes at {}) {}", where, buffer,
                                               usage.sizes[static_cast<std::size_t>(buffer)],
                                               layout.offsets[static_cast<std::size_t>(buffer)], what));
    }
  };
  for (const int buffer : usage.inputs) contents.write(buffer);
  for (std::size_t step = 0; step < usage.steps.size(); ++step) {
    const Access& access = usage.steps[step];
    expect_whole(access.reads, step, "is read, but its contents were not written or are overwritten");
    for (const int buffer : access.writes) {
      if (buffer >= 0) contents.write(buffer);
    }
    expect_whole(access.reads, step, "is read and overwritten at once");
    expect_whole(access.writes, step, "shares memory with another result");
  }
  expect_whole(usage.inputs, usage.steps.size(), "is an input that was overwritten");
  expect_whole(usage.outputs, usage.steps.size(), "is an output that was not written or is overwritten");
}

}  // namespace resnet::xnnpack
