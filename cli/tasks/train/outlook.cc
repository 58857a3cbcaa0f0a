#include "cli/tasks/train/outlook.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "formats/table/size.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

namespace {

std::size_t bytes_of_machine() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) : 0;
}

struct ImageTimes {
  double step = 0, test = 0;  // seconds
};

// The mean of some calls, as other work on the machine has its share of the run, too.
template <typename Work>
double mean_time(const Work& work) {
  constexpr double long_enough = 0.5;  // seconds
  double all = 0;
  int times = -1;  // the first touches memory for the first time
  while (times < 1 || (times < 20 && all < long_enough)) {
    const auto start = std::chrono::steady_clock::now();
    work();
    if (++times > 0) all += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return all / times;
}

// Of one image: steps of a network of its own, of the run's batch where that is as little work as eight pictures of 224x224.
ImageTimes measure_image(const TrainOptions& options, const TrainingJob& job, std::int64_t batch) {
  constexpr std::int64_t most_pixels = 8 * 224 * 224;
  const std::int64_t pixels = std::max<std::int64_t>(job.spec.height * job.spec.width, 1);
  const std::int64_t images = std::min(batch, std::max<std::int64_t>(most_pixels / pixels, 8));
  train::Network network(job.model.graph, images,
                         [&](const std::string& name) { return train::is_frozen(name, options.freeze); });
  std::fill(network.input().begin(), network.input().end(), 0.5f);
  const double step = mean_time([&] {
    network.forward(train::Mode::training);
    std::fill(network.logits_gradient().begin(), network.logits_gradient().end(), 1e-3f);
    network.backward();
  });
  const double test = mean_time([&] { network.forward(train::Mode::inference); });
  return {step / static_cast<double>(images), test / static_cast<double>(images)};
}

}  // namespace

std::string text_of_duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / (24 * 3600));
}

std::string Outlook::to_string() const {
  return fmt::format("about {} and {} here", table::size_text(static_cast<std::int64_t>(bytes)),
                     text_of_duration(std::max(seconds, 1.0)));
}

std::string Outlook::warning() const {
  const std::size_t there = bytes_of_machine();
  if (there == 0 || bytes <= there) return "";
  return fmt::format("about {} are more than this machine's {}; --accumulate N takes a batch in N parts",
                     table::size_text(static_cast<std::int64_t>(bytes)), table::size_text(static_cast<std::int64_t>(there)));
}

Outlook outlook_of(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, train::Network& network,
                   std::int64_t left, std::size_t test_pictures, std::size_t pictures) {
  const double images = static_cast<double>(left) * static_cast<double>(plan.batch * plan.descent.accumulate);
  const double tests = std::ceil(static_cast<double>(left) / static_cast<double>(std::max<std::int64_t>(plan.every, 1)));
  const ImageTimes times = measure_image(options, job, plan.batch);
  // Batches are made ahead, one for each thread and one more; accumulated gradients are a copy of the parameters' size.
  constexpr std::size_t ahead = 4;
  std::size_t parameters = 0;
  for (const train::Parameter& parameter : network.parameters()) parameters += parameter.values.size();
  const auto inputs = static_cast<std::size_t>(plan.batch * 3 * job.spec.height * job.spec.width) * ahead;
  const std::size_t floats = inputs + (plan.descent.accumulate > 1 ? parameters : 0);
  return {network.bytes() + floats * sizeof(float) + pictures,
          images * times.step + tests * static_cast<double>(test_pictures) * times.test};
}

}  // namespace resnet::cli
