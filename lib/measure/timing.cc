#include "lib/measure/timing.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "lib/analysis/cost.h"
#include "lib/kernels/method.h"

namespace resnet {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

constexpr std::int64_t usual_side = 224;

std::int64_t bytes_of(const Fact& fact) {
  const auto shape = fact.shape();
  return shape && fact.dtype ? shape->elements() * static_cast<std::int64_t>(size_of(*fact.dtype)) : 0;
}

// How many times fewer multiplications than the direct convolution's.
double saving(const std::string& method) {
  using kernels::Method;
  for (const Method way : {Method::winograd2, Method::winograd4, Method::winograd4_stride2}) {
    if (method == kernels::name_of(way)) return kernels::saving(way);
  }
  return 1;
}

void fill_with_noise(DType dtype, std::span<std::byte> bytes, std::uint64_t seed) {
  if (dtype != DType::float32) return;  // zeros
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal;
  auto* values = reinterpret_cast<float*>(bytes.data());
  for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i) values[i] = normal(generator);
}

}  // namespace

std::vector<Shape> usual_shapes(const Graph& graph, std::int64_t batch) {
  std::vector<Shape> shapes;
  for (const ValueId input : graph.inputs()) {
    std::vector<std::int64_t> numbers;
    const std::optional<Dims>& dims = graph.fact(input).dims;
    for (std::size_t i = 0; dims && i < dims->size(); ++i) {
      const Dim& dim = (*dims)[i];
      numbers.push_back(dim.is_number() ? dim.number() : i == 0 ? batch : usual_side);
    }
    shapes.emplace_back(std::move(numbers));
  }
  return shapes;
}

double TimedNetwork::Client::prepare(const std::vector<Shape>& shapes, const Graph& graph, std::uint64_t seed) {
  session->reshape(shapes);
  const auto start = Clock::now();
  for (std::size_t i = 0; i < shapes.size(); ++i)
    fill_with_noise(graph.fact(graph.inputs()[i]).dtype.value_or(DType::float32), session->input(i), seed + i);
  return milliseconds_since(start);
}

double TimedNetwork::Client::run() {
  const auto start = Clock::now();
  session->run();
  return milliseconds_since(start);
}

TimedNetwork::TimedNetwork(const std::function<Graph()>& load, std::size_t threads, std::size_t clients, xnnpack::Job job,
                           std::uint64_t seed) {
  for (std::size_t i = 0; i < clients; ++i)
    clients_.push_back(std::make_unique<Client>(std::max<std::size_t>(1, threads / clients)));
  Client& client = *clients_.front();
  const auto start = Clock::now();
  Graph graph = load();
  shapes_ = usual_shapes(graph, job.batch);
  job.input_shapes = shapes_;
  plan_ = xnnpack::Plan::make(std::move(graph), {.job = std::move(job), .pool = &client.pool});
  client.session = std::make_unique<xnnpack::Session>(plan_, client.pool);
  load_ = milliseconds_since(start);
  const auto first = Clock::now();
  const double filling = client.prepare(shapes_, plan_->graph(), seed);
  client.run();
  first_ = milliseconds_since(first) - filling;
  for (std::size_t i = 1; i < clients; ++i) {
    clients_[i]->session = std::make_unique<xnnpack::Session>(plan_, clients_[i]->pool);
    clients_[i]->prepare(shapes_, plan_->graph(), seed + i * shapes_.size());
    clients_[i]->run();
  }
}

double TimedNetwork::run() { return clients_.front()->run(); }

std::vector<double> TimedNetwork::run_all(double seconds, std::int64_t most, const Stop& stop) {
  std::atomic<std::int64_t> begun = 0;
  std::vector<std::vector<double>> times(clients_.size());
  std::vector<std::exception_ptr> errors(clients_.size());
  const auto start = Clock::now();
  const auto run_one = [&](std::size_t client) {
    try {
      while (!stop.requested() && begun++ < most) {
        times[client].push_back(clients_[client]->run());
        if (milliseconds_since(start) >= seconds * 1e3) return;
      }
    } catch (...) {
      errors[client] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < clients_.size(); ++i) others.emplace_back(run_one, i);
    run_one(0);
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
  stop.check();
  std::vector<double> all;
  for (const std::vector<double>& some : times) all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::vector<StepTime> TimedNetwork::profile(int runs, const Stop& stop) {
  std::vector<Fact> facts;
  const Graph& graph = plan_->graph();
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    facts.push_back(graph.fact(graph.inputs()[i]));
    facts.back().dims = Dims(shapes_[i].dims().begin(), shapes_[i].dims().end());
  }
  const Graph sized = with_input_facts(graph, facts);
  const std::vector<analysis::Cost> costs = analysis::costs_of(sized);
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> macs_and_bytes;  // by the names that steps have
  for (std::size_t id = 0; id < costs.size(); ++id) {
    const Node& node = sized.nodes()[id];
    if (node.outputs.empty()) continue;
    std::int64_t bytes = bytes_of(node.outputs[0].fact);
    for (const ValueId input : node.inputs) bytes += input.is_none() ? 0 : bytes_of(sized.fact(input));
    macs_and_bytes[name_of(node)] = {costs[id].macs, bytes};
  }
  xnnpack::Session& session = *clients_.front()->session;
  std::vector<std::vector<double>> times(session.step_count());
  for (int run = 0; run < runs; ++run) {
    stop.check();
    for (std::size_t i = 0; i < times.size(); ++i) {
      const auto start = Clock::now();
      session.run_step(i);
      times[i].push_back(milliseconds_since(start));
    }
  }
  std::vector<StepTime> steps;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const xnnpack::StepInfo info = session.step_info(i);
    std::sort(times[i].begin(), times[i].end());
    const auto found = macs_and_bytes.find(info.node);
    StepTime& step = steps.emplace_back(StepTime{info.node, info.kind, info.method, quantile(times[i], 0.5)});
    if (found == macs_and_bytes.end()) continue;
    const bool multiplies = info.kind == "convolution" || info.kind == "product" || info.kind == "fallback";
    step.macs = multiplies ? found->second.first : 0;
    step.products = static_cast<double>(step.macs) / saving(info.method);
    step.bytes = found->second.second;
    step.integers = step.macs > 0 && info.method == "integer";
    // A node whose input is padded first has two steps; the last one multiplies. A transpose after it is not one of them.
    if (i > 0 && steps[i - 1].node == info.node && steps[i - 1].kind == info.kind)
      steps[i - 1] = {info.node, info.kind, info.method, steps[i - 1].milliseconds};
  }
  return steps;
}

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at), high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

}  // namespace resnet
