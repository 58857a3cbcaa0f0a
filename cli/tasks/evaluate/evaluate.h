// How often networks are right, on photos of which the class is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "lib/arch/spec.h"
#include "lib/classify/evaluator.h"
#include "lib/classify/views.h"

namespace resnet::cli {

struct EvaluateRequest {
  std::vector<std::string> models;
  NetworkOptions network;  // how each is opened and prepared
  DatasetOptions dataset;
  std::vector<Crop> crops = {Crop::center};  // each is a row
  std::vector<int> scales = {};
  bool ensemble = false;  // also all models together, their answers averaged
  std::size_t top_k = 5;  // an answer is right where the class is among so many, besides the first
  bool fail_fast = false;
  std::string valid_labels = {};        // a file of the classes that can be answered, by number, one a line; none: every class
  std::string report, activation_maps;  // of one model and one way of testing: a page and a folder, or none
};

// Some networks by one way of testing.
struct EvaluateRow {
  std::string model, preprocessing;
  std::size_t networks = 1;             // whose answers are averaged
  std::optional<arch::Spec> spec = {};  // that a network alone was recognised as
  Crop crop = Crop::center;
  std::vector<std::string> labels;
  std::int64_t parameters = 0, macs = 0;
  Evaluator evaluator{5};
  double seconds = 0;
  std::size_t turned = 0;  // photos whose orientation was not heeded
};
// "Acc@1 91.250 (8.750) Acc@5 99.000 (1.000)", as timm and torchvision print it.
std::string accuracy_line(const EvaluateRow& row);
// The share of `right` among `count`, 0 to 100; 0 of none.
double percent(std::int64_t right, std::int64_t count);

struct EvaluateResult {
  std::vector<EvaluateRow> rows;  // by way of testing, then by model
  // Whether photos or class folders failed: they are told to the observer, and not counted.
  bool any_failed = false;
};

class EvaluateTask {
 public:
  // Opens the report, loads the networks and finds the photos. Request and context outlive the task. Throws Error: of the models,
  // Error(invalid) for data that cannot be understood, and what `before_reading` throws.
  EvaluateTask(const EvaluateRequest& request, const TaskContext& context);
  ~EvaluateTask();

  // Called once. Throws Error, of a photo where `fail_fast`.
  EvaluateResult run();
  // Writes the report, where one is asked for: after the result is known to be told. Throws Error(unwritable).
  void write_report(const EvaluateResult& result);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace resnet::cli
