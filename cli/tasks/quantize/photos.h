// Photos as a network is shown them, read ahead of it, a batch at a time and as often as they are asked for.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "lib/classify/scorer.h"

namespace resnet::cli {

// Which image of which file.
struct PhotoPlace {
  std::size_t file, position;
};

class Photos {
 public:
  // As predict takes them, folders within folders included, or a CSV of file and class; at most `most` images, spread evenly over
  // the files. `network` and `context` outlive it. Throws Error(invalid) for a list that cannot be understood, and what
  // before_reading throws.
  Photos(const std::vector<std::string>& arguments, std::size_t most, const Network& network, const NetworkOptions& options,
         const TaskContext& context);
  // All images of these files.
  Photos(std::vector<std::filesystem::path> files, const Network& network, const NetworkOptions& options,
         const TaskContext& context);

  // Calls take() for the images in their order; those of a batch are of one size. What cannot be read is told to the observer the
  // first time, and left out. Throws Error(interrupted).
  using Take = std::function<void(std::span<const PreparedImage>, std::span<const PhotoPlace>)>;
  void for_each(std::size_t batch, const std::string& progress, const Take& take);

  std::size_t files() const { return files_.size(); }
  std::size_t failed() const { return failed_; }

 private:
  struct Loaded {
    std::vector<PreparedImage> images;
    std::string error;  // without the path
  };
  Loaded load(const std::filesystem::path& file) const;
  std::vector<PreparedImage> images_of(const std::filesystem::path& file) const;
  void add_arguments(const std::vector<std::string>& arguments);

  const Network& network_;
  const NetworkOptions& options_;
  const TaskContext& context_;
  std::vector<std::filesystem::path> files_;
  std::optional<std::size_t> most_per_file_;
  mutable std::atomic<std::size_t> turned_ = 0;  // photos whose orientation was not heeded
  bool has_told_ = false;
  std::size_t failed_ = 0;
};

}  // namespace resnet::cli
