// The networks of an evaluation, and the rows in which they are shown: what a run of its own and a worker of a job have in
// common.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/evaluate/evaluate.h"
#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

class Subjects {
 public:
  // Loads the networks. Both outlive it. Throws Error: of the models, of the file of valid labels.
  Subjects(const EvaluateRequest& request, const TaskContext& context);

  // By their data. Throws as load_dataset, and what `before_reading` throws.
  Dataset find_photos() const;

  struct Shown {
    Crop crop = Crop::center;
    std::span<const Network> networks;  // whose answers are averaged
  };
  // By way of testing, then by model, then all models together where that is asked for.
  const std::vector<Shown>& rows() const { return rows_; }
  // Of no photos yet.
  EvaluateRow row_of(const Shown& shown) const;
  const std::vector<Network>& networks() const { return networks_; }
  // Ascending; empty: all classes.
  const std::vector<std::int64_t>& valid_labels() const { return valid_; }

  ClassifierOptions options_for(Crop crop) const;
  // Those of classes that can be answered.
  std::vector<Prediction> valid_of(const std::vector<Prediction>& predictions) const;
  // Where the networks are not made ready from these.
  void release_graphs();

 private:
  void load(const std::string& name);

  const EvaluateRequest& request_;
  const TaskContext& context_;
  std::vector<Network> networks_;
  std::vector<std::optional<arch::Spec>> specs_;  // of each
  std::vector<Shown> rows_;
  std::vector<std::int64_t> valid_;
};

// Says what was assumed of the data and what failed. Throws Error of a failure where `fail_fast`.
void tell_dataset(const Dataset& dataset, const EvaluateRequest& request, Observer& observer);

}  // namespace resnet::cli
