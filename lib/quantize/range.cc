#include "lib/quantize/range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace resnet::quantize {

namespace {

using Bins = std::vector<Histogram::Bin>;

constexpr int levels = 256;

// The stored integers' limits.
struct Limits {
  double least, most;
};
Limits limits_of(Activations activations) { return activations == Activations::u8 ? Limits{0, 255} : Limits{-128, 127}; }

Range whole(const Histogram& histogram) {
  return {std::min(0.0, static_cast<double>(histogram.least())), std::max(0.0, static_cast<double>(histogram.most()))};
}

double round_half_even(double value) {
  constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52: leaves no fraction
  return (value + shift) - shift;
}

// Which of the stored integers a value becomes.
class Quantizer {
 public:
  Quantizer(const Range& range, Activations activations)
      : parameters_(parameters_of(range, activations)), limits_(limits_of(activations)) {}
  double operator()(double value) const {
    const double stored = round_half_even(value / scale()) + parameters_.zero_point;
    return std::clamp(stored, limits_.least, limits_.most);
  }
  double value_of(double stored) const { return (stored - parameters_.zero_point) * scale(); }
  double least() const { return limits_.least; }

 private:
  double scale() const { return static_cast<double>(parameters_.scale); }
  Parameters parameters_;
  Limits limits_;
};

// The value above which `beyond` of the values lie, bins taken as evenly filled; `bins` from the largest value down.
template <typename Iterator>
double bound(Iterator begin, Iterator end, double beyond, double width, double sign, double extreme) {
  double passed = 0;
  for (Iterator bin = begin; bin != end; ++bin) {
    const auto count = static_cast<double>(bin->count);
    if (passed + count > beyond) {
      const double outer = bin->centre * sign + width / 2;
      return std::min(extreme * sign, outer - width * (beyond - passed) / count);
    }
    passed += count;
  }
  return 0;
}

Range percentile_range(const Histogram& histogram, const Bins& bins, double percentile) {
  const double beyond = static_cast<double>(histogram.count()) * (100 - percentile) / 200;
  const double width = histogram.bin_width();
  const Range all = whole(histogram);
  // Values of 0 end the search on either side.
  const auto first_above = std::find_if(bins.begin(), bins.end(), [](const Histogram::Bin& bin) { return bin.centre > 0; });
  const double high = bound(bins.rbegin(), std::make_reverse_iterator(first_above), beyond, width, 1, all.high);
  const double low = -bound(bins.begin(), first_above, beyond, width, -1, all.low);
  return {std::min(0.0, low), std::max(0.0, high)};
}

double squared_error(const Bins& bins, const Range& range, Activations activations) {
  const Quantizer quantizer(range, activations);
  double sum = 0;
  for (const auto& [centre, count] : bins) {
    const double error = centre - quantizer.value_of(quantizer(centre));
    sum += error * error * static_cast<double>(count);
  }
  return sum;
}

// How much the distribution within the range, what lies outside put at its ends, differs from the one that 8 bits can express:
// each level's share spread over the bins that are filled.
double divergence(const Bins& bins, const Range& range, Activations activations) {
  const Quantizer quantizer(range, activations);
  std::vector<double> mass(levels, 0.0), filled(levels, 0.0);
  const auto level = [&](double centre) { return static_cast<std::size_t>(quantizer(centre) - quantizer.least()); };
  const auto lies_in = [&](double centre) { return centre >= range.low && centre <= range.high; };
  double below = 0, above = 0, total = 0;
  const Histogram::Bin *first = nullptr, *last = nullptr;
  for (const Histogram::Bin& bin : bins) {
    const auto count = static_cast<double>(bin.count);
    total += count;
    if (!lies_in(bin.centre)) {
      (bin.centre < 0 ? below : above) += count;
      continue;
    }
    if (first == nullptr) first = &bin;
    last = &bin;
    mass[level(bin.centre)] += count;
    filled[level(bin.centre)] += 1;
  }
  if (first == nullptr) return std::numeric_limits<double>::infinity();
  const double within = total - below - above;
  double sum = 0;
  for (const Histogram::Bin* bin = first; bin <= last; ++bin) {
    double p = static_cast<double>(bin->count);
    if (bin == first) p += below;
    if (bin == last) p += above;
    const std::size_t at = level(bin->centre);
    const double q = mass[at] / filled[at] / within;
    p /= total;
    sum += p * std::log(p / q);
  }
  return sum;
}

// The shares of the whole range that are tried, the largest first.
template <typename Loss>
double best_share(const Loss& loss) {
  constexpr int steps = 80;
  double best = 1, least = loss(1.0);
  for (int step = 1; step < steps; ++step) {
    const double share = 1 - static_cast<double>(step) / (steps * 1.25);  // down to about a fifth
    if (const double found = loss(share); found < least) {
      least = found;
      best = share;
    }
  }
  return best;
}

Range entropy_range(const Bins& bins, const Range& all, Activations activations) {
  const auto scaled = [&](double share) { return Range{all.low * share, all.high * share}; };
  return scaled(best_share([&](double share) { return divergence(bins, scaled(share), activations); }));
}

Range mse_range(const Bins& bins, const Range& all, Activations activations) {
  Range range = all;
  const bool two_ends = activations == Activations::u8 && all.low < 0 && all.high > 0;
  if (!two_ends) {
    const double share = best_share([&](double part) {
      return squared_error(bins, {all.low * part, all.high * part}, activations);
    });
    return {all.low * share, all.high * share};
  }
  for (int round = 0; round < 2; ++round) {
    range.high = all.high * best_share([&](double share) {
                   return squared_error(bins, {range.low, all.high * share}, activations);
                 });
    range.low = all.low * best_share([&](double share) {
                  return squared_error(bins, {all.low * share, range.high}, activations);
                });
  }
  return range;
}

}  // namespace

Range choose_range(const Histogram& histogram, Method method, Activations activations, double percentile) {
  const Range all = whole(histogram);
  if (method == Method::minmax || is_too_small(all, activations)) return all;
  const Bins bins = histogram.filled();
  Range chosen = all;
  switch (method) {
    case Method::minmax: break;
    case Method::percentile: chosen = percentile_range(histogram, bins, percentile); break;
    case Method::entropy: chosen = entropy_range(bins, all, activations); break;
    case Method::mse: chosen = mse_range(bins, all, activations); break;
  }
  // A tensor that is 0 but for a few elements keeps them.
  return is_too_small(chosen, activations) ? all : chosen;
}

namespace {

double scale_of(const Range& range, Activations activations) {
  if (activations == Activations::s8) return 2 * std::max(-range.low, range.high) / 254;
  return (range.high - range.low) / 255;
}

}  // namespace

bool is_too_small(const Range& range, Activations activations) {
  return !(static_cast<float>(scale_of(range, activations)) >= std::numeric_limits<float>::min());
}

Parameters parameters_of(const Range& range, Activations activations) {
  if (is_too_small(range, activations)) return {};
  const auto scale = static_cast<float>(scale_of(range, activations));
  if (activations == Activations::s8) return {scale, 0};
  const double zero_point = round_half_even(-range.low / static_cast<double>(scale));
  return {scale, static_cast<std::int32_t>(std::clamp(zero_point, 0.0, 255.0))};
}

}  // namespace resnet::quantize
