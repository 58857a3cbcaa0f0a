#include "lib/kernels/integer_layout.h"

#include <algorithm>
#include <cstring>

#include "lib/kernels/integer_winograd.h"

namespace resnet::kernels {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

constexpr std::int64_t header = 64;  // bytes
constexpr std::int64_t line = 64;    // where weights begin is a multiple of this

// Channels of a pixel up to which a row of the filter is one tap, where it can be.
constexpr std::int64_t few_channels = 32;

// The most groups that divide all and fill no more than a vector.
std::int64_t groups_of_unit(const IntegerFilter& filter, std::int64_t lanes) {
  const std::int64_t outputs = filter.outputs / filter.groups;
  std::int64_t joined = std::max<std::int64_t>(std::min(lanes / outputs, filter.groups), 1);
  while (filter.groups % joined != 0) --joined;
  return joined;
}

}  // namespace

IntegerLayout::IntegerLayout(const IntegerFilter& of) : tiles(integer_tiles()), filter(of) {
  turned = filter.x_signed && tiles.group == 4;
  joined = groups_of_unit(filter, tiles.lanes);
  units = filter.groups / joined;
  unit_outputs = filter.outputs / units;
  unit_channels = filter.channels * joined;
  whole_rows =
      filter.taps_wide > 1 && filter.dilation_wide == 1 && (unit_channels <= few_channels || unit_channels % tiles.group != 0);
  taps = whole_rows ? filter.taps_high : filter.taps();
  run = whole_rows ? filter.taps_wide * unit_channels : unit_channels;
  steps = divide_up(run, tiles.group);
  panels_of_unit = divide_up(unit_outputs, width());
  unit_lanes = divide_up(unit_outputs, tiles.lanes) * tiles.lanes;
  unit_bytes = divide_up(taps * steps * tiles.group * unit_lanes, line) * line;
}

std::size_t IntegerLayout::size() const {
  return static_cast<std::size_t>(header + divide_up(3 * lanes() * 4, line) * line + units * unit_bytes);
}

IntegerPanelPlace PackedIntegers::panel(std::int64_t index) const {
  const std::int64_t unit = index / layout_.panels_of_unit, from = index % layout_.panels_of_unit * layout_.width();
  const std::int64_t count = std::min(layout_.width(), layout_.unit_outputs - from);
  const std::int64_t weights = header + divide_up(3 * layout_.lanes() * 4, line) * line + unit * layout_.unit_bytes +
                               from * layout_.taps * layout_.steps * layout_.tiles.group;
  return {unit,
          unit * layout_.unit_outputs + from,
          count,
          divide_up(count, layout_.tiles.lanes),
          unit * layout_.unit_lanes + from,
          packed_ + weights};
}

std::string integer_packing() {
  const IntegerTiles& tiles = integer_tiles();
  return std::to_string(tiles.group) + " by " + std::to_string(tiles.lanes) + " by " + std::to_string(tiles.vectors);
}

std::size_t packed_size(const IntegerFilter& filter) {
  return filter.winograd ? integer_winograd::packed_size(filter) : IntegerLayout(filter).size();
}

namespace {

// One run of weights of an output, with `flip` 128 apart from what they were, into the places of a lane. Returns their sum, of
// bytes with a sign or without (`turned`).
std::int32_t pack_run(const std::uint8_t* from, std::uint8_t flip, bool turned, std::int64_t first, std::int64_t count,
                      std::int64_t group, std::int64_t step_bytes, std::uint8_t* to) {
  std::int32_t sum = 0;
  // A byte without a sign is 128 more than the one with a sign whose first bit is turned.
  const std::uint8_t bit = turned ? 0x80 : 0;
  std::int64_t k = first;
  const std::int64_t end = first + count;
  const auto one = [&] {
    const auto weight = static_cast<std::uint8_t>(from[k - first] ^ flip);
    to[k / group * step_bytes + k % group] = weight;
    sum += static_cast<std::int8_t>(weight ^ bit);
    ++k;
  };
  while (k < end && k % group != 0) one();
  if (group == 4) {
    const std::uint32_t flips = flip * 0x01010101U;
    for (; k + 4 <= end; k += 4) {
      std::uint32_t four;
      std::memcpy(&four, from + k - first, sizeof four);
      four ^= flips;
      std::memcpy(to + k / 4 * step_bytes, &four, sizeof four);
      four ^= bit * 0x01010101U;
      sum += static_cast<std::int8_t>(four) + static_cast<std::int8_t>(four >> 8) + static_cast<std::int8_t>(four >> 16) +
             static_cast<std::int8_t>(four >> 24);
    }
  }
  while (k < end) one();
  return sum + (turned ? 128 * static_cast<std::int32_t>(count) : 0);
}

}  // namespace

void pack_filter(const IntegerFilter& filter, const IntegerWeights& weights, std::uint8_t* packed) {
  if (filter.winograd) return integer_winograd::pack_filter(filter, weights, packed);
  const IntegerLayout layout(filter);
  std::memset(packed, 0, layout.size());
  const PackedIntegers places(layout, packed);
  const auto writable = [&](const std::int32_t* array) {
    return reinterpret_cast<std::int32_t*>(packed + (reinterpret_cast<const std::uint8_t*>(array) - packed));
  };
  std::int32_t *sums = writable(places.sums()), *zero_points = writable(places.zero_points()),
               *biases = writable(places.biases());
  const auto* values = static_cast<const std::uint8_t*>(weights.values);
  const std::uint8_t flip = weights.is_signed == layout.turned ? 0x80 : 0;
  const std::int32_t offset = flip == 0 ? 0 : layout.turned ? 128 : -128;  // of bytes as tiles read them
  const std::int64_t depth = filter.taps() * filter.channels, group = layout.tiles.group;
  const std::int64_t group_outputs = filter.outputs / filter.groups;
  const std::int64_t pixels = layout.whole_rows ? filter.taps_wide : 1;  // of a tap
  bool any_zero_point = false;
  for (std::int64_t index = 0; index < layout.panels(); ++index) {
    const IntegerPanelPlace panel = places.panel(index);
    const std::int64_t step_bytes = panel.vectors * layout.tiles.lanes * group;
    for (std::int64_t o = 0; o < panel.count; ++o) {
      const std::int64_t output = panel.first_output + o, lane = panel.lane + o;
      const auto& given = weights.zero_points;
      const std::int32_t zero_point = given.empty() ? 0 : given.size() == 1 ? given[0] : given[static_cast<std::size_t>(output)];
      zero_points[lane] = zero_point + offset;
      any_zero_point |= zero_points[lane] != 0;
      biases[lane] = weights.bias == nullptr ? 0 : weights.bias[output];
      const std::int64_t first = output / group_outputs % layout.joined * filter.channels;
      std::uint8_t* to = packed + (panel.weights - packed) + o * group;
      auto sum = static_cast<std::uint32_t>(-zero_points[lane]) * static_cast<std::uint32_t>(depth);
      const std::uint8_t* from = values + output * depth;
      for (std::int64_t tap = 0; tap < layout.taps; ++tap, to += layout.steps * step_bytes) {
        for (std::int64_t i = 0; i < pixels; ++i, from += filter.channels) {
          const std::int64_t at = i * layout.unit_channels + first;
          sum += static_cast<std::uint32_t>(pack_run(from, flip, layout.turned, at, filter.channels, group, step_bytes, to));
        }
      }
      sums[lane] = static_cast<std::int32_t>(sum);
    }
  }
  const std::int32_t flag = any_zero_point ? 1 : 0;
  std::memcpy(packed, &flag, sizeof flag);
}

}  // namespace resnet::kernels
