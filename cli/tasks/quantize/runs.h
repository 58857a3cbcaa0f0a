// What a network gives for photos, in floats and in integers: values inside it, scores, and how far two networks are from each
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/quantize/photos.h"
#include "lib/base/threads.h"
#include "lib/classify/scorer.h"

namespace resnet::cli {

// A graph ready to be shown photos; values of it may be looked at besides.
class Runner {
 public:
  // `graph` has the inputs and outputs of the model that `network` describes; `shown`: names of its values, each with a name.
  // Throws Error as plans do.
  Runner(const Graph& graph, const Network& network, const NetworkOptions& options, std::span<const std::string> shown,
         ThreadPool& pool);

  std::size_t batch_size() const;
  Scores run(std::span<const PreparedImage> images);
  // Of the last run; float32, its first axis may be longer than the images were many.
  const Tensor& shown(std::size_t index) const;

 private:
  const Network& network_;
  std::size_t wanted_batch_;
  std::vector<std::size_t> outputs_;  // by place among the shown
  std::unique_ptr<Scorer> scorer_;
};

// The likeliest class of each image, by file and position.
struct Answers {
  std::vector<PhotoPlace> places;
  std::vector<std::int64_t> classes;
};
Answers answers_of(Runner& runner, Photos& photos, const std::string& progress);

}  // namespace resnet::cli
