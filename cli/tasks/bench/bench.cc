#include "cli/tasks/bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

#include "cli/tasks/bench/measurement.h"
#include "cli/tasks/progress.h"
#include "lib/base/error.h"
#include "lib/measure/timing.h"

namespace resnet::cli {

namespace {

constexpr double turn_seconds = 0.25;           // of one configuration, before the next one's turn
constexpr double noisy = 1.25;                  // the median over the least
constexpr std::int64_t any_number = 1'000'000;  // of batches, where their time says when there are enough

// A row with the worker that measures it.
struct Measured {
  BenchRow row;
  Asker asker;
};

std::vector<Measured> start_all(const BenchRequest& request, const TaskContext& context, const StartWorker& start) {
  std::vector<Measured> all;
  for (const std::string& model : request.models) {
    for (const std::int64_t batch : request.batches) {
      for (const std::int64_t threads : request.threads) {
        for (const std::int64_t clients : request.clients) {
          const bool silent =
              batch != request.batches.front() || threads != request.threads.front() || clients != request.clients.front();
          BenchRow row;
          row.configuration = {model, batch, threads, clients};
          auto measurement = std::make_shared<Measurement>(request, row.configuration, silent, context);
          all.push_back({std::move(row),
                         Asker(start([measurement](const std::string& question) { return measurement->answer(question); }))});
        }
      }
    }
  }
  return all;
}

bool is_done(const BenchRequest& request, const BenchRow& row) {
  if (request.iterations > 0) return static_cast<std::int64_t>(row.times.size()) >= request.iterations;
  return row.total_ms() >= request.duration * 1e3 * static_cast<double>(row.configuration.clients);
}

// In turns, so that whatever else the machine does meets them all.
void take_turns(const BenchRequest& request, const TaskContext& context, std::vector<Measured>& all) {
  Progress progress(context.observer, "batches");
  for (auto& [row, asker] : all) {
    const Loaded loaded = asker.load();
    row.load_ms = loaded.load_ms;
    row.first_ms = loaded.first_ms;
    row.peak_rss_mib = loaded.peak_rss_mib;
    context.stop.check();
  }
  std::size_t batches = 0;
  for (bool any = true; any;) {
    any = false;
    for (auto& [row, asker] : all) {
      if (is_done(request, row)) continue;
      any = true;
      const std::int64_t most =
          request.iterations > 0 ? request.iterations - static_cast<std::int64_t>(row.times.size()) : any_number;
      const Turn turn = asker.run(std::min(turn_seconds, request.duration), most);
      row.times.insert(row.times.end(), turn.times.begin(), turn.times.end());
      row.peak_rss_mib = turn.peak_rss_mib;
      batches += turn.times.size();
      progress.update(batches, std::nullopt);
      context.stop.check();
    }
  }
}

}  // namespace

double BenchProfile::total_ms() const {
  return std::accumulate(layers.begin(), layers.end(), 0.0, [](double sum, const BenchLayer& layer) { return sum + layer.ms; });
}
double BenchProfile::total_limit_ms() const {
  return std::accumulate(layers.begin(), layers.end(), 0.0,
                         [](double sum, const BenchLayer& layer) { return sum + layer.limit_ms; });
}
double BenchRow::at(double q) const { return quantile(times, q); }
double BenchRow::total_ms() const { return std::accumulate(times.begin(), times.end(), 0.0); }

namespace {

// Told before anything is measured.
void check_pipeline(const std::string& photos) {
  const bool is_path = !photos.empty() && photos != "-" && photos[0] != '@' && photos.find_first_of("*?[") == std::string::npos;
  std::error_code ignored;
  if (is_path && !std::filesystem::exists(photos, ignored))
    throw Error(Fault::unreadable, Frame::file(Role::input), photos + ": no such file or folder");
}

}  // namespace

BenchResult bench(const BenchRequest& request, const TaskContext& context, const StartWorker& start) {
  check_pipeline(request.pipeline);
  std::vector<Measured> all = start_all(request, context, start);
  take_turns(request, context, all);
  BenchResult result{this_machine(), {}};
  for (Measured& measured : all) {
    auto& [row, asker] = measured;
    std::sort(row.times.begin(), row.times.end());
    if (request.profile) row.profile = asker.profile();
    if (!request.pipeline.empty()) row.pipeline = asker.pipeline();
    asker.end();
    const double best = row.at(0), median = row.at(0.5);
    if (median > noisy * best) {
      context.observer.warning(
          fmt::format("the machine is noisy: {} at batch {} and {} threads took {:.1f} ms in the median, {:.1f} at best",
                      row.configuration.model, row.configuration.batch, row.configuration.threads, median, best));
    }
    result.rows.push_back(std::move(row));
  }
  return result;
}

}  // namespace resnet::cli
