#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// How the elements of Softmax or LogSoftmax belong together.
template <typename SoftmaxLike>
AxisSplit split_of(const SoftmaxLike& op, const Shape& shape) {
  if (!op.coerce_to_2d) return split_at(shape, normalize_axis(op.axis, shape.rank()));
  AxisSplit split;
  const auto axis = static_cast<std::size_t>(op.axis < 0 ? op.axis + static_cast<std::int64_t>(shape.rank()) : op.axis);
  for (std::size_t i = 0; i < shape.rank(); ++i) (i < axis ? split.outer : split.size) *= shape[i];
  return split;
}

void normalize(const AxisSplit& split, const Tensor& x, Tensor& y, bool log) {
  if (x.elements() == 0) return;
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> values(static_cast<std::size_t>(split.size));
    for (std::int64_t o = 0; o < split.outer; ++o) {
      for (std::int64_t i = 0; i < split.inner; ++i) {
        const T* source = x.data<T>().data() + o * split.size * split.inner + i;
        T* target = y.mutable_data<T>().data() + o * split.size * split.inner + i;
        double largest = -std::numeric_limits<double>::infinity(), sum = 0;
        for (double& value : values) {
          value = static_cast<double>(to_number(*source));
          largest = std::max(largest, value);
          source += split.inner;
        }
        // Measured from the largest, so that no exponential overflows.
        for (double& value : values) {
          const double power = std::exp(value - largest);
          sum += power;
          value = log ? value - largest : power;
        }
        const double log_sum = std::log(sum);
        for (const double value : values) {
          *target = to_element<T>(log ? value - log_sum : value / sum);
          target += split.inner;
        }
      }
    }
  });
}

}  // namespace

void compute(const Softmax& op, Inputs inputs, Outputs outputs) {
  normalize(split_of(op, inputs[0]->shape()), *inputs[0], outputs[0], false);
}
void compute(const LogSoftmax& op, Inputs inputs, Outputs outputs) {
  normalize(split_of(op, inputs[0]->shape()), *inputs[0], outputs[0], true);
}

}  // namespace resnet::reference
