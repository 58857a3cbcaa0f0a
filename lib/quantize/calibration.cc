#include "lib/quantize/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/base/error.h"

namespace resnet::quantize {

namespace {

// A float32 tensor of (N, C, H, W).
struct Maps {
  const float* data;
  std::int64_t images, channels, height, width;
};

// Adds to `sums` (C, kernel high, kernel wide) what each place of the kernel meets in all windows; what is padding adds 0.
void add_windows(const Maps& maps, const Window& window, std::vector<double>& sums) {
  const std::int64_t high = window.kernel[0], wide = window.kernel[1];
  const std::int64_t rows = window.output[0].number(), columns = window.output[1].number();
  std::vector<double> row_sums(static_cast<std::size_t>(wide));
  for (std::int64_t map = 0; map < maps.images * maps.channels; ++map) {
    double* const into = sums.data() + (map % maps.channels) * high * wide;
    for (std::int64_t y = 0; y < maps.height; ++y) {
      const float* const row = maps.data + (map * maps.height + y) * maps.width;
      for (std::int64_t k = 0; k < wide; ++k) {
        const std::int64_t first = k * window.dilations[1] - window.pads_begin[1], stride = window.strides[1];
        double sum = 0;
        for (std::int64_t i = 0; i < columns; ++i) {
          const std::int64_t x = first + i * stride;
          if (x >= 0 && x < maps.width) sum += static_cast<double>(row[x]);
        }
        row_sums[static_cast<std::size_t>(k)] = sum;
      }
      for (std::int64_t k = 0; k < high; ++k) {
        const std::int64_t distance = y + window.pads_begin[0] - k * window.dilations[0];
        if (distance < 0 || distance % window.strides[0] != 0 || distance / window.strides[0] >= rows) continue;
        for (std::int64_t j = 0; j < wide; ++j) into[k * wide + j] += row_sums[static_cast<std::size_t>(j)];
      }
    }
  }
}

}  // namespace

Calibration::Calibration(const Scheme& scheme) : scheme_(scheme) {
  std::set<ValueId> seen;
  const auto see = [&](ValueId value) {
    if (seen.insert(value).second) values_.push_back(value);
  };
  for (const ValueId value : scheme.ranged()) {
    histograms_.emplace(value, Histogram());
    see(value);
  }
  for (const NodeId layer : scheme.layers()) {
    if (scheme.kind(layer) != Kind::weighted) continue;
    const ValueId input = scheme.graph().node(layer).inputs[0];
    layers_[input].push_back(layer);
    means_.emplace(layer, Means());
    see(input);
  }
}

void Calibration::add(std::size_t index, const Tensor& value, std::size_t images) {
  const ValueId id = values_[index];
  const Shape& shape = value.shape();
  auto values = value.data<float>();
  const bool has_batch = shape.rank() > 0 && shape[0] > 0 && static_cast<std::size_t>(shape[0]) >= images;
  if (has_batch) values = values.first(values.size() / static_cast<std::size_t>(shape[0]) * images);
  if (const auto histogram = histograms_.find(id); histogram != histograms_.end()) {
    histogram->second.add(values);
    if (histogram->second.not_finite() > 0) {
      throw Error(Fault::unsupported, fmt::format("value '{}' of {} is not finite (NaN or infinite), and so has no range; "
                                                  "expected a network that is right in floats",
                                                  scheme_.graph().value(id).name, describe(scheme_.graph().node(id.node))));
    }
  }
  if (const auto layers = layers_.find(id); layers != layers_.end()) {
    for (const NodeId layer : layers->second) add_means(layer, value, images, means_.at(layer));
  }
}

void Calibration::add_means(NodeId layer, const Tensor& value, std::size_t images, Means& means) const {
  const Graph& graph = scheme_.graph();
  const Node& node = graph.node(layer);
  const Shape& shape = value.shape();
  if (const auto* conv = get_if<Conv>(&node.op)) {
    const Shape weight = *graph.fact(node.inputs[1]).shape();
    if (shape.rank() != 4 || weight.rank() != 4) return;
    const Window window = window_of(*conv, {weight[2], weight[3]}, {Dim(shape[2]), Dim(shape[3])});
    means.sums.resize(static_cast<std::size_t>(shape[1] * weight[2] * weight[3]));
    const auto count = std::min(shape[0], static_cast<std::int64_t>(images));
    add_windows({value.data<float>().data(), count, shape[1], shape[2], shape[3]}, window, means.sums);
    means.count += static_cast<double>(count * window.output[0].number() * window.output[1].number());
    return;
  }
  if (shape.rank() < 2 || value.elements() == 0) return;
  const auto width = static_cast<std::size_t>(shape[shape.rank() - 1]);
  const std::size_t rows = static_cast<std::size_t>(value.elements()) / width / static_cast<std::size_t>(shape[0]) *
                           std::min(static_cast<std::size_t>(shape[0]), images);
  means.sums.resize(width);
  const auto values = value.data<float>();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) means.sums[i] += static_cast<double>(values[row * width + i]);
  }
  means.count += static_cast<double>(rows);
}

std::vector<double> Calibration::input_means(NodeId layer) const {
  const Means& found = means_.at(layer);
  std::vector<double> means = found.sums;
  for (double& mean : means) mean /= found.count;
  return means;
}

ParametersOf Calibration::parameters(Method method, double percentile, std::vector<std::string>& notes) const {
  ParametersOf result;
  for (const ValueId value : scheme_.ranged()) {
    const Range range = choose_range(histogram(value), method, scheme_.activations(), percentile);
    if (is_too_small(range, scheme_.activations())) {
      notes.push_back(fmt::format("value '{}' of {} was 0 for every photo, and gets a scale of 1",
                                  scheme_.graph().value(value).name, describe(scheme_.graph().node(value.node))));
    }
    result.emplace(value, parameters_of(range, scheme_.activations()));
  }
  return result;
}

}  // namespace resnet::quantize
