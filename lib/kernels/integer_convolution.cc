#include "lib/kernels/integer_convolution.h"

#include <algorithm>
#include <cmath>

#include "lib/kernels/integer_layout.h"
#include "lib/kernels/integer_lines.h"
#include "lib/kernels/integer_work.h"

namespace resnet::kernels {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

constexpr std::int64_t most_width = IntegerTiles::most_vectors * 16;  // lanes of a panel, of any instruction set
constexpr std::int64_t most_prefetched_tiles = 16;

// What a thread does, part by part.
class Thread {
 public:
  Thread(const IntegerWork& work, const IntegerOperands& operands, const PackedIntegers& packed, std::uint8_t* scratch)
      : work_(work), operands_(operands), packed_(packed), lines_(work, operands, packed.has_zero_points(), scratch) {}

  void run(std::int64_t part);

 private:
  struct Given;
  void gather(const IntegerPanelPlace& place, Given& given) const;
  IntegerPanel panel_of(const IntegerPanelPlace& place, const Given& given) const;
  void compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const;
  void start_apart(const IntegerPanelPlace& place, const std::int32_t* start, std::int64_t row, std::int64_t rows,
                   std::int32_t* to) const;
  void finish(const IntegerPanelPlace& place, std::int64_t row, std::int64_t rows) const;

  const IntegerWork& work_;
  const IntegerOperands& operands_;
  const PackedIntegers& packed_;
  IntegerLines lines_;
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

// What is given for a panel's outputs, in whole vectors.
struct Thread::Given {
  alignas(64) std::int32_t start[most_width] = {};
  alignas(64) float factors[most_width] = {}, shifts[most_width] = {};
  bool below_one = true;  // all factors
};

void Thread::gather(const IntegerPanelPlace& place, Given& given) const {
  const bool of_floats = work_.c.output == IntegerOutput::floats;
  const std::uint32_t x_zero_point = lines_.zero_point();
  for (std::int64_t i = 0; i < place.count; ++i) {
    const auto bias = static_cast<std::uint32_t>(packed_.biases()[place.lane + i]);
    const auto sum = static_cast<std::uint32_t>(packed_.sums()[place.lane + i]);
    given.start[i] = static_cast<std::int32_t>(bias - x_zero_point * sum);
    if (work_.c.output == IntegerOutput::sums) continue;
    given.factors[i] = operands_.factors[place.first_output + i];
    given.below_one &= std::abs(given.factors[i]) < 1;
    if (of_floats) given.factors[i] *= operands_.multiplier;
    if (operands_.shifts != nullptr) given.shifts[i] = operands_.shifts[place.first_output + i];
  }
}

IntegerPanel Thread::panel_of(const IntegerPanelPlace& place, const Given& given) const {
  const IntegerWork& w = work_;
  const IntegerConvolution& c = w.c;
  const std::int32_t sign = c.y_signed ? 128 : 0;
  return {
      .map = {.pixel = w.pixel,
              .row = w.row,
              .width = w.row_pixels,
              .taps_high = c.filter.taps_high,
              .taps_wide = w.layout.whole_rows ? 1 : c.filter.taps_wide,
              .down = c.filter.dilation_high,
              .across = c.filter.dilation_wide,
              .steps = w.layout.steps,
              .background = lines_.background()},
      .offset = place.unit * w.unit,
      .weights = place.weights,
      .vectors = place.vectors,
      .count = place.count,
      .next = place.weights,
      .next_step = 0,
      .output = c.output,
      .factors = given.factors,
      .shifts = operands_.shifts == nullptr ? nullptr : given.shifts,
      .factors_below_one = given.below_one,
      .sign = sign,
      .zero_point = c.y_zero_point + sign,
      .least_byte = std::clamp(c.least_byte + sign, 0, 255),
      .most_byte = std::clamp(c.most_byte + sign, 0, 255),
      .least = c.least,
      .most = c.most,
      .outputs = c.filter.outputs,
  };
}

void Thread::compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const {
  const IntegerLayout& layout = work_.layout;
  const IntegerTiles& tiles = layout.tiles;
  Given given;
  gather(place, given);
  IntegerPanel panel = panel_of(place, given);
  const std::int64_t lanes = place.vectors * tiles.lanes, height = tiles.rows[place.vectors];
  const std::int64_t rows = lines_.rows(), count = divide_up(rows, height);
  const std::int64_t outputs = work_.c.filter.outputs, size = work_.c.output == IntegerOutput::bytes ? 1 : 4;
  const bool apart = packed_.has_zero_points();
  alignas(64) std::int32_t starts[IntegerTiles::most_rows * most_width];
  for (std::int64_t tile = 0; tile < count; ++tile) {
    const std::int64_t from = rows * tile / count, here = rows * (tile + 1) / count - from;
    if (apart) start_apart(place, given.start, from, here, starts);
    if (following != nullptr && count <= most_prefetched_tiles) {
      // What comes next is asked for a share at a time.
      panel.next = following->weights + layout.taps * layout.steps * tiles.group * lanes * tile / count;
      panel.next_step = tiles.group * lanes / count;
    }
    auto* y = static_cast<std::uint8_t*>(operands_.y) + ((first_row + from) * outputs + place.first_output) * size;
    tiles.multiply[place.vectors][here](panel, lines_.windows() + from, apart ? starts : given.start, apart ? lanes : 0, y);
    finish(place, first_row + from, here);
  }
}

// What follows, over the outputs of a panel of some pixels.
void Thread::finish(const IntegerPanelPlace& place, std::int64_t row, std::int64_t rows) const {
  const IntegerConvolution& c = work_.c;
  const std::int64_t outputs = c.filter.outputs, at = row * outputs + place.first_output;
  // Whole pixels lie one after the other.
  const bool whole = place.count == outputs;
  const std::int64_t pieces = whole ? 1 : rows, piece = whole ? rows * outputs : place.count;
  if (c.output == IntegerOutput::floats && c.finish) {
    for (std::int64_t i = 0; i < pieces; ++i) {
      const auto begin = static_cast<std::size_t>(at + i * outputs);
      c.finish.apply(static_cast<float*>(operands_.y), begin, begin + static_cast<std::size_t>(piece));
    }
  }
  if (c.output != IntegerOutput::bytes || c.stages == nullptr) return;
  auto* y = static_cast<std::uint8_t*>(operands_.y) + at;
  for (const ByteStage& stage : *c.stages) {
    if (stage.table == nullptr) {
      const auto* addend = static_cast<const std::uint8_t*>(operands_.addends[stage.addend]) + at;
      const std::uint8_t *a = stage.addend_first ? addend : y, *b = stage.addend_first ? y : addend;
      work_.layout.tiles.add(stage.addition, a, b, y, pieces, outputs, piece);
      continue;
    }
    for (std::int64_t i = 0; i < pieces; ++i) {
      const auto count = static_cast<std::size_t>(piece);
      std::uint8_t* bytes = y + i * outputs;
      if (stage.table_per_channel) {
        look_up(stage.table + place.first_output * 256, static_cast<std::size_t>(place.count), 1, bytes, bytes, 0, count);
      } else {
        look_up(stage.table, bytes, bytes, count);
      }
    }
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
  return static_cast<std::size_t>(IntegerWork(convolution, threads).scratch) * threads;
}

void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool) {
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
