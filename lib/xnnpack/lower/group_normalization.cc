// InstanceNormalization, GroupNormalization and MeanVarianceNormalization, with the activation after them.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "lib/kernels/normalization.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// How groups of channels are normalized.
struct Grouping {
  std::int64_t groups = 0;  // 0: each channel is one
  double epsilon = 0;
  bool adds_to_deviation = false;    // the epsilon, instead of to the variance
  bool joins_images = false;         // of a batch
  std::vector<double> scale, shift;  // by channel; none: 1 and 0
};

// The sizes of one run, and where its parts are. Statistics are made of blocks of rows (pixels), so that all threads have some;
// how rows are cut depends on the shape alone. Where channels are the outer axis, an image has one block.
struct Sizes {
  std::size_t images, channels, rows, groups;
  bool channels_first;
  std::size_t block_rows = channels_first ? rows : std::max<std::size_t>(loop_grain / channels, 1);
  std::size_t blocks = (rows + block_rows - 1) / block_rows;

  std::size_t image_size() const { return rows * channels; }
  std::size_t group_size() const { return channels / groups; }
  // The doubles of a block: a sum for each channel, then its squares.
  std::size_t block_sums() const { return 2 * channels; }
  // A value near the others of its channel.
  const float* origin(const float* x, std::size_t image, std::size_t channel) const {
    return x + image * image_size() + channel * (channels_first ? rows : 1);
  }
};

void add_up_block(const Sizes& s, std::size_t index, const float* x, double* sums) {
  const std::size_t image = index / s.blocks, first = index % s.blocks * s.block_rows;
  double* own = sums + index * s.block_sums();
  kernels::column_moments(x + image * s.image_size() + first * s.channels, std::min(s.block_rows, s.rows - first), s.channels,
                          s.origin(x, image, 0), own, own + s.channels);
}

void add_up_channel(const Sizes& s, std::size_t index, const float* x, double* sums) {
  const std::size_t image = index / s.channels, channel = index % s.channels;
  const float* from = s.origin(x, image, channel);
  const kernels::Moments moments = kernels::moments(from, s.rows, *from);
  double* own = sums + image * s.block_sums() + channel;
  own[0] = moments.sum;
  own[s.channels] = moments.squares;
}

// Of all blocks of a channel.
kernels::Moments moments_of(const Sizes& s, std::size_t image, std::size_t channel, const double* sums) {
  kernels::Moments all;
  const double* own = sums + image * s.blocks * s.block_sums() + channel;
  for (std::size_t block = 0; block < s.blocks; ++block, own += s.block_sums()) {
    all.sum += own[0];
    all.squares += own[s.channels];
  }
  return all;
}

// Where a group is centred, and what its distances are multiplied by.
struct Statistics {
  double mean = 0, factor = 1;
};

Statistics statistics_of(const Sizes& s, const Grouping& grouping, std::size_t image, std::size_t group, const float* x,
                         const double* sums) {
  const std::size_t first = group * s.group_size(), end = first + s.group_size();
  const auto rows = static_cast<double>(s.rows);
  const auto mean_of = [&](std::size_t channel, const kernels::Moments& moments) {
    return static_cast<double>(*s.origin(x, image, channel)) + moments.sum / rows;
  };
  Statistics result;
  for (std::size_t c = first; c < end; ++c) result.mean += mean_of(c, moments_of(s, image, c, sums));
  result.mean /= static_cast<double>(s.group_size());
  double squares = 0;
  for (std::size_t c = first; c < end; ++c) {
    const kernels::Moments moments = moments_of(s, image, c, sums);
    const double distance = mean_of(c, moments) - result.mean;
    squares += moments.squares - moments.sum * moments.sum / rows + rows * distance * distance;
  }
  const double variance = std::max(squares, 0.0) / (rows * static_cast<double>(s.group_size()));
  result.factor =
      grouping.adds_to_deviation ? 1 / (std::sqrt(variance) + grouping.epsilon) : 1 / std::sqrt(variance + grouping.epsilon);
  return result;
}

// Of an image: the means of its channels in two floats each, then factors, then shifts.
void set_coefficients(const Sizes& s, const Grouping& grouping, std::size_t index, const float* x, const double* sums,
                      float* coefficients) {
  const std::size_t image = index / s.groups, group = index % s.groups;
  const Statistics statistics =
      statistics_of(s, grouping, image, has_fault(PlantedFault::group_misplaced) ? s.groups - 1 - group : group, x, sums);
  const auto high = static_cast<float>(statistics.mean);
  float* own = coefficients + image * 4 * s.channels;
  for (std::size_t c = group * s.group_size(); c < (group + 1) * s.group_size(); ++c) {
    own[c] = high;
    own[s.channels + c] = static_cast<float>(statistics.mean - static_cast<double>(high));
    own[2 * s.channels + c] = static_cast<float>(statistics.factor * (grouping.scale.empty() ? 1 : grouping.scale[c]));
    own[3 * s.channels + c] = grouping.shift.empty() ? 0.0f : static_cast<float>(grouping.shift[c]);
  }
}

void normalize_block(const Sizes& s, std::size_t index, const float* x, const float* coefficients, float* y,
                     kernels::Bounds bounds) {
  const std::size_t image = index / s.blocks, first = index % s.blocks * s.block_rows;
  const std::size_t at = image * s.image_size() + first * s.channels;
  const float* own = coefficients + image * 4 * s.channels;
  kernels::normalize_columns(x + at, y + at, std::min(s.block_rows, s.rows - first), s.channels,
                             {own, own + s.channels, own + 2 * s.channels, own + 3 * s.channels}, bounds);
}

void normalize_channel(const Sizes& s, std::size_t index, const float* x, const float* coefficients, float* y,
                       kernels::Bounds bounds) {
  const std::size_t at = index * s.rows;
  const float* own = coefficients + index / s.channels * 4 * s.channels + index % s.channels;
  kernels::normalize(x + at, y + at, s.rows, {own[0], own[s.channels], own[2 * s.channels]}, own[3 * s.channels], bounds);
}

class GroupNormalizationStep final : public ClampingStep {
 public:
  GroupNormalizationStep(Grouping grouping, const Site& site)
      : ClampingStep(site), grouping_(std::move(grouping)), wants_(site.has_rank(0, 4) ? Layout::nhwc : Layout::as_graph) {}
  std::string_view kind() const override { return "group_normalization"; }
  Layout wants() const override { return wants_; }

  void emit(Emitter& e) const override {
    const ValueId input = e.node().inputs[0];
    const Shape& shape = e.shape(input);
    const Order first = canonical_order(shape.rank()), last = channels_last(shape.rank()), home = e.home(input).order;
    const bool channels_first = !grouping_.joins_images && same_bytes(shape, home, first) && !same_bytes(shape, home, last);
    const Sizes s = sizes(shape, channels_first);
    const int x = e.demand(input, channels_first ? first : last);
    const int sums = e.allocate(s.images * s.blocks * s.block_sums() * sizeof(double));
    const int coefficients = e.allocate(s.images * 4 * s.channels * sizeof(float));
    const int y = e.produce(output(), channels_first ? first : last);
    const std::size_t parts = s.images * (channels_first ? s.channels : s.blocks);
    const std::size_t grain = std::max<std::size_t>(loop_grain * parts / (s.images * s.image_size()), 1);
    e.add_loop({{x}, {sums}}, parts, grain, [s](Addresses at, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        (s.channels_first ? add_up_channel : add_up_block)(s, i, as<float>(at[0]), as<double>(at[1]));
    });
    const std::size_t few = std::max<std::size_t>(loop_grain / (s.group_size() * s.blocks * 2), 1);
    e.add_loop({{x, sums}, {coefficients}}, s.images * s.groups, few,
               [s, this](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   set_coefficients(s, grouping_, i, as<float>(at[0]), as<double>(at[1]), as<float>(at[2]));
               });
    e.add_loop({{x, coefficients}, {y}}, parts, grain, [s, this](Addresses at, std::size_t begin, std::size_t end) {
      const auto normalize = s.channels_first ? normalize_channel : normalize_block;
      for (std::size_t i = begin; i < end; ++i)
        normalize(s, i, as<float>(at[0]), as<float>(at[1]), as<float>(at[2]), {activation().least, activation().most});
    });
  }

 private:
  Sizes sizes(const Shape& shape, bool channels_first) const {
    auto images = static_cast<std::size_t>(shape[0]);
    const auto channels = static_cast<std::size_t>(shape[1]);
    std::size_t rows = static_cast<std::size_t>(shape.elements()) / (images * channels);
    if (grouping_.joins_images) rows *= std::exchange(images, 1);
    return {images, channels, rows, grouping_.groups == 0 ? channels : static_cast<std::size_t>(grouping_.groups),
            channels_first};
  }

  Grouping grouping_;
  Layout wants_;
};

// Scale and shift are the operands after the first.
std::unique_ptr<Step> normalization(std::int64_t groups, float epsilon, const Site& site) {
  if (!site.is_float() || site.rank(0) < 2 || !site.is_constant(1) || !site.is_constant(2)) return nullptr;
  return std::make_unique<GroupNormalizationStep>(Grouping{.groups = groups,
                                                           .epsilon = static_cast<double>(epsilon),
                                                           .scale = site.fact(1).value->values_as<double>(),
                                                           .shift = site.fact(2).value->values_as<double>()},
                                                  site);
}

}  // namespace

std::unique_ptr<Step> lower(const InstanceNormalization& op, const Site& site) { return normalization(0, op.epsilon, site); }

std::unique_ptr<Step> lower(const GroupNormalization& op, const Site& site) {
  return normalization(op.num_groups, op.epsilon, site);
}

// Over all positions, and over nothing else but the channels or the batch.
std::unique_ptr<Step> lower(const MeanVarianceNormalization& op, const Site& site) {
  const std::size_t rank = site.rank(0);
  if (!site.is_float() || rank < 2) return nullptr;
  std::vector<bool> joined(rank, false);
  for (const std::int64_t axis : op.axes) joined[normalize_axis(axis, rank)] = true;
  const bool positions = std::all_of(joined.begin() + 2, joined.end(), [](bool is) { return is; });
  if (!positions || (joined[0] && joined[1])) return nullptr;
  return std::make_unique<GroupNormalizationStep>(Grouping{.groups = joined[1] ? 1 : 0,
                                                           .epsilon = 1e-9,
                                                           .adds_to_deviation = true,
                                                           .joins_images = joined[0],
                                                           .scale = {},
                                                           .shift = {}},
                                                  site);
}

}  // namespace resnet::xnnpack
