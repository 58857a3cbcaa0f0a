// Pictures of known classes: in memory as far as they fit, decoded again whenever they are wanted beyond that.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/image/image.h"

namespace resnet::train {

struct Example {
  std::filesystem::path file;  // empty: only in memory
  std::int64_t truth = 0;
  image::Pixels pixels = {};  // empty: not in memory
};

// Which classes there are pictures of.
std::set<std::int64_t> truths_of(std::span<const Example> examples);

class Examples {
 public:
  Examples() = default;
  explicit Examples(std::vector<Example> examples) : examples_(std::move(examples)) {}

  std::size_t size() const { return examples_.size(); }
  const Example& operator[](std::size_t i) const { return examples_[i]; }
  std::span<const Example> all() const { return examples_; }

  struct LoadOptions {
    std::size_t memory = std::size_t{4} << 30;  // bytes of pixels at most
    std::size_t threads = 1;
    image::DecodeOptions decode = {};
    // Told how many are decoded, now and then; throws where the user wants to stop.
    std::function<void(std::size_t)> progress = {};
    // Told of each that cannot be decoded: "cat/7.jpg: is not an image".
    std::function<void(const std::string&)> broken = {};
  };
  // Decodes in order until the memory is used up; what cannot be decoded is left out. Returns how many were.
  std::size_t load(const LoadOptions& options);

  // Of the pixels in memory.
  std::size_t bytes() const;
  // Thread-safe. Throws Error(Role::input) for a file that cannot be decoded.
  image::Pixels pixels(std::size_t i) const;
  // Whether all are in memory.
  bool in_memory() const;

 private:
  void decode_ahead(const LoadOptions& options, std::vector<bool>& is_broken);

  std::vector<Example> examples_;
  image::DecodeOptions decode_;
};

}  // namespace resnet::train
