#include "cli/tasks/train/outlook.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace resnet::cli {

namespace {

std::string text_of_bytes(std::size_t bytes) {
  const double mib = static_cast<double>(bytes) / (1 << 20);
  return mib < 1000 ? fmt::format("{:.0f} MiB", std::max(mib, 1.0)) : fmt::format("{:.1f} GiB", mib / 1024);
}

std::size_t bytes_of_machine() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) : 0;
}

// Of one image forward: the mean, as other work on the machine has its share of the run, too.
double measure_image(const TrainingJob& job, std::int64_t batch) {
  constexpr double long_enough = 0.5;  // seconds
  train::Network network(job.model.graph, std::min<std::int64_t>(batch, 8));
  std::fill(network.input().begin(), network.input().end(), 0.5f);
  double all = 0;
  int times = -1;  // the first touches memory for the first time
  while (times < 1 || (times < 20 && all < long_enough)) {
    const auto start = std::chrono::steady_clock::now();
    network.forward(train::Mode::inference);
    if (++times > 0) all += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return all / times / static_cast<double>(network.batch());
}

}  // namespace

std::string text_of_duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / (24 * 3600));
}

std::string Outlook::to_string() const {
  return fmt::format("about {} and {} here", text_of_bytes(bytes), text_of_duration(std::max(seconds, 1.0)));
}

std::string Outlook::warning() const {
  const std::size_t there = bytes_of_machine();
  if (there == 0 || bytes <= there) return "";
  return fmt::format("about {} are more than this machine's {}; --accumulate N takes a batch in N parts", text_of_bytes(bytes),
                     text_of_bytes(there));
}

Outlook outlook_of(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, train::Network& network,
                   std::int64_t left, std::size_t pictures) {
  constexpr double forward_and_backward = 3;
  const double factor = options.freeze == train::Frozen::backbone ? 1 : forward_and_backward;
  const double images = static_cast<double>(left) * static_cast<double>(plan.batch * plan.descent.accumulate);
  // Batches are made ahead, one for each thread and one more; accumulated gradients are a copy of the parameters' size.
  constexpr std::size_t ahead = 4;
  std::size_t parameters = 0;
  for (const train::Parameter& parameter : network.parameters()) parameters += parameter.values.size();
  const auto inputs = static_cast<std::size_t>(plan.batch * 3 * job.spec.height * job.spec.width) * ahead;
  const std::size_t floats = inputs + (plan.descent.accumulate > 1 ? parameters : 0);
  return {network.bytes() + floats * sizeof(float) + pictures, images * factor * measure_image(job, plan.batch)};
}

}  // namespace resnet::cli
