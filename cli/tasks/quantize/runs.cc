#include "cli/tasks/quantize/runs.h"

#include <algorithm>

#include "lib/classify/as_classifier.h"
#include "lib/classify/top_k.h"
#include "lib/measure/compare.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

Runner::Runner(const Graph& graph, const Network& network, const NetworkOptions& options, std::span<const std::string> shown,
               ThreadPool& pool)
    : network_(network), wanted_batch_(options.batch_size) {
  Graph run = as_classifier(graph, options.output_name);
  // The scores first; a value that is shown may be the scores.
  std::vector<std::string> names = {run.value(run.outputs()[0]).name};
  for (const std::string& name : shown) {
    const auto found = std::find(names.begin(), names.end(), name);
    outputs_.push_back(static_cast<std::size_t>(found - names.begin()));
    if (found == names.end()) names.push_back(name);
  }
  if (names.size() > 1) run = with_outputs(run, names);
  const xnnpack::Job job = job_of(network, options, {}, std::nullopt);
  scorer_ = std::make_unique<Scorer>(xnnpack::Plan::make(std::move(run), {.job = job, .pool = &pool}), pool);
}

std::size_t Runner::batch_size() const { return scorer_->batch_size(wanted_batch_); }

Scores Runner::run(std::span<const PreparedImage> images) { return scorer_->run(images, network_.preprocessing.preprocessing); }

const Tensor& Runner::shown(std::size_t index) const { return scorer_->other_output(outputs_[index]); }

Answers answers_of(Runner& runner, Photos& photos, const std::string& progress) {
  Answers answers;
  photos.for_each(runner.batch_size(), progress, [&](std::span<const PreparedImage> images, std::span<const PhotoPlace> places) {
    const Scores scores = runner.run(images);
    for (std::size_t i = 0; i < images.size(); ++i) {
      answers.places.push_back(places[i]);
      answers.classes.push_back(top_k(scores.row(i), 1).front());
    }
  });
  return answers;
}

}  // namespace resnet::cli
