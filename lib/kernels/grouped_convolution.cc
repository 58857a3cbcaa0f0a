#include "lib/kernels/grouped_convolution.h"

#include <algorithm>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/grouped_convolution.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/registers-inl.h"
#include "lib/kernels/windows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

constexpr std::int64_t most_rows_of_a_part = 252;

// How the outputs lie in vectors. A panel is a vector of outputs: those of as many whole groups as it holds, so that a lane's
// pixel value is moved to it from a vector of pixels; or a part of a large group, all of whose lanes see the same value.
struct Layout {
  std::int64_t lanes, inputs, outputs, groups;  // inputs, outputs: of a group
  std::int64_t groups_of_panel, panels_of_group;

  explicit Layout(const Filter& filter)
      : lanes(static_cast<std::int64_t>(hn::Lanes(Tag()))),
        inputs(filter.channels),
        outputs(filter.outputs / filter.groups),
        groups(filter.groups),
        groups_of_panel(std::max<std::int64_t>(1, std::min(lanes / outputs, lanes / inputs))),
        panels_of_group(divide_up(outputs, lanes)) {}

  bool is_spread() const { return groups_of_panel > 1; }
  std::int64_t panels() const { return is_spread() ? divide_up(groups, groups_of_panel) : groups * panels_of_group; }
  // Floats of a panel: a bias, then a vector for each tap and input channel.
  std::int64_t panel_size(const Filter& filter) const { return lanes * (1 + filter.taps() * inputs); }
};

// The channels that a panel reads and writes.
struct Panel {
  const float* weights;
  std::int64_t first_input, input_count, first_output, output_count;
};

Panel panel_at(const Layout& layout, const float* weights, std::int64_t index) {
  if (layout.is_spread()) {
    const std::int64_t group = index * layout.groups_of_panel, count = std::min(layout.groups_of_panel, layout.groups - group);
    return {weights, group * layout.inputs, count * layout.inputs, group * layout.outputs, count * layout.outputs};
  }
  const std::int64_t group = index / layout.panels_of_group, from = index % layout.panels_of_group * layout.lanes;
  return {weights, group * layout.inputs, layout.inputs, group * layout.outputs + from,
          std::min(layout.lanes, layout.outputs - from)};
}

// What the tiles of a call share.
struct Work {
  const Convolution& c;
  const Layout& layout;
  const float *zeros, *addend;
  float* y;
  const std::int32_t* sources;  // of a spread panel: for each input channel of a group the place in the pixel, by lane
};

// `rows` output pixels from `row` on, of one panel.
template <int rows, bool spread>
HWY_NOINLINE void multiply(const Work& work, const Window* windows, const Panel& panel, std::int64_t row) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const Convolution& c = work.c;
  const std::int64_t inputs = work.layout.inputs;
  Vector sums[rows];
  const Vector bias = hn::Load(d, panel.weights);
  RESNET_UNROLL for (int r = 0; r < rows; ++r) sums[r] = bias;
  const float* weights = panel.weights + lanes;
  bool inside = true;
  RESNET_UNROLL for (int r = 0; r < rows; ++r) inside &= windows[r].inside;
  const float* a[rows];
  for (std::int64_t tap = 0; tap < c.filter.taps(); ++tap) {
    const std::int64_t down = tap / c.filter.taps_wide * c.dilation_high, across = tap % c.filter.taps_wide * c.dilation_wide;
    RESNET_UNROLL for (int r = 0; r < rows; ++r) {
      const std::int64_t i = windows[r].top + down, j = windows[r].left + across;
      const bool there = inside || (i >= 0 && i < c.height && j >= 0 && j < c.width);
      a[r] = there ? windows[r].image + (i * c.width + j) * c.pixel_stride + panel.first_input : work.zeros;
    }
    if constexpr (spread) {
      Vector pixels[rows];
      RESNET_UNROLL for (int r = 0; r < rows; ++r) pixels[r] = load_first(d, a[r], panel.input_count);
      for (std::int64_t k = 0; k < inputs; ++k, weights += lanes) {
        const Vector weight = hn::Load(d, weights);
        const auto source = hn::SetTableIndices(d, work.sources + k * lanes);
        RESNET_UNROLL for (int r = 0; r < rows; ++r) {
          sums[r] = hn::MulAdd(hn::TableLookupLanes(pixels[r], source), weight, sums[r]);
        }
      }
    } else {
      for (std::int64_t k = 0; k < inputs; ++k, weights += lanes) {
        const Vector weight = hn::Load(d, weights);
        RESNET_UNROLL for (int r = 0; r < rows; ++r) sums[r] = hn::MulAdd(hn::Set(d, a[r][k]), weight, sums[r]);
      }
    }
  }
  const Vector least = hn::Set(d, c.least), most = hn::Set(d, c.most);
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    const std::int64_t at = (row + r) * c.filter.outputs + panel.first_output;
    if (work.addend != nullptr) sums[r] = hn::Add(sums[r], load_first(d, work.addend + at, panel.output_count));
    store_first(between(least, sums[r], most), d, work.y + at, panel.output_count);
  }
}

using Multiply = void (*)(const Work&, const Window*, const Panel&, std::int64_t);

template <int rows, bool spread>
constexpr void fill(Multiply* table) {
  table[rows] = multiply<rows, spread>;
  if constexpr (rows > 1) fill<rows - 1, spread>(table);
}

// A part is some rows (output pixels) by some panels.
struct Cut {
  std::int64_t all_rows, all_panels;            // of the map, of the filter
  std::int64_t rows, panels;                    // of a part
  std::int64_t parts_of_rows, parts_of_panels;  // how many there are

  Cut(const Convolution& c, const Layout& layout)
      : all_rows(c.batch * c.out_height * c.out_width),
        all_panels(layout.panels()),
        rows(std::clamp<std::int64_t>(divide_up(all_rows, fewest_parts(c)), most_rows, most_rows_of_a_part)),
        parts_of_rows(divide_up(std::max<std::int64_t>(all_rows, 1), rows)) {
    panels = divide_up(all_panels, std::min(all_panels, divide_up(fewest_parts(c), parts_of_rows)));
    parts_of_panels = divide_up(all_panels, panels);
  }
};

std::size_t grouped_parts(const Convolution& c) {
  const Cut cut(c, Layout(c.filter));
  return static_cast<std::size_t>(cut.parts_of_rows * cut.parts_of_panels);
}

void convolve_groups(const Convolution& c, const float* x, const float* packed, const float* addend, float* y, std::size_t begin,
                     std::size_t end) {
  const Layout layout(c.filter);
  const Cut cut(c, layout);
  Multiply table[most_rows + 1] = {};
  HWY_ALIGN std::int32_t sources[HWY_LANES(float) * HWY_LANES(float)] = {};
  if (layout.is_spread()) {
    fill<most_rows, true>(table);
    for (std::int64_t k = 0; k < layout.inputs; ++k) {
      for (std::int64_t lane = 0; lane < layout.groups_of_panel * layout.outputs; ++lane)
        sources[k * layout.lanes + lane] = static_cast<std::int32_t>(lane / layout.outputs * layout.inputs + k);
    }
  } else {
    fill<most_rows, false>(table);
  }
  const std::int64_t size = layout.panel_size(c.filter);
  const Work work{c, layout, packed + cut.all_panels * size, addend, y, sources};
  for (std::size_t index = begin; index < end; ++index) {
    const auto part = static_cast<std::int64_t>(index);
    const std::int64_t first_row = part / cut.parts_of_panels * cut.rows, first_panel = part % cut.parts_of_panels * cut.panels;
    const std::int64_t rows = std::min(cut.rows, cut.all_rows - first_row);
    const std::int64_t last_panel = std::min(cut.all_panels, first_panel + cut.panels);
    Window windows[most_rows_of_a_part];
    find_windows(c, x, first_row, rows, windows);
    const std::int64_t tiles = divide_up(rows, most_rows);
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t from = rows * tile / tiles, to = rows * (tile + 1) / tiles;
      for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
        table[to - from](work, windows + from, panel_at(layout, packed + panel * size, panel), first_row + from);
      }
    }
    const std::int64_t first = panel_at(layout, packed, first_panel).first_output;
    const Panel last = panel_at(layout, packed, last_panel - 1);
    finish_rows(c, y, first_row, rows, first, last.first_output + last.output_count - first);
  }
}

std::size_t grouped_size(const Filter& filter) {
  const Layout layout(filter);
  // After the panels, the zeros that stand for pixels outside the image.
  return static_cast<std::size_t>(layout.panels() * layout.panel_size(filter) + std::max(layout.lanes, layout.inputs));
}

void pack_groups(const Filter& filter, const float* weights, const float* bias, float* packed) {
  const Layout layout(filter);
  std::fill_n(packed, grouped_size(filter), 0.0f);
  const std::int64_t depth = filter.taps() * layout.inputs;
  for (std::int64_t index = 0; index < layout.panels(); ++index, packed += layout.panel_size(filter)) {
    const Panel panel = panel_at(layout, packed, index);
    for (std::int64_t lane = 0; lane < panel.output_count; ++lane) {
      const std::int64_t output = panel.first_output + lane;
      if (bias != nullptr) packed[lane] = bias[output];
      for (std::int64_t k = 0; k < depth; ++k) packed[(1 + k) * layout.lanes + lane] = weights[output * depth + k];
    }
  }
}

// Lanes that do nothing cost as much as those that do. With one channel in and out XNNPACK's depthwise kernels are faster.
bool grouped_is_fast(const Filter& filter) {
  const Layout layout(filter);
  if (HWY_TARGET > HWY_AVX3 || (layout.inputs == 1 && layout.outputs == 1)) return false;
  const std::int64_t used = layout.is_spread() ? layout.groups_of_panel * layout.outputs : layout.outputs;
  return 2 * used > divide_up(used, layout.lanes) * layout.lanes;
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(grouped_size);
HWY_EXPORT(pack_groups);
HWY_EXPORT(grouped_parts);
HWY_EXPORT(convolve_groups);
HWY_EXPORT(grouped_is_fast);

namespace grouped {

std::size_t packed_size(const Filter& filter) { return HWY_DYNAMIC_DISPATCH(grouped_size)(filter); }

void pack_filter(const Filter& filter, const float* weights, const float* bias, float* packed) {
  HWY_DYNAMIC_DISPATCH(pack_groups)(filter, weights, bias, packed);
}

std::size_t parts(const Convolution& convolution) { return HWY_DYNAMIC_DISPATCH(grouped_parts)(convolution); }

void convolve(const Convolution& convolution, const float* x, const float* packed, const float* addend, float* y,
              std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(convolve_groups)(convolution, x, packed, addend, y, begin, end);
}

}  // namespace grouped

bool grouped_convolution_is_fast(const Filter& filter) { return HWY_DYNAMIC_DISPATCH(grouped_is_fast)(filter); }

}  // namespace resnet::kernels
#endif
