// The likeliest classes of photos: answers in the order of the inputs, as they come, to a file that appears whole, one that
// grows, or whatever the caller opens.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/predict/shards.h"
#include "cli/tasks/prepare/network_cache.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "formats/answers/write.h"
#include "lib/classify/views.h"

namespace resnet::cli {

struct PredictRequest {
  std::vector<std::string> models;  // several: an ensemble, whose answers are averaged
  NetworkOptions network;           // how each is opened and prepared
  std::vector<std::string> images;  // as Inputs takes them
  InputOptions inputs = {};
  std::optional<PartOf> part = {};  // of the inputs; nothing: all of them, without a part's first and last line

  ViewOptions views = {};
  std::size_t top_k = 5;
  float min_probability = 0;  // classes below it are left out
  answers::Format format = answers::Format::text;
  bool logits = false;     // in text, in place of probabilities
  bool fail_fast = false;  // the first input that fails ends the task

  // Where answers go: a file that appears whole ("": what the caller takes for it), or one that grows and is resumed (JSON
  // Lines), or features in place of answers (.npy; of network.vector, the output
  // itself).
  std::string output, resume, features;
  std::string report, activation_maps;      // a page and a folder besides, or none
  std::optional<CacheSettings> cache = {};  // of networks that were made ready; nothing: they are read and made ready again
};

struct PredictResult {
  std::size_t inputs = 0;  // that were looked at, an earlier run's included
  std::size_t failed = 0;  // of the answers, an earlier run's included
};

class PredictTask {
 public:
  // Finds the inputs, and what an earlier run has answered of them. Request and context outlive the task. Throws Error(invalid)
  // where the files to resume are not of these inputs or another process works on them, and what `before_reading` throws.
  PredictTask(const PredictRequest& request, const TaskContext& context);
  ~PredictTask();

  // Called once. An input that fails is told to the observer, and the others are answered. Throws Error: of the models, of the
  // outputs, where answers to be resumed were made with something else, where `fail_fast`; what is in a file that grows stays.
  PredictResult run();

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

PredictResult predict(const PredictRequest& request, const TaskContext& context);

}  // namespace resnet::cli
