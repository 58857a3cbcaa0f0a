#include "lib/kernels/integer_convolution.h"

#include <algorithm>
#include <vector>

#include "lib/kernels/integer_layout.h"
#include "lib/kernels/integer_lines.h"
#include "lib/kernels/integer_outputs.h"
#include "lib/kernels/integer_winograd.h"
#include "lib/kernels/integer_work.h"

namespace resnet::kernels {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

constexpr std::int64_t most_prefetched_tiles = 16;

// What a thread does, part by part.
class Thread {
 public:
  Thread(const IntegerWork& work, const IntegerOperands& operands, const PackedIntegers& packed, std::uint8_t* scratch)
      : work_(work),
        packed_(packed),
        lines_(work, operands, packed.has_zero_points(), scratch),
        outputs_(work.c, operands, work.layout.tiles) {}

  void run(std::int64_t part);

 private:
  IntegerPanel panel_of(const IntegerPanelPlace& place, const IntegerOutputs::Given& given) const;
  void compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const;
  void start_apart(const IntegerPanelPlace& place, const std::int32_t* start, std::int64_t row, std::int64_t rows,
                   std::int32_t* to) const;

  const IntegerWork& work_;
  const PackedIntegers& packed_;
  IntegerLines lines_;
  IntegerOutputs outputs_;
};

// Where the zero points of weights are not 0, each row's sums begin elsewhere.
void Thread::start_apart(const IntegerPanelPlace& place, const std::int32_t* start, std::int64_t row, std::int64_t rows,
                         std::int32_t* to) const {
  const IntegerWork& w = work_;
  const std::int64_t lanes = place.vectors * w.layout.tiles.lanes;
  const std::int32_t* zero_points = packed_.zero_points() + place.lane;
  if (w.c.filter.groups == 1) {
    w.layout.tiles.start(start, zero_points, lines_.sums() + row, rows, lanes, to);
    return;
  }
  const std::int64_t group_outputs = w.c.filter.outputs / w.c.filter.groups;
  for (std::int64_t r = 0; r < rows; ++r, to += lanes) {
    std::copy_n(start, lanes, to);
    std::int64_t group = -1;
    std::uint32_t sum = 0;
    for (std::int64_t i = 0; i < place.count; ++i) {
      if (const std::int64_t now = (place.first_output + i) / group_outputs; now != group) {
        group = now;
        sum = static_cast<std::uint32_t>(lines_.sum_of_window(lines_.windows()[row + r], group));
      }
      to[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(start[i]) - static_cast<std::uint32_t>(zero_points[i]) * sum);
    }
  }
}

IntegerPanel Thread::panel_of(const IntegerPanelPlace& place, const IntegerOutputs::Given& given) const {
  const IntegerWork& w = work_;
  const IntegerConvolution& c = w.c;
  IntegerPanel panel{};
  panel.map = {.pixel = w.pixel,
               .row = w.row,
               .width = w.row_pixels,
               .taps_high = c.filter.taps_high,
               .taps_wide = w.layout.whole_rows ? 1 : c.filter.taps_wide,
               .down = c.filter.dilation_high,
               .across = c.filter.dilation_wide,
               .steps = w.layout.steps,
               .background = lines_.background()};
  panel.offset = place.unit * w.unit;
  panel.weights = panel.next = place.weights;
  panel.vectors = place.vectors;
  panel.count = place.count;
  outputs_.set(given, panel);
  return panel;
}

void Thread::compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const {
  const IntegerLayout& layout = work_.layout;
  const IntegerTiles& tiles = layout.tiles;
  IntegerOutputs::Given given;
  outputs_.gather(place.first_output, place.count, given);
  for (std::int64_t i = 0; i < place.count; ++i) {
    const auto bias = static_cast<std::uint32_t>(packed_.biases()[place.lane + i]);
    const auto sum = static_cast<std::uint32_t>(packed_.sums()[place.lane + i]);
    given.start[i] = static_cast<std::int32_t>(bias - static_cast<std::uint32_t>(lines_.zero_point()) * sum);
  }
  IntegerPanel panel = panel_of(place, given);
  const std::int64_t lanes = place.vectors * tiles.lanes, height = tiles.rows[place.vectors];
  const std::int64_t rows = lines_.rows(), count = divide_up(rows, height);
  const bool apart = packed_.has_zero_points();
  alignas(64) std::int32_t starts[IntegerTiles::most_rows * IntegerOutputs::most_width];
  for (std::int64_t tile = 0; tile < count; ++tile) {
    const std::int64_t from = rows * tile / count, here = rows * (tile + 1) / count - from;
    if (apart) start_apart(place, given.start, from, here, starts);
    if (following != nullptr && count <= most_prefetched_tiles) {
      // What comes next is asked for a share at a time.
      panel.next = following->weights + layout.taps * layout.steps * tiles.group * lanes * tile / count;
      panel.next_step = tiles.group * lanes / count;
    }
    const auto& multiply = layout.turned ? tiles.multiply_turned : tiles.multiply;
    multiply[place.vectors][here](panel, lines_.windows() + from, apart ? starts : given.start, apart ? lanes : 0,
                                  outputs_.place(first_row + from, place.first_output));
    outputs_.finish(place.first_output, place.count, first_row + from, here);
  }
}

void Thread::run(std::int64_t part) {
  const std::int64_t of_lines = part / work_.parts_of_panels, of_panels = part % work_.parts_of_panels;
  lines_.prepare(of_lines);
  const std::int64_t first_row = of_lines * work_.lines_of_part * work_.out_width;
  const std::int64_t panels = work_.layout.panels();
  const std::int64_t first = of_panels * work_.panels_of_part, last = std::min(panels, first + work_.panels_of_part);
  for (std::int64_t index = first; index < last; ++index) {
    const IntegerPanelPlace place = packed_.panel(index), following = packed_.panel(index + 1 < panels ? index + 1 : index);
    compute(place, index + 1 < panels ? &following : nullptr, first_row);
  }
}

}  // namespace

std::size_t integer_scratch(const IntegerConvolution& convolution, std::size_t threads) {
  if (convolution.filter.winograd) return integer_winograd::scratch(convolution, threads);
  return static_cast<std::size_t>(IntegerWork(convolution, threads).scratch) * threads;
}

void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool) {
  if (convolution.filter.winograd) return integer_winograd::convolve(convolution, operands, scratch, pool);
  const IntegerWork work(convolution, pool.threads());
  if (work.lines * work.out_width == 0 || convolution.filter.outputs == 0) return;
  const PackedIntegers packed(work.layout, operands.packed);
  std::vector<Thread> threads;
  threads.reserve(pool.threads());
  for (std::size_t i = 0; i < pool.threads(); ++i)
    threads.emplace_back(work, operands, packed, scratch + static_cast<std::int64_t>(i) * work.scratch);
  pool.parallel_for_each(static_cast<std::size_t>(work.parts()),
                         [&](std::size_t part, std::size_t thread) { threads[thread].run(static_cast<std::int64_t>(part)); });
}

}  // namespace resnet::kernels
