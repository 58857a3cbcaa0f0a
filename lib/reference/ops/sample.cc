#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// A place turned back at both ends of [least, most] until it lies inside.
double reflected(double x, double least, double most) {
  const double range = most - least;
  if (!(range > 0) || !std::isfinite(x)) return least;
  const double away = std::fmod(std::abs(x - least), 2 * range);
  return least + (away > range ? 2 * range - away : away);
}

// Where one axis is read, and by which weights.
struct Taps {
  std::array<std::int64_t, 4> places{};
  std::array<double, 4> weights{};
  std::size_t count = 0;
};

class Axis {
 public:
  Axis(const GridSample& op, std::int64_t size) : op_(op), size_(size) {}

  Taps at(double grid) const {
    const double size = static_cast<double>(size_);
    double x = op_.align_corners ? (grid + 1) / 2 * (size - 1) : ((grid + 1) * size - 1) / 2;
    Taps taps;
    if (op_.mode == GridSample::Mode::nearest) {
      add(taps, std::nearbyint(padded(x)), 1);
      return taps;
    }
    if (op_.mode == GridSample::Mode::linear) {
      x = padded(x);
      const double low = std::floor(x);
      add(taps, low, low + 1 - x);
      add(taps, low + 1, x - low);
      return taps;
    }
    const double low = std::floor(x), t = x - low, a = -0.75;
    const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    add(taps, low - 1, far(t + 1));
    add(taps, low, near(t));
    add(taps, low + 1, near(1 - t));
    add(taps, low + 2, far(2 - t));
    return taps;
  }

 private:
  double padded(double x) const {
    const double size = static_cast<double>(size_);
    switch (op_.padding_mode) {
      case GridSample::Padding::zeros: return x;
      case GridSample::Padding::border: return std::isnan(x) ? 0.0 : std::clamp(x, 0.0, size - 1);
      case GridSample::Padding::reflection: {
        const double turned = op_.align_corners ? reflected(x, 0, size - 1) : reflected(x, -0.5, size - 0.5);
        return std::clamp(turned, 0.0, size - 1);
      }
    }
    __builtin_unreachable();
  }
  // What lies outside counts as 0 where it is not padded otherwise.
  void add(Taps& taps, double place, double weight) const {
    if (op_.padding_mode != GridSample::Padding::zeros) place = padded(place);
    if (!(place >= 0 && place <= static_cast<double>(size_ - 1))) return;
    taps.places[taps.count] = static_cast<std::int64_t>(place);
    taps.weights[taps.count++] = weight;
  }

  const GridSample& op_;
  std::int64_t size_;
};

// The weighted sum over all axes' taps of a map.
template <typename T>
double read(const T* map, std::span<const Taps> taps, std::span<const std::int64_t> steps) {
  double sum = 0;
  for (std::size_t i = 0; i < taps[0].count; ++i) {
    const T* at = map + taps[0].places[i] * steps[0];
    sum += taps[0].weights[i] *
           (taps.size() == 1 ? static_cast<double>(to_number(*at)) : read(at, taps.subspan(1), steps.subspan(1)));
  }
  return sum;
}

}  // namespace

void compute(const GridSample& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::size_t axes = x.shape().rank() - 2;
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1], places = y.elements() / (batch * channels);
  const std::int64_t map = x.elements() / (batch * channels);
  if (inputs[1]->shape()[0] != batch)
    throw Error(Fault::malformed, "grid is " + inputs[1]->shape().to_string() + ", expected a batch of " + std::to_string(batch));
  const auto grid = inputs[1]->values_as<double>();
  const auto strides = x.shape().strides();
  const std::vector<std::int64_t> steps(strides.begin() + 2, strides.end());
  std::vector<Axis> readers;
  for (std::size_t i = 0; i < axes; ++i) readers.emplace_back(op, x.shape()[i + 2]);
  std::vector<Taps> taps(axes);
  dispatch_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t place = 0; place < places; ++place) {
        const double* at = grid.data() + (n * places + place) * static_cast<std::int64_t>(axes);
        // The grid names the last axis first.
        for (std::size_t i = 0; i < axes; ++i) taps[i] = readers[i].at(at[axes - 1 - i]);
        for (std::int64_t c = 0; c < channels; ++c) {
          target[(n * channels + c) * places + place] =
              to_element<T>(read(source + (n * channels + c) * map, std::span<const Taps>(taps), steps));
        }
      }
    }
  });
}

void compute(const AffineGrid& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const auto axes = static_cast<std::size_t>(y.shape()[y.shape().rank() - 1]);
  const auto theta = inputs[0]->values_as<double>();
  if (static_cast<std::int64_t>(theta.size()) != y.shape()[0] * static_cast<std::int64_t>(axes * (axes + 1)))
    throw Error(Fault::malformed, "theta is " + inputs[0]->shape().to_string() + " for a grid of " + y.shape().to_string());
  const std::int64_t places = y.elements() / y.shape()[0] / static_cast<std::int64_t>(axes);
  std::vector<double> place(axes + 1, 1.0);
  dispatch_real(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::int64_t n = 0; n < y.shape()[0]; ++n) {
      const double* matrix = theta.data() + static_cast<std::size_t>(n) * axes * (axes + 1);
      for (std::int64_t i = 0; i < places; ++i) {
        std::int64_t rest = i;
        for (std::size_t axis = axes; axis-- > 0;) {
          const std::int64_t size = y.shape()[axis + 1];
          const double index = static_cast<double>(rest % size), count = static_cast<double>(size);
          rest /= size;
          place[axes - 1 - axis] =
              op.align_corners ? (size == 1 ? 0.0 : 2 * index / (count - 1) - 1) : (2 * index + 1) / count - 1;
        }
        for (std::size_t row = 0; row < axes; ++row) {
          double sum = 0;
          for (std::size_t k = 0; k <= axes; ++k) sum += matrix[row * (axes + 1) + k] * place[k];
          *target++ = to_element<T>(sum);
        }
      }
    }
  });
}

}  // namespace resnet::reference
