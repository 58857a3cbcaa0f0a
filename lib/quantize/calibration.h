// What is learned of a network's values while it is shown photos: their ranges and means, never the tensors.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lib/quantize/histogram.h"
#include "lib/quantize/range.h"
#include "lib/quantize/scheme.h"

namespace resnet::quantize {

// By the value whose range gives them (Scheme::range_of).
using ParametersOf = std::map<ValueId, Parameters>;

class Calibration {
 public:
  // `scheme` outlives it.
  explicit Calibration(const Scheme& scheme);

  // The values that are to be seen, of Scheme::graph().
  const std::vector<ValueId>& values() const { return values_; }
  // What one of them, by its place among values(), is for the first `images` of a batch: float32, (N, ...). Different values may
  // be added by different threads at once. Throws Error(unsupported) that names the value where it is not finite.
  void add(std::size_t index, const Tensor& value, std::size_t images);

  // Of a value among Scheme::ranged().
  const Histogram& histogram(ValueId range) const { return histograms_.at(range); }
  // The mean, over all images and places of the output, of what each weight of an output channel is multiplied with: for Conv by
  // (input channel, place in the kernel), for Gemm and MatMul by row. Empty where the layer's form is not known.
  std::vector<double> input_means(NodeId layer) const;

  // `notes` gets a line for each value that was 0 throughout.
  ParametersOf parameters(Method method, double percentile, std::vector<std::string>& notes) const;

 private:
  struct Means {
    std::vector<double> sums;
    double count = 0;
  };
  void add_means(NodeId layer, const Tensor& value, std::size_t images, Means& means) const;

  const Scheme& scheme_;
  std::vector<ValueId> values_;
  std::map<ValueId, Histogram> histograms_;
  std::map<NodeId, Means> means_;
  std::map<ValueId, std::vector<NodeId>> layers_;  // that read a value
};

}  // namespace resnet::quantize
