#include "lib/measure/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "lib/analysis/batch_axis.h"
#include "lib/analysis/cost.h"
#include "lib/analysis/layers.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/measure/signal_to_noise.h"
#include "lib/passes/passes.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet {

double last_place(DType dtype, double value) {
  // Bits after the leading one, and the exponent of the smallest normal number.
  int bits = 0, least = 0;
  if (dtype == DType::float16) bits = 10, least = -14;
  if (dtype == DType::bfloat16) bits = 7, least = -126;
  if (bits == 0 || !std::isfinite(value)) return 0;
  return std::ldexp(1.0, std::max(value == 0 ? least : std::ilogb(value), least) - bits);
}

double rounding_of_scale(DType dtype) { return 4 * last_place(dtype, 1); }

DType coarsest_type(const Graph& graph) {
  DType coarsest = DType::float32;
  for (const Node& node : graph.nodes()) {
    if (holds_alternative<Constant>(node.op)) continue;
    for (const Value& value : node.outputs) {
      const DType dtype = value.fact.dtype.value_or(coarsest);
      if (last_place(dtype, 1) > last_place(coarsest, 1)) coarsest = dtype;
    }
  }
  return coarsest;
}

TensorDifference difference_of(const Tensor& a, const Tensor& b, const Tolerance& tolerance) {
  TensorDifference result;
  if (a.shape() != b.shape()) {
    result.problem = fmt::format("shapes {} and {}", a.shape().to_string(), b.shape().to_string());
    return result;
  }
  const std::vector<double> x = a.values_as<double>(), y = b.values_as<double>();
  result.elements = static_cast<std::int64_t>(x.size());
  const DType coarser = last_place(a.dtype(), 1) > last_place(b.dtype(), 1) ? a.dtype() : b.dtype();
  for (const double value : y) {
    if (std::isfinite(value)) result.scale = std::max(result.scale, std::abs(value));
  }
  result.last_place = last_place(coarser, result.scale);
  std::vector<double> distances(x.size());
  double sum = 0;
  SignalToNoise noise;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double distance = std::abs(x[i] - y[i]);
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) distance = 0;
    if (std::isnan(distance)) distance = std::numeric_limits<double>::infinity();
    distances[i] = distance;
    sum += distance;
    if (distance != 0 || std::isfinite(y[i])) noise.add(y[i], distance == 0 ? y[i] : x[i]);
    result.largest = std::max(result.largest, distance);
    const double allowed = std::max(
        {tolerance.absolute + tolerance.relative * std::abs(y[i]), tolerance.of_scale * result.scale, result.last_place});
    if (!(distance <= allowed)) ++result.outside;
  }
  if (a.dtype() != b.dtype()) {
    result.problem = fmt::format("element types {} and {}; largest difference {:.3g} of {:.3g}", name_of(a.dtype()),
                                 name_of(b.dtype()), result.largest, result.scale);
  }
  if (distances.empty()) return result;
  result.decibels = noise.decibels();
  result.mean = sum / static_cast<double>(distances.size());
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  result.median = *middle;
  if (a.shape().rank() == 2) {
    result.rows = a.shape()[0];
    const auto columns = static_cast<std::ptrdiff_t>(a.shape()[1]);
    for (std::int64_t row = 0; row < result.rows; ++row) {
      const auto best = [&](const std::vector<double>& values) {
        const auto begin = values.begin() + row * columns;
        return std::max_element(begin, begin + columns) - begin;
      };
      result.same_best += best(x) == best(y) ? 1 : 0;
    }
  }
  return result;
}

std::vector<Tensor> random_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed) {
  constexpr std::int64_t usual_size = 224;
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs()) {
    const Fact& fact = graph.fact(id);
    if (!fact.dims || !fact.dtype) {
      throw Error(Fault::unsupported,
                  fmt::format("input '{}' is {}: its rank or type is not known", graph.value(id).name, fact.to_string()));
    }
    std::vector<std::int64_t> dims;
    for (std::size_t i = 0; i < fact.rank(); ++i) {
      const Dim& dim = (*fact.dims)[i];
      dims.push_back(dim.is_number() ? dim.number() : i == 0 ? batch : usual_size);
    }
    Tensor tensor = Tensor::allocate(*fact.dtype, Shape(dims));
    dispatch(*fact.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (T& value : tensor.mutable_data<T>()) {
        if constexpr (std::is_same_v<T, bool>) {
          value = generator() % 2 == 0;
        } else if constexpr (std::is_integral_v<T>) {
          value = static_cast<T>(generator() % 128);
        } else {
          value = T(normal(generator));
        }
      }
    });
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

namespace {

// Of activations, at once.
constexpr std::int64_t most_bytes = std::int64_t{256} << 20;

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

Graph sized(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::vector<Fact> facts;
  for (const Tensor& input : inputs)
    facts.push_back(Fact::of(input.dtype(), Dims(input.shape().dims().begin(), input.shape().dims().end())));
  return with_input_facts(graph, facts);
}

std::int64_t bytes_at_once(const Graph& graph, const std::vector<Tensor>& inputs) {
  return analysis::memory_of(sized(graph, inputs)).peak_activations;
}

// Of the plain evaluator, in multiply-adds.
std::int64_t work_of(const Graph& graph, const std::vector<Tensor>& inputs) {
  constexpr std::int64_t each_element = 10;
  const analysis::Cost cost = analysis::total(analysis::costs_of(sized(graph, inputs)));
  const auto elements = checked_multiply(cost.outputs - cost.activations, each_element);
  return checked_add(cost.macs, elements.value_or(cost.outputs)).value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs, ThreadPool& pool, bool optimize) {
  if (inputs.size() == graph.inputs().size()) analysis::refuse_growth(graph, shapes_of(inputs));
  xnnpack::Session session(xnnpack::Plan::make(graph, {.optimize = optimize}), pool);
  return session.run(inputs);
}

std::int64_t macs_of(const Graph& graph, const std::vector<Tensor>& inputs) {
  return analysis::total(analysis::costs_of(sized(graph, inputs))).macs;
}

std::int64_t images_at_once(const Graph& graph, const std::vector<Tensor>& inputs) {
  if (analysis::why_one_alone(graph)) return 1;
  std::vector<Tensor> single = inputs;
  for (Tensor& input : single) {
    if (input.shape().rank() > 0 && input.shape()[0] > 0) input = rows_of(input, 0, 1);
  }
  try {
    return std::max<std::int64_t>(1, most_bytes / std::max<std::int64_t>(bytes_at_once(graph, single), 1));
  } catch (const Error&) {
    return std::numeric_limits<std::int64_t>::max();  // one image does not fit: the batch is fixed, or running says what is wrong
  }
}

Tensor rows_of(const Tensor& tensor, std::int64_t begin, std::int64_t count) {
  std::vector<std::int64_t> dims(tensor.shape().dims().begin(), tensor.shape().dims().end());
  dims[0] = count;
  Tensor part = Tensor::allocate(tensor.dtype(), Shape(dims));
  const std::size_t row = count == 0 ? 0 : part.size_bytes() / static_cast<std::size_t>(count);
  std::copy_n(tensor.bytes().begin() + static_cast<std::ptrdiff_t>(row) * begin, part.size_bytes(), part.mutable_bytes().begin());
  return part;
}

Tensor converted(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  const std::vector<double> values = tensor.values_as<double>();
  Tensor result = Tensor::allocate(dtype, tensor.shape());
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_integral_v<T>) {
      std::transform(values.begin(), values.end(), result.template mutable_data<T>().begin(), [](double value) {
        if constexpr (std::is_same_v<T, double>) return value;
        return T(static_cast<float>(value));
      });
    }
  });
  return result;
}

std::vector<Tensor> inputs_for(const Graph& graph, std::vector<Tensor> inputs) {
  for (std::size_t i = 0; i < std::min(inputs.size(), graph.inputs().size()); ++i) {
    const DType wanted = graph.fact(graph.inputs()[i]).dtype.value_or(inputs[i].dtype());
    if (is_floating_point(wanted) && is_floating_point(inputs[i].dtype())) inputs[i] = converted(inputs[i], wanted);
  }
  return inputs;
}

std::optional<Reference> reference_of(const Graph& graph, const std::vector<Tensor>& inputs, std::int64_t macs) {
  std::int64_t images = -1;  // that all inputs hold along an open first axis
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Fact& fact = graph.fact(graph.inputs()[i]);
    const bool open = fact.dims && !fact.dims->empty() && !(*fact.dims)[0].is_number();
    const std::int64_t own = open ? inputs[i].shape()[0] : 0;
    images = images < 0 || images == own ? own : 0;
  }
  try {
    Reference reference{.inputs = inputs, .outputs = {}};
    if (images > 1) {
      for (Tensor& input : reference.inputs) input = rows_of(input, 0, 1);
      const std::int64_t by_work = macs / std::max<std::int64_t>(work_of(graph, reference.inputs), 1);
      const std::int64_t by_memory = most_bytes / std::max<std::int64_t>(bytes_at_once(graph, reference.inputs), 1);
      const std::int64_t count = std::min({images, by_work, by_memory});
      if (count < 1) return std::nullopt;
      for (std::size_t i = 0; i < inputs.size(); ++i) reference.inputs[i] = rows_of(inputs[i], 0, count);
    } else if (work_of(graph, inputs) > macs || bytes_at_once(graph, inputs) > most_bytes) {
      return std::nullopt;
    }
    // In the arithmetic that the executor has: groups of quantized values by the letter differ from integers by some steps.
    PassLog log;
    reference.outputs = reference::evaluate(integer_arithmetic(graph, log), reference.inputs);
    return reference;
  } catch (const Error& error) {
    if (error.fault() == Fault::malformed) return std::nullopt;  // what it costs depends on the data
    throw;
  }
}

Graph with_outputs(const Graph& graph, const std::vector<std::string>& names) {
  std::map<std::string, ValueId> by_name;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    for (std::size_t slot = 0; slot < graph.nodes()[id].outputs.size(); ++slot) {
      by_name.emplace(graph.nodes()[id].outputs[slot].name, ValueId{static_cast<NodeId>(id), static_cast<std::int32_t>(slot)});
    }
  }
  Graph result = graph;
  std::vector<ValueId> outputs;
  for (const std::string& name : names) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw Error(Fault::invalid, fmt::format("the graph has no value '{}'", name));
    outputs.push_back(found->second);
  }
  result.set_outputs(std::move(outputs));
  return result;
}

}  // namespace resnet
