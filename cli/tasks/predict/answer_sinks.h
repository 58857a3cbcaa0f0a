// Where answers go, in the order of their inputs.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/predict/feature_file.h"
#include "cli/tasks/predict/predict.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/sink.h"
#include "formats/answers/parts.h"
#include "formats/answers/write.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

// Every answer goes to the output or to the file of features, to the report and to a folder of activation maps. What it is given
// outlives it.
class AnswerSinks {
 public:
  // `features`: in place of the output's answers, or null. `tally`: of answers that are in the output already.
  AnswerSinks(const PredictRequest& request, answers::Writer writer, Sink& output, FeatureFile* features, Report& report,
              const answers::Tally& tally, Observer& observer);

  // What has come where answers are read as they come is a whole document, also where the task ended early.
  ~AnswerSinks();
  AnswerSinks(const AnswerSinks&) = delete;
  AnswerSinks& operator=(const AnswerSinks&) = delete;

  void add(const Result& result);
  // Throws Error(Role::input) where the first failure ends the task.
  void add_failure(const std::string& input, const std::string& error);

  // Ends the answers.
  void end();

  std::size_t failed() const { return failed_; }
  // Of all answers that are in the output, an earlier run's as well.
  const answers::Tally& tally() const { return tally_; }

 private:
  std::vector<std::int64_t> dims_of(const Result& result) const;
  void write(const std::string& input, const std::string& bytes);

  const PredictRequest& request_;
  answers::Writer writer_;
  Sink& output_;
  FeatureFile* features_;
  Report& report_;
  answers::Tally tally_;
  Observer& observer_;
  std::size_t count_ = 0, failed_ = 0;
  bool ended_ = false;
};

// Classifies `part`, with the arguments that gave no path in their places; `done` hears how many are.
void answer(Classifier& classifier, std::span<const Input> part, AnswerSinks& sinks,
            const std::function<void(std::size_t)>& done);

}  // namespace resnet::cli
