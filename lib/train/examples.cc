#include "lib/train/examples.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/prefetch.h"

namespace resnet::train {

std::set<std::int64_t> truths_of(std::span<const Example> examples) {
  std::set<std::int64_t> truths;
  for (const Example& example : examples) truths.insert(example.truth);
  return truths;
}

// Marks those that are broken.
void Examples::decode_ahead(const LoadOptions& options, std::vector<bool>& is_broken) {
  struct Decoded {
    image::Pixels pixels;
    std::string error;
  };
  Prefetch<Decoded> decoded(
      examples_.size(),
      [this](std::size_t i) -> Decoded {
        if (examples_[i].pixels.width != 0) return {};
        try {
          return {image::decode(examples_[i].file, decode_), {}};
        } catch (const Error& error) {
          if (error.role() != Role::input) throw;
          return {{}, error.what()};
        }
      },
      options.threads, options.threads * 8);
  std::size_t used = 0;
  for (std::size_t taken = 0; used < options.memory; ++taken) {
    if (options.progress) options.progress(taken);
    auto next = decoded.next([] { return false; });
    if (!next) return;
    if (!next->error.empty()) {
      is_broken[taken] = true;
      if (options.broken) options.broken(next->error);
    } else if (next->pixels.width != 0) {
      used += next->pixels.rgb.size();
      // Only here: the threads look at examples that are not taken yet.
      examples_[taken].pixels = std::move(next->pixels);
    }
  }
}

std::size_t Examples::load(const LoadOptions& options) {
  decode_ = options.decode;
  std::vector<bool> is_broken(examples_.size());
  decode_ahead(options, is_broken);
  decode_.unheeded_orientations = nullptr;  // each is counted once
  std::vector<Example> good;
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    if (!is_broken[i]) good.push_back(std::move(examples_[i]));
  }
  const std::size_t broken = examples_.size() - good.size();
  examples_ = std::move(good);
  return broken;
}

image::Pixels Examples::pixels(std::size_t i) const {
  const Example& example = examples_[i];
  return example.pixels.width != 0 ? example.pixels : image::decode(example.file, decode_);
}

std::size_t Examples::bytes() const {
  std::size_t sum = 0;
  for (const Example& example : examples_) sum += example.pixels.rgb.size();
  return sum;
}

bool Examples::in_memory() const {
  return std::all_of(examples_.begin(), examples_.end(), [](const Example& e) { return e.pixels.width != 0; });
}

}  // namespace resnet::train
