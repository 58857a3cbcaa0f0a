#include "lib/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "lib/base/error.h"
#include "lib/base/prefetch.h"
#include "lib/base/random.h"
#include "lib/train/loops.h"
#include "lib/train/loss.h"

namespace resnet::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Batch {
  std::vector<float> images;
  std::vector<std::int64_t> truths;
};

// Steps after which the training error is that of the network, and not of a lucky batch.
constexpr std::int64_t steps_of_warm_up_error = 100;

// How often `patience` rows in a row had no lower error than the ones before.
std::int64_t drops_of(const std::vector<Row>& rows, std::int64_t patience) {
  std::int64_t drops = 0, since = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    const double error = row.test_error.value_or(row.training_error);
    since = error < least ? 0 : since + 1;
    least = std::min(least, error);
    if (since < patience) continue;
    ++drops;
    since = 0;
  }
  return drops;
}

}  // namespace

struct Trainer::State {
  Network& network;
  const Examples& training;
  const Examples* test;
  const View view;
  const Descent descent;
  const std::size_t workers, batch;

  Checkpoint now;  // without what the network holds
  std::atomic<std::size_t> broken = 0, broken_tests = 0;
  std::mutex mutex;  // of `orders`
  std::map<std::uint64_t, std::shared_ptr<const std::vector<std::uint32_t>>> orders;
  std::optional<Prefetch<Batch>> batches;  // last: its threads use all of the above

  // The examples' order in an epoch.
  std::shared_ptr<const std::vector<std::uint32_t>> order_of(std::uint64_t epoch) {
    const std::lock_guard lock(mutex);
    auto order = orders[epoch];
    if (!order) {
      std::vector<std::uint32_t> places(training.size());
      std::iota(places.begin(), places.end(), 0u);
      Draws draws(stream_key(descent.seed, fmt::format("order of epoch {}", epoch)));
      for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[draws.below(i)]);
      order = orders[epoch] = std::make_shared<const std::vector<std::uint32_t>>(std::move(places));
      // Those that the batches being made may be of, and not more.
      while (orders.size() > 3 + 2 * (workers + 1) * (1 + batch / training.size())) orders.erase(orders.begin());
    }
    return order;
  }

  // Batches follow each other through the epochs without a gap: example k of the run is example k mod n of epoch k / n.
  Batch training_batch(std::uint64_t iteration) {
    Batch result;
    const std::size_t floats = network.input().size() / batch;
    result.images.resize(batch * floats);
    for (std::size_t i = 0; i < batch; ++i) {
      const std::uint64_t place = iteration * batch + i;
      const std::size_t chosen = (*order_of(place / training.size()))[place % training.size()];
      Draws draws(stream_key(descent.seed, fmt::format("view {}", place)));
      const auto [example, pixels] = decoded(chosen);
      training_view(pixels, view, draws, std::span(result.images).subspan(i * floats, floats));
      result.truths.push_back(training[example].truth);
    }
    return result;
  }

  // In place of one that cannot be decoded, the next one that can.
  std::pair<std::size_t, image::Pixels> decoded(std::size_t chosen) {
    for (std::size_t tried = 0;; ++tried) {
      const std::size_t i = (chosen + tried) % training.size();
      try {
        return {i, training.pixels(i)};
      } catch (const Error& error) {
        if (error.role() != Role::input || tried + 1 == training.size()) throw;
        ++broken;
      }
    }
  }

  // Without those that cannot be decoded.
  Batch test_batch(std::size_t index) {
    Batch result;
    const std::size_t floats = network.input().size() / batch, first = index * batch;
    result.images.resize(batch * floats);
    for (std::size_t i = first; i < std::min(first + batch, test->size()); ++i) {
      image::Pixels pixels;
      try {
        pixels = test->pixels(i);
      } catch (const Error& error) {
        if (error.role() != Role::input) throw;
        ++broken_tests;
        continue;
      }
      test_view(pixels, view, std::span(result.images).subspan(result.truths.size() * floats, floats));
      result.truths.push_back((*test)[i].truth);
    }
    return result;
  }

  [[noreturn]] static void refuse_diverged(std::int64_t iteration, const std::string& what, double rate) {
    throw Error(Fault::failed,
                fmt::format("iteration {}: {} no longer finite at learning rate {:g}; try a lower one or a longer warm-up",
                            iteration, what, rate));
  }

  double epoch_of(std::int64_t iteration) const {
    return static_cast<double>(iteration) * static_cast<double>(images_of_step()) / static_cast<double>(training.size());
  }
  std::int64_t images_of_step() const { return static_cast<std::int64_t>(batch) * descent.accumulate; }

  double rate_of(std::int64_t iteration) const {
    return descent.schedule.at(iteration, {.warmed_up = now.warmed_up, .drops = drops_of(now.rows, descent.schedule.patience)});
  }

  // The warm-up ends for good where the training error since the last row is low enough: it has to be that of some batches.
  void end_warm_up(std::int64_t least_steps) {
    const double most = descent.schedule.warmup_error;
    if (most <= 0 || now.warmed_up >= 0 || now.images < least_steps * images_of_step() || now.images == 0) return;
    if (1 - static_cast<double>(now.correct) / static_cast<double>(now.images) < most) now.warmed_up = now.iteration;
  }

  // Of the next batches: their losses, and in every parameter's gradient the mean of theirs.
  BatchLoss learn_gradient(double rate);
};

std::optional<Row> best_of(const std::vector<Row>& rows) {
  std::optional<Row> best;
  for (const Row& row : rows) {
    if (row.test_error && (!best || *row.test_error < *best->test_error)) best = row;
  }
  return best;
}

Trainer::Trainer(Network& network, const Examples& training, const Examples* test, const View& view, const Descent& descent,
                 std::size_t workers)
    : state_(new State{.network = network,
                       .training = training,
                       .test = test,
                       .view = view,
                       .descent = descent,
                       .workers = workers,
                       .batch = static_cast<std::size_t>(network.batch()),
                       .now = {},
                       .mutex = {},
                       .orders = {},
                       .batches = {}}) {
  if (training.size() == 0) throw Error(Fault::invalid, "there are no examples to train on");
}

Trainer::~Trainer() = default;

std::int64_t Trainer::iteration() const { return state_->now.iteration; }
double Trainer::epoch() const { return state_->epoch_of(state_->now.iteration); }
const std::vector<Row>& Trainer::rows() const { return state_->now.rows; }
std::size_t Trainer::tests() const { return state_->test == nullptr ? 0 : state_->test->size(); }
std::size_t Trainer::broken() const { return state_->broken; }
std::size_t Trainer::broken_tests() const { return state_->broken_tests; }

void Trainer::resume(const Checkpoint& checkpoint) {
  for (const Parameter& parameter : state_->network.parameters()) {
    const auto velocity = checkpoint.velocities.find(parameter.name);
    if (velocity == checkpoint.velocities.end())
      throw Error(Fault::malformed, fmt::format("holds no velocity of '{}'", parameter.name));
    state_->network.set_velocity(parameter.name, velocity->second);
  }
  state_->now = checkpoint;
  state_->now.velocities.clear();
  state_->now.graph = {};
}

void Trainer::calibrate(std::size_t batches) {
  for (std::size_t i = 0; i < batches; ++i) {
    const Batch batch = state_->training_batch(i);
    std::copy(batch.images.begin(), batch.images.end(), state_->network.input().begin());
    state_->network.forward(Mode::calibration);
  }
  state_->network.finish_calibration();
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint result = state_->now;
  result.graph = state_->network.graph();
  for (const Parameter& parameter : state_->network.parameters())
    result.velocities.emplace(parameter.name, state_->network.velocity(parameter.name));
  return result;
}

BatchLoss Trainer::State::learn_gradient(double rate) {
  BatchLoss sum;
  std::vector<std::vector<float>> gradients;
  const auto parts = static_cast<float>(descent.accumulate);
  for (std::int64_t part = 0; part < descent.accumulate; ++part) {
    const auto made = batches->next([] { return false; });
    if (!made) throw Error(Fault::internal, "the run has ended");
    std::copy(made->images.begin(), made->images.end(), network.input().begin());
    const BatchLoss loss =
        cross_entropy(network.forward(Mode::training), made->truths, descent.label_smoothing, network.logits_gradient());
    if (!std::isfinite(loss.loss)) refuse_diverged(now.iteration + 1, "the loss is", rate);
    sum.loss += loss.loss;
    sum.correct += loss.correct;
    if (descent.accumulate > 1) {
      for (float& value : network.logits_gradient()) value /= parts;
    }
    network.backward();
    if (descent.accumulate == 1) break;
    gradients.resize(network.parameters().size());
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const std::span<float> gradient = network.parameters()[i].gradient;
      gradients[i].resize(gradient.size());
      add(gradients[i].data(), gradient.data(), part + 1 < descent.accumulate ? gradients[i].data() : gradient.data(),
          gradient.size());
    }
  }
  return sum;
}

Trainer::Step Trainer::step() {
  State& state = *state_;
  const auto start = Clock::now();
  if (!state.batches) {
    const std::int64_t left = std::max<std::int64_t>(0, state.descent.schedule.iterations - state.now.iteration);
    const auto first = static_cast<std::uint64_t>(state.now.iteration * state.descent.accumulate);
    state.batches.emplace(
        static_cast<std::size_t>(left * state.descent.accumulate),
        [&state, first](std::size_t i) { return state.training_batch(first + i); }, state.workers, state.workers + 1);
  }
  const double rate = state.rate_of(state.now.iteration);
  const BatchLoss loss = state.learn_gradient(rate);
  for (Parameter& p : state.network.parameters()) {
    const bool decays = p.is_weight || state.descent.decay_all;
    descend({static_cast<float>(rate), static_cast<float>(state.descent.momentum),
             decays ? static_cast<float>(state.descent.weight_decay) : 0.0f},
            p.values, p.gradient, p.velocity);
  }
  Checkpoint& now = state.now;
  ++now.iteration;
  now.loss += loss.loss;
  now.correct += static_cast<std::int64_t>(loss.correct);
  now.images += state.images_of_step();
  state.end_warm_up(steps_of_warm_up_error);
  const double time = seconds_since(start);
  now.seconds_in_row += time;
  now.seconds += time;
  const auto images = static_cast<double>(now.images);
  return {.loss = loss.loss / static_cast<double>(state.images_of_step()),
          .rate = rate,
          .mean_loss = now.loss / images,
          .accuracy = static_cast<double>(now.correct) / images,
          .images_per_second = images / now.seconds_in_row};
}

std::optional<Row> Trainer::finish_row(const std::function<bool(std::size_t)>& progress) {
  State& state = *state_;
  Checkpoint& now = state.now;
  const auto start = Clock::now();
  const auto images = static_cast<double>(std::max<std::int64_t>(1, now.images));
  // What the last update made of them: no loss has shown it yet.
  for (const Parameter& parameter : state.network.parameters()) {
    if (!std::all_of(parameter.values.begin(), parameter.values.end(), [](float v) { return std::isfinite(v); }))
      state.refuse_diverged(now.iteration, fmt::format("'{}' is", parameter.name), state.rate_of(now.iteration - 1));
  }
  Row row{.iteration = now.iteration,
          .epoch = state.epoch_of(now.iteration),
          .rate = state.rate_of(std::max<std::int64_t>(0, now.iteration - 1)),
          .training_loss = now.loss / images,
          .training_error = 1 - static_cast<double>(now.correct) / images,
          .images_per_second = now.seconds_in_row > 0 ? images / now.seconds_in_row : 0};
  if (state.test != nullptr && state.test->size() > 0) {
    const std::size_t count = (state.test->size() + state.batch - 1) / state.batch;
    Prefetch<Batch> batches(
        count, [&state](std::size_t i) { return state.test_batch(i); }, state.workers, state.workers + 1);
    BatchLoss sum;
    std::size_t tested = 0;
    while (const auto batch = batches.next([] { return false; })) {
      std::copy(batch->images.begin(), batch->images.end(), state.network.input().begin());
      const auto logits = state.network.forward(Mode::inference);
      const std::size_t classes = logits.size() / state.batch;
      const BatchLoss loss = cross_entropy(logits.first(batch->truths.size() * classes), batch->truths, 0, {});
      sum.loss += loss.loss;
      sum.correct += loss.correct;
      tested += batch->truths.size();
      if (!progress(tested)) return std::nullopt;
    }
    if (tested > 0) {
      row.test_loss = sum.loss / static_cast<double>(tested);
      row.test_error = 1 - static_cast<double>(sum.correct) / static_cast<double>(tested);
    }
  }
  state.end_warm_up(0);
  now.seconds += seconds_since(start);
  row.seconds = now.seconds;
  now.rows.push_back(row);
  now.loss = now.seconds_in_row = 0;
  now.correct = now.images = 0;
  return row;
}

}  // namespace resnet::train
