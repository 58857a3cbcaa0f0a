#include "lib/kernels/integer_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lib/kernels/caches.h"
#include "lib/kernels/integer_layout.h"

namespace resnet::kernels {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t aligned(std::int64_t bytes) { return divide_up(bytes, 64) * 64; }

constexpr std::int64_t most_width = IntegerTiles::most_vectors * 16;  // lanes of a panel, of any instruction set
constexpr std::int64_t most_rows_of_a_part = 1024, fewest_rows_of_a_part = 24;
constexpr std::int64_t parts_of_a_thread = 4;
constexpr std::int64_t most_prefetched_tiles = 16;

// How x gets to the tiles.
enum class Reading : std::uint8_t {
  in_place,
  rows,    // the rows of the image that a part needs are copied, so that they have no sign, or 16 bits, or pads beside them
  pixels,  // of filters of one tap: one pixel for each of y
};

// What is the same for all parts: the map's form (of a filter of one tap without strides a row of pixels is as good as any),
// how it is cut into lines (rows of y) by panels, and what lies where in a thread's scratch.
struct Work {
  Work(const IntegerConvolution& convolution, std::size_t threads);

  const IntegerConvolution& c;
  IntegerLayout layout;
  std::int64_t batch, height, width, out_height, out_width;
  std::int64_t stride_high, stride_wide, pad_top, pad_left;
  std::int64_t channels;  // of all groups
  Reading reading;
  std::int64_t element;                   // bytes of one, as tiles read it
  std::int64_t row_pixels;                // of an image as tiles read it
  std::int64_t reach_down, reach_across;  // from a window's first tap to its last

  std::int64_t lines, lines_of_part, parts_of_lines, panels_of_part, parts_of_panels;
  // Bytes of scratch before each, and in all.
  std::int64_t background, copied, windows, sums, pixel_sums, scratch;

  std::int64_t parts() const { return parts_of_lines * parts_of_panels; }
  std::int64_t rows_of_part() const { return lines_of_part * out_width; }

 private:
  void cut(std::size_t threads);
  void place();
};

Work::Work(const IntegerConvolution& convolution, std::size_t threads) : c(convolution), layout(convolution.filter) {
  batch = c.batch, height = c.height, width = c.width, out_height = c.out_height, out_width = c.out_width;
  stride_high = c.stride_high, stride_wide = c.stride_wide, pad_top = c.pad_top, pad_left = c.pad_left;
  channels = c.filter.channels * c.filter.groups;
  const bool one_tap = c.filter.taps() == 1;
  if (one_tap && stride_high == 1 && stride_wide == 1 && pad_top == 0 && pad_left == 0 && height == out_height &&
      width == out_width) {
    height = out_height = batch * height * width;
    batch = width = out_width = 1;
  }
  reach_down = (c.filter.taps_high - 1) * c.filter.dilation_high;
  reach_across = layout.whole_rows ? 0 : (c.filter.taps_wide - 1) * c.filter.dilation_wide;
  element = layout.tiles.group == 4 ? 1 : 2;
  row_pixels = layout.whole_rows ? (out_width - 1) * stride_wide + c.filter.taps_wide : width;
  // What is rounded up to whole steps may end beyond the image.
  const bool direct = element == 1 && !c.x_signed && !layout.whole_rows && layout.run % layout.tiles.group == 0;
  const bool all_inside =
      pad_top == 0 && pad_left == 0 && (out_height - 1) * stride_high < height && (out_width - 1) * stride_wide < width;
  reading = direct ? Reading::in_place : one_tap && all_inside ? Reading::pixels : Reading::rows;
  cut(threads);
  place();
}

void Work::cut(std::size_t threads) {
  lines = batch * out_height;
  // Pixels that a stride skips are not seen.
  const std::int64_t seen = std::min(stride_high, c.filter.taps_high) * std::min(stride_wide, c.filter.taps_wide);
  const std::int64_t pixel = std::max<std::int64_t>(channels * seen * element, 1);
  const std::int64_t rows =
      std::clamp<std::int64_t>(second_level_cache() / 4 / pixel, fewest_rows_of_a_part, most_rows_of_a_part);
  const auto cut_lines = [&](std::int64_t parts) {
    lines_of_part = std::max<std::int64_t>(divide_up(lines, std::max<std::int64_t>(parts, 1)), 1);
    parts_of_lines = divide_up(lines, lines_of_part);
  };
  cut_lines(divide_up(lines * out_width, rows));
  const std::int64_t wanted = threads > 1 ? static_cast<std::int64_t>(threads) * parts_of_a_thread : 1;
  const std::int64_t panels = layout.panels();
  const std::int64_t most_parts = std::max<std::int64_t>(lines * out_width / fewest_rows_of_a_part, 1);
  if (parts_of_lines * panels < wanted)
    cut_lines(std::clamp(divide_up(wanted, panels), parts_of_lines, std::max(most_parts, parts_of_lines)));
  panels_of_part = divide_up(panels, std::min(panels, divide_up(wanted, std::max<std::int64_t>(parts_of_lines, 1))));
  parts_of_panels = divide_up(panels, panels_of_part);
}

void Work::place() {
  // A part's lines are of so many images at most, and of each some rows are needed.
  const std::int64_t images =
      lines_of_part == 1 ? 1 : std::min((lines_of_part - 2) / out_height + 2, std::max<std::int64_t>(batch, 1));
  const std::int64_t rows = std::min(images * height, lines_of_part * stride_high + images * (reach_down + 1));
  std::int64_t at = 0;
  const auto take = [&](std::int64_t bytes) {
    const std::int64_t begin = at;
    at += aligned(bytes);
    return begin;
  };
  constexpr std::int64_t tail = 64;
  background = take(layout.run * element + tail);
  switch (reading) {
    case Reading::in_place: copied = at; break;
    case Reading::rows: copied = take(rows * row_pixels * channels * element + tail); break;
    case Reading::pixels: copied = take(rows_of_part() * channels * element + tail); break;
  }
  windows = take(rows_of_part() * static_cast<std::int64_t>(sizeof(IntegerWindow)));
  sums = take(rows_of_part() * 4);
  pixel_sums = take(layout.whole_rows || c.filter.taps() == 1 ? 0 : rows * width * 4);
  scratch = at;
}

// A thread's: the lines that it has made ready, which the parts of several panels share.
class Thread {
 public:
  Thread(const Work& work, const IntegerOperands& operands, const PackedIntegers& packed, std::uint8_t* scratch)
      : work_(work), operands_(operands), packed_(packed), scratch_(scratch) {}

  void run(std::int64_t part);

 private:
  void prepare(std::int64_t first_line, std::int64_t count);
  const std::uint8_t* read_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::uint8_t*& to) const;
  void read_pixels(std::int64_t first_line, std::int64_t count) const;
  void add_up_pixels(std::int64_t first, std::int64_t windows, const std::uint8_t* image, std::int64_t rows) const;
  std::int32_t sum_of_window(const IntegerWindow& window, std::int64_t offset, std::int64_t count) const;
  void compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const;
  void start_apart(const IntegerPanelPlace& place, const std::int32_t* start, std::int64_t row, std::int64_t rows,
                   std::int32_t* to) const;
  void finish(const IntegerPanelPlace& place, std::int64_t row, std::int64_t rows) const;

  IntegerWindow* windows() const { return reinterpret_cast<IntegerWindow*>(scratch_ + work_.windows); }
  std::int32_t* sums() const { return reinterpret_cast<std::int32_t*>(scratch_ + work_.sums); }
  std::uint8_t zero_point() const { return static_cast<std::uint8_t>(operands_.x_zero_point + (work_.c.x_signed ? 128 : 0)); }
  void fill(std::uint8_t* to, std::int64_t count) const {
    if (work_.element == 1) {
      std::memset(to, zero_point(), static_cast<std::size_t>(count));
    } else {
      std::fill_n(reinterpret_cast<std::uint16_t*>(to), count, zero_point());
    }
  }

  const Work& work_;
  const IntegerOperands& operands_;
  const PackedIntegers& packed_;
  std::uint8_t* scratch_;
  std::int64_t ready_ = -1;  // the lines' part
  std::int64_t rows_ = 0;    // pixels of y
};

// Rows [first, last) of an image, as tiles read them.
const std::uint8_t* Thread::read_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::uint8_t*& to) const {
  const Work& w = work_;
  const std::int64_t row = w.width * w.channels;
  const std::uint8_t* from = static_cast<const std::uint8_t*>(operands_.x) + (image * w.height + first) * row;
  if (w.reading == Reading::in_place) return from;
  const std::uint8_t* begin = to;
  const bool flip = w.c.x_signed;
  if (!w.layout.whole_rows) {
    w.layout.tiles.copy(from, flip, static_cast<std::size_t>((last - first) * row), to);
    to += (last - first) * row * w.element;
    return begin;
  }
  const std::int64_t left = std::min(w.pad_left, w.row_pixels), there = std::min(w.width, w.row_pixels - left);
  for (std::int64_t i = first; i < last; ++i, from += row) {
    fill(to, left * w.channels);
    to += left * w.channels * w.element;
    w.layout.tiles.copy(from, flip, static_cast<std::size_t>(there * w.channels), to);
    to += there * w.channels * w.element;
    const std::int64_t right = (w.row_pixels - left - there) * w.channels;
    fill(to, right);
    to += right * w.element;
  }
  return begin;
}

void Thread::read_pixels(std::int64_t first_line, std::int64_t count) const {
  const Work& w = work_;
  std::uint8_t* to = scratch_ + w.copied;
  const auto* x = static_cast<const std::uint8_t*>(operands_.x);
  for (std::int64_t line = first_line; line < first_line + count; ++line) {
    const std::int64_t row = line / w.out_height * w.height + line % w.out_height * w.stride_high;
    const std::uint8_t* from = x + row * w.width * w.channels;
    const std::int64_t pixels = w.stride_wide == 1 ? 1 : w.out_width;  // that are copied one by one
    const std::int64_t size = w.out_width / pixels * w.channels;
    for (std::int64_t j = 0; j < pixels; ++j, from += w.stride_wide * w.channels, to += size * w.element) {
      w.layout.tiles.copy(from, w.c.x_signed, static_cast<std::size_t>(size), to);
    }
  }
}

void Thread::prepare(std::int64_t first_line, std::int64_t count) {
  const Work& w = work_;
  fill(scratch_ + w.background, w.layout.run + 16);
  rows_ = count * w.out_width;
  const bool with_sums = packed_.has_zero_points() && w.c.filter.groups == 1;
  IntegerWindow* window = windows();
  if (w.reading == Reading::pixels) {
    read_pixels(first_line, count);
    for (std::int64_t r = 0; r < rows_; ++r) window[r] = {scratch_ + w.copied + r * w.channels * w.element, 0, 0, 1, true};
    for (std::int64_t r = 0; with_sums && r < rows_; ++r) sums()[r] = sum_of_window(window[r], 0, w.layout.run);
    return;
  }
  std::uint8_t* to = scratch_ + w.copied;
  for (std::int64_t line = first_line, end = first_line + count; line < end;) {
    const std::int64_t image = line / w.out_height, down = line % w.out_height, here = std::min(end - line, w.out_height - down);
    const std::int64_t top = down * w.stride_high - w.pad_top, bottom = top + (here - 1) * w.stride_high + w.reach_down + 1;
    const std::int64_t first = std::clamp<std::int64_t>(top, 0, w.height), last = std::clamp(bottom, first, w.height);
    const std::uint8_t* rows = read_rows(image, first, last, to);
    const IntegerWindow* begin = window;
    for (std::int64_t i = 0; i < here; ++i) {
      for (std::int64_t j = 0; j < w.out_width; ++j) {
        const std::int64_t row = top + i * w.stride_high - first,
                           left = j * w.stride_wide - (w.layout.whole_rows ? 0 : w.pad_left);
        *window++ = {rows, row, left, last - first,
                     row >= 0 && row + w.reach_down < last - first && left >= 0 && left + w.reach_across < w.row_pixels};
      }
    }
    if (with_sums) add_up_pixels(begin - windows(), window - begin, rows, last - first);
    line += here;
  }
}

// The sums of some windows' elements, all of one image: of each pixel once, then of each window's pixels.
void Thread::add_up_pixels(std::int64_t first, std::int64_t count, const std::uint8_t* image, std::int64_t rows) const {
  const Work& w = work_;
  const IntegerFilter& filter = w.c.filter;
  const IntegerWindow* window = windows() + first;
  if (w.layout.whole_rows || filter.taps() == 1) {
    for (std::int64_t i = 0; i < count; ++i) sums()[first + i] = sum_of_window(window[i], 0, w.layout.run);
    return;
  }
  auto* pixels = reinterpret_cast<std::int32_t*>(scratch_ + w.pixel_sums);
  for (std::int64_t i = 0; i < rows * w.width; ++i) {
    pixels[i] = w.layout.tiles.sum(image + i * w.channels * w.element, static_cast<std::size_t>(w.channels));
  }
  const std::int32_t beside = zero_point() * static_cast<std::int32_t>(w.channels);
  for (std::int64_t i = 0; i < count; ++i, ++window) {
    std::int32_t sum = 0;
    for (std::int64_t a = 0; a < filter.taps_high; ++a) {
      const std::int64_t row = window->top + a * filter.dilation_high;
      for (std::int64_t b = 0; b < filter.taps_wide; ++b) {
        const std::int64_t column = window->left + b * filter.dilation_wide;
        const bool there = window->inside || (row >= 0 && row < window->height && column >= 0 && column < w.width);
        sum += there ? pixels[row * w.width + column] : beside;
      }
    }
    sums()[first + i] = sum;
  }
}

// Of `count` elements of each tap from the channel `offset` on.
std::int32_t Thread::sum_of_window(const IntegerWindow& window, std::int64_t offset, std::int64_t count) const {
  const Work& w = work_;
  const IntegerFilter& filter = w.c.filter;
  std::int32_t sum = 0;
  for (std::int64_t tap = 0; tap < w.layout.taps; ++tap) {
    const std::int64_t wide = w.layout.whole_rows ? 1 : filter.taps_wide;
    const std::int64_t row = window.top + tap / wide * filter.dilation_high,
                       column = window.left + tap % wide * filter.dilation_wide;
    const bool there = row >= 0 && row < window.height && column >= 0 && (column < w.row_pixels || window.inside);
    sum += there ? w.layout.tiles.sum(window.image + ((row * w.row_pixels + column) * w.channels + offset) * w.element,
                                      static_cast<std::size_t>(count))
                 : zero_point() * static_cast<std::int32_t>(count);
  }
  return sum;
}

// Where the zero points of weights are not 0, each row's sums begin elsewhere.
void Thread::start_apart(const IntegerPanelPlace& place, const std::int32_t* start, std::int64_t row, std::int64_t rows,
                         std::int32_t* to) const {
  const Work& w = work_;
  const std::int64_t lanes = place.vectors * w.layout.tiles.lanes;
  const std::int32_t* zero_points = packed_.zero_points() + place.lane;
  if (w.c.filter.groups == 1) {
    w.layout.tiles.start(start, zero_points, sums() + row, rows, lanes, to);
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
        sum = static_cast<std::uint32_t>(sum_of_window(windows()[row + r], group * w.c.filter.channels, w.c.filter.channels));
      }
      to[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(start[i]) - static_cast<std::uint32_t>(zero_points[i]) * sum);
    }
  }
}

void Thread::compute(const IntegerPanelPlace& place, const IntegerPanelPlace* following, std::int64_t first_row) const {
  const Work& w = work_;
  const IntegerConvolution& c = w.c;
  const IntegerTiles& tiles = w.layout.tiles;
  const std::int64_t lanes = place.vectors * tiles.lanes;
  alignas(64) std::int32_t start[most_width] = {};
  alignas(64) float factors[most_width] = {}, shifts[most_width] = {};
  const std::int32_t x_zero_point = zero_point();
  bool below_one = true;
  for (std::int64_t i = 0; i < place.count; ++i) {
    start[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(packed_.biases()[place.lane + i]) -
                                         static_cast<std::uint32_t>(x_zero_point) *
                                             static_cast<std::uint32_t>(packed_.sums()[place.lane + i]));
    if (c.output == IntegerOutput::sums) continue;
    factors[i] = operands_.factors[place.first_output + i];
    below_one &= std::abs(factors[i]) < 1;
    if (c.output == IntegerOutput::floats) factors[i] *= operands_.multiplier;
    if (operands_.shifts != nullptr) shifts[i] = operands_.shifts[place.first_output + i];
  }
  const std::int64_t pixel = w.channels * w.element, panel_bytes = w.layout.taps * w.layout.steps * tiles.group * lanes;
  const std::int32_t sign = c.y_signed ? 128 : 0;
  IntegerPanel panel{
      .map = {.pixel = pixel,
              .row = w.row_pixels * pixel,
              .width = w.row_pixels,
              .taps_high = c.filter.taps_high,
              .taps_wide = w.layout.whole_rows ? 1 : c.filter.taps_wide,
              .down = c.filter.dilation_high,
              .across = c.filter.dilation_wide,
              .steps = w.layout.steps,
              .background = scratch_ + w.background},
      .offset = place.unit * w.layout.unit_channels * w.element,
      .weights = place.weights,
      .vectors = place.vectors,
      .count = place.count,
      .next = place.weights,
      .next_step = 0,
      .output = c.output,
      .factors = factors,
      .shifts = operands_.shifts == nullptr ? nullptr : shifts,
      .factors_below_one = below_one,
      .sign = sign,
      .zero_point = c.y_zero_point + sign,
      .least_byte = std::clamp(c.least_byte + sign, 0, 255),
      .most_byte = std::clamp(c.most_byte + sign, 0, 255),
      .least = c.least,
      .most = c.most,
      .outputs = c.filter.outputs,
  };
  const std::int64_t height = tiles.rows[place.vectors], count = divide_up(rows_, height);
  const std::int64_t size = c.output == IntegerOutput::bytes ? 1 : 4;
  const bool apart = packed_.has_zero_points();
  alignas(64) std::int32_t starts[IntegerTiles::most_rows * most_width];
  for (std::int64_t tile = 0; tile < count; ++tile) {
    const std::int64_t from = rows_ * tile / count, rows = rows_ * (tile + 1) / count - from;
    if (apart) start_apart(place, start, from, rows, starts);
    if (following != nullptr && count <= most_prefetched_tiles) {
      panel.next = following->weights + panel_bytes * tile / count;
      panel.next_step = tiles.group * lanes / count;
    }
    auto* y = static_cast<std::uint8_t*>(operands_.y) + ((first_row + from) * c.filter.outputs + place.first_output) * size;
    tiles.multiply[place.vectors][rows](panel, windows() + from, apart ? starts : start, apart ? lanes : 0, y);
    finish(place, first_row + from, rows);
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
  const std::int64_t first_line = of_lines * work_.lines_of_part;
  if (ready_ != of_lines) prepare(first_line, std::min(work_.lines_of_part, work_.lines - first_line));
  ready_ = of_lines;
  const std::int64_t panels = work_.layout.panels();
  const std::int64_t first = of_panels * work_.panels_of_part, last = std::min(panels, first + work_.panels_of_part);
  for (std::int64_t index = first; index < last; ++index) {
    const IntegerPanelPlace place = packed_.panel(index), following = packed_.panel(index + 1 < panels ? index + 1 : index);
    compute(place, index + 1 < panels ? &following : nullptr, first_line * work_.out_width);
  }
}

}  // namespace

std::size_t integer_scratch(const IntegerConvolution& convolution, std::size_t threads) {
  return static_cast<std::size_t>(Work(convolution, threads).scratch) * threads;
}

void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool) {
  const Work work(convolution, pool.threads());
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
