#include "cli/tasks/inspect/inspect.h"

#include <filesystem>
#include <utility>

#include "cli/tasks/named.h"
#include "lib/base/threads.h"
#include "lib/measure/timing.h"

namespace resnet::cli {

Inspection inspect(const InspectRequest& request, const TaskContext& context) {
  LoadedModel loaded = load_for_examination(request.model, request.arch, request.weights, context.observer);
  for (const std::string& file : loaded.model.data_files)
    context.before_reading(std::filesystem::path(loaded.name).parent_path() / file);
  context.stop.check();
  Inspection inspection =
      named(loaded.name, [&] { return inspect(loaded.name, std::move(loaded.model), request.batch, request.depth); });
  context.stop.check();
  return inspection;
}

std::vector<xnnpack::StepInfo> plan_of(const InspectRequest& request, xnnpack::Convolutions convolutions,
                                       const TaskContext& context) {
  const LoadedModel loaded = load_for_examination(request.model, request.arch, true, context.observer);
  context.stop.check();
  ThreadPool pool(context.threads.asked, context.threads.at_once);
  xnnpack::PlanOptions plan;
  plan.job.batch = request.batch.value_or(1);
  plan.job.convolutions = convolutions;
  plan.job.input_shapes = usual_shapes(loaded.model.graph, plan.job.batch);
  plan.pool = &pool;
  return named(loaded.name, [&] { return xnnpack::Plan::make(loaded.model.graph, plan)->steps(); });
}

}  // namespace resnet::cli
