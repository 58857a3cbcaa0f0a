#include "lib/kernels/integer_winograd.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "lib/kernels/caches.h"
#include "lib/kernels/integer_outputs.h"
#include "lib/kernels/integer_tiles.h"
#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/integer_winograd.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

using HalfTag = hn::ScalableTag<std::int16_t>;

std::int64_t channels_at_once() { return static_cast<std::int64_t>(hn::Lanes(HalfTag())); }

// B^T d of four.
template <class V>
HWY_INLINE void transform_input(const V& a, const V& b, const V& c, const V& d, V* to, int step) {
  to[0] = hn::Sub(a, c);
  to[step] = hn::Add(b, c);
  to[2 * step] = hn::Sub(c, b);
  to[3 * step] = hn::Sub(b, d);
}

// B^T d B of 4x4 pixels less the zero point, whole vectors of `channels`; `places` lies between one place and the next.
void transform_pixels(const std::uint8_t* const* pixels, std::uint8_t sign, std::int32_t zero_point, std::int64_t channels,
                      std::int64_t places, std::int16_t* to) {
  const HalfTag d;
  const hn::Rebind<std::uint8_t, HalfTag> narrow;
  const auto flip = hn::Set(narrow, sign);
  const auto zero = hn::Set(d, static_cast<std::int16_t>(zero_point));
  for (std::int64_t c = 0; c < channels; c += static_cast<std::int64_t>(hn::Lanes(d))) {
    hn::Vec<HalfTag> rows[16], all[16];
    RESNET_UNROLL for (int j = 0; j < 4; ++j) {
      hn::Vec<HalfTag> pixel[4];
      RESNET_UNROLL for (int i = 0; i < 4; ++i) {
        const auto bytes = hn::Xor(hn::LoadU(narrow, pixels[4 * i + j] + c), flip);
        pixel[i] = hn::Sub(hn::PromoteTo(d, bytes), zero);
      }
      transform_input(pixel[0], pixel[1], pixel[2], pixel[3], rows + j, 4);
    }
    RESNET_UNROLL for (int i = 0; i < 4; ++i) {
      const auto* row = rows + 4 * i;
      transform_input(row[0], row[1], row[2], row[3], all + 4 * i, 1);
    }
    RESNET_UNROLL for (int place = 0; place < 16; ++place) hn::StoreU(all[place], d, to + place * places + c);
  }
}

// A^T m A / 4 + start of `tiles` tiles by whole vectors: two rows of pixels, `lanes` outputs each. `places` lies between one
// place and the next.
void transform_sums(const std::int32_t* sums, std::int64_t places, std::int64_t tiles, std::int64_t lanes,
                    const std::int32_t* start, std::int32_t* upper, std::int32_t* lower) {
  const hn::ScalableTag<std::int32_t> d;
  for (std::int64_t tile = 0; tile < tiles; ++tile, sums += lanes) {
    for (std::int64_t v = 0; v < lanes; v += static_cast<std::int64_t>(hn::Lanes(d))) {
      const auto first = hn::Load(d, start + v);
      hn::Vec<decltype(d)> rows[8];
      RESNET_UNROLL for (int j = 0; j < 4; ++j) {
        const std::int32_t* column = sums + j * places + v;
        const auto a = hn::Load(d, column), b = hn::Load(d, column + 4 * places), c = hn::Load(d, column + 8 * places),
                   e = hn::Load(d, column + 12 * places);
        rows[j] = hn::Add(hn::Add(a, b), c);
        rows[4 + j] = hn::Sub(hn::Sub(b, c), e);
      }
      RESNET_UNROLL for (int i = 0; i < 2; ++i) {
        const auto* row = rows + 4 * i;
        std::int32_t* to = (i == 0 ? upper : lower) + 2 * tile * lanes + v;
        const auto left = hn::Add(hn::Add(row[0], row[1]), row[2]), right = hn::Sub(hn::Sub(row[1], row[2]), row[3]);
        hn::Store(hn::Add(hn::ShiftRight<2>(left), first), d, to);
        hn::Store(hn::Add(hn::ShiftRight<2>(right), first), d, to + lanes);
      }
    }
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(channels_at_once);
HWY_EXPORT(transform_pixels);
HWY_EXPORT(transform_sums);

namespace integer_winograd {

namespace {

constexpr std::int64_t places = 16, header = 64, alignment = 64;
// Of differences of 8 bits by differences of 8 bits, 9 taps: 4 times their sum stays below 2^31.
constexpr std::int64_t most_channels = (std::int64_t{1} << 29) / (255 * 255 * 9);
constexpr std::int64_t fewest_outputs = 16, parts_of_a_thread = 4;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t aligned(std::int64_t bytes) { return divide_up(bytes, alignment) * alignment; }

// Panels of a few vectors of output channels, each place by place; weights of two channels lie side by side.
struct Layout {
  explicit Layout(const IntegerFilter& filter) : channels(filter.channels), outputs(filter.outputs) {}

  const IntegerTiles& tiles = integer_tiles();
  std::int64_t channels, outputs;
  std::int64_t width = tiles.lanes * tiles.vectors;

  std::int64_t lanes() const { return divide_up(outputs, tiles.lanes) * tiles.lanes; }
  std::int64_t panels() const { return divide_up(outputs, width); }
  std::int64_t count_of(std::int64_t panel) const { return std::min(width, outputs - panel * width); }
  std::int64_t vectors_of(std::int64_t panel) const { return divide_up(count_of(panel), tiles.lanes); }
  // Bytes before a panel's weights: the biases, and what comes before of the weights, 2 bytes each.
  std::int64_t weights_of(std::int64_t panel) const {
    return header + aligned(4 * lanes()) + 2 * places * channels * panel * width;
  }
  std::int64_t bytes_of_place(std::int64_t panel) const { return 2 * channels * vectors_of(panel) * tiles.lanes; }
  std::int64_t size() const { return header + aligned(4 * lanes()) + 2 * places * channels * lanes(); }
};

// How the tiles, 2x2 pixels of y each, are cut: rows of tiles by panels.
struct Work {
  Work(const IntegerConvolution& convolution, std::size_t threads)
      : c(convolution),
        layout(convolution.filter),
        tiles_wide(divide_up(c.out_width, 2)),
        tiles_high(divide_up(c.out_height, 2)) {
    const std::int64_t rows = c.batch * tiles_high;
    const std::int64_t tile_bytes = places * (2 * layout.channels + 4 * layout.width);
    const std::int64_t fitting =
        std::max<std::int64_t>(second_level_cache() / 2 / (tile_bytes * std::max<std::int64_t>(tiles_wide, 1)), 1);
    const std::int64_t wanted = threads > 1 ? static_cast<std::int64_t>(threads) * parts_of_a_thread : 1;
    const std::int64_t cuts = std::clamp(divide_up(rows, fitting), std::min(divide_up(wanted, layout.panels()), rows), rows);
    rows_of_block = std::max<std::int64_t>(divide_up(rows, std::max<std::int64_t>(cuts, 1)), 1);
    blocks = divide_up(rows, rows_of_block);
    panels_of_part = divide_up(layout.panels(), std::min(layout.panels(), divide_up(wanted, std::max<std::int64_t>(blocks, 1))));
    parts_of_block = divide_up(layout.panels(), panels_of_part);
    const std::int64_t tiles = tiles_of_block();
    background = 0;
    input = background + aligned(layout.channels);
    sums = input + aligned(2 * places * tiles * layout.channels);
    lines = sums + aligned(4 * places * tiles * layout.width);
    windows = lines + 2 * line_bytes();
    scratch = windows + aligned(tiles * static_cast<std::int64_t>(sizeof(IntegerWindow)));
  }

  std::int64_t tiles_of_block() const { return rows_of_block * tiles_wide; }
  // Of sums of a row of pixels, whole tiles of them.
  std::int64_t line_bytes() const { return aligned(4 * 2 * tiles_wide * layout.width); }

  const IntegerConvolution& c;
  Layout layout;
  std::int64_t tiles_wide, tiles_high;
  std::int64_t rows_of_block, blocks, panels_of_part, parts_of_block;
  std::int64_t background, input, sums, lines, windows, scratch;  // bytes of a thread's scratch before each, and in all
};

class Thread {
 public:
  Thread(const Work& work, const IntegerOperands& operands, std::uint8_t* scratch)
      : work_(work), operands_(operands), outputs_(work.c, operands, work.layout.tiles), scratch_(scratch) {}

  void run(std::int64_t part) {
    const std::int64_t panels = work_.layout.panels();
    prepare(part / work_.parts_of_block);
    const std::int64_t first = part % work_.parts_of_block * work_.panels_of_part;
    for (std::int64_t i = first; i < std::min(panels, first + work_.panels_of_part); ++i) compute(i);
  }

 private:
  template <typename T>
  T* at(std::int64_t bytes) const {
    return reinterpret_cast<T*>(scratch_ + bytes);
  }

  void prepare(std::int64_t block);
  void compute(std::int64_t panel);
  void write(std::int64_t panel, const IntegerPanel& given, const std::int32_t* start);

  const Work& work_;
  const IntegerOperands& operands_;
  IntegerOutputs outputs_;
  std::uint8_t* scratch_;
  std::int64_t ready_ = -1, first_row_ = 0, rows_ = 0;  // of tiles
};

// The input of a block's tiles, transformed.
void Thread::prepare(std::int64_t block) {
  if (ready_ == block) return;
  const IntegerConvolution& c = work_.c;
  const std::int64_t channels = work_.layout.channels;
  const std::uint8_t sign = c.filter.x_signed ? 0x80 : 0;
  const std::int32_t zero_point = operands_.x_zero_point + sign;
  auto* background = at<std::uint8_t>(work_.background);
  auto* windows = at<IntegerWindow>(work_.windows);
  if (ready_ < 0) {
    std::fill_n(background, channels, static_cast<std::uint8_t>(zero_point ^ sign));
    for (std::int64_t i = 0; i < work_.tiles_of_block(); ++i)
      windows[i] = {at<std::uint8_t>(work_.input) + 2 * i * channels, 0, 0, 1, true};
  }
  ready_ = block;
  first_row_ = block * work_.rows_of_block;
  rows_ = std::min(work_.rows_of_block, c.batch * work_.tiles_high - first_row_);
  const std::int64_t step = rows_ * work_.tiles_wide * channels;
  auto* to = at<std::int16_t>(work_.input);
  for (std::int64_t row = first_row_; row < first_row_ + rows_; ++row) {
    const auto* image = static_cast<const std::uint8_t*>(operands_.x) + row / work_.tiles_high * c.height * c.width * channels;
    const std::int64_t top = row % work_.tiles_high * 2 - c.pad_top;
    for (std::int64_t left = -c.pad_left; left < 2 * work_.tiles_wide - c.pad_left; left += 2, to += channels) {
      const std::uint8_t* pixels[places];
      for (std::int64_t i = 0; i < places; ++i) {
        const std::int64_t y = top + i / 4, x = left + i % 4;
        pixels[i] = y >= 0 && y < c.height && x >= 0 && x < c.width ? image + (y * c.width + x) * channels : background;
      }
      HWY_DYNAMIC_DISPATCH(transform_pixels)(pixels, sign, zero_point, channels, step, to);
    }
  }
}

void Thread::compute(std::int64_t index) {
  const Layout& layout = work_.layout;
  const IntegerTiles& tiles = layout.tiles;
  const std::int64_t vectors = layout.vectors_of(index), lanes = vectors * tiles.lanes, count = rows_ * work_.tiles_wide;
  const std::int64_t height = tiles.rows[vectors], parts = divide_up(count, height);
  alignas(64) static constexpr std::int32_t zeros[IntegerOutputs::most_width] = {};
  IntegerPanel panel{};
  panel.map = {.pixel = 2 * layout.channels, .width = count, .taps_high = 1, .taps_wide = 1, .steps = layout.channels / 2};
  panel.vectors = vectors;
  panel.count = panel.outputs = lanes;
  panel.output = IntegerOutput::sums;
  auto* sums = at<std::int32_t>(work_.sums);
  const std::uint8_t* weights = operands_.packed + layout.weights_of(index);
  for (std::int64_t place = 0; place < places; ++place, sums += count * lanes) {
    panel.offset = 2 * place * count * layout.channels;
    panel.weights = panel.next = weights + place * layout.bytes_of_place(index);
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t from = count * part / parts, rows = count * (part + 1) / parts - from;
      tiles.multiply_words[vectors][rows](panel, at<IntegerWindow>(work_.windows) + from, zeros, 0, sums + from * lanes);
    }
  }
  IntegerOutputs::Given given;
  const std::int64_t first = index * layout.width;
  outputs_.gather(first, layout.count_of(index), given);
  outputs_.set(given, panel);
  panel.count = layout.count_of(index);
  std::copy_n(reinterpret_cast<const std::int32_t*>(operands_.packed + header) + first, lanes, given.start);
  write(index, panel, given.start);
}

void Thread::write(std::int64_t index, const IntegerPanel& panel, const std::int32_t* start) {
  const IntegerConvolution& c = work_.c;
  const std::int64_t lanes = panel.vectors * work_.layout.tiles.lanes, first = index * work_.layout.width;
  const std::int64_t step = rows_ * work_.tiles_wide * lanes;
  auto *upper = at<std::int32_t>(work_.lines), *lower = at<std::int32_t>(work_.lines + work_.line_bytes());
  for (std::int64_t row = 0; row < rows_; ++row) {
    const std::int32_t* sums = at<std::int32_t>(work_.sums) + row * work_.tiles_wide * lanes;
    HWY_DYNAMIC_DISPATCH(transform_sums)(sums, step, work_.tiles_wide, lanes, start, upper, lower);
    const std::int64_t image = (first_row_ + row) / work_.tiles_high, down = (first_row_ + row) % work_.tiles_high * 2;
    const std::int64_t lines = std::min<std::int64_t>(2, c.out_height - down);
    const std::int64_t pixel = (image * c.out_height + down) * c.out_width;
    for (std::int64_t line = 0; line < lines; ++line) {
      work_.layout.tiles.finish(panel, line == 0 ? upper : lower, c.out_width, outputs_.place(pixel + line * c.out_width, first));
    }
    outputs_.finish(first, panel.count, pixel, lines * c.out_width);
  }
}

}  // namespace

std::size_t packed_size(const IntegerFilter& filter) { return static_cast<std::size_t>(Layout(filter).size()); }

void pack_filter(const IntegerFilter& filter, const IntegerWeights& weights, std::uint8_t* packed) {
  const Layout layout(filter);
  std::memset(packed, 0, static_cast<std::size_t>(layout.size()));
  const auto* values = static_cast<const std::uint8_t*>(weights.values);
  const std::uint8_t flip = weights.is_signed ? 0 : 0x80;
  for (std::int64_t output = 0; output < filter.outputs; ++output) {
    const auto& given = weights.zero_points;
    const std::int32_t zero_point = given.empty() ? 0 : given.size() == 1 ? given[0] : given[static_cast<std::size_t>(output)];
    const std::int32_t less = zero_point - (weights.is_signed ? 0 : 128);
    const std::int32_t bias = weights.bias == nullptr ? 0 : weights.bias[output];
    std::memcpy(packed + header + 4 * output, &bias, sizeof bias);
    const std::int64_t panel = output / layout.width, lane = output % layout.width;
    const std::int64_t step = layout.vectors_of(panel) * layout.tiles.lanes * 4;
    std::uint8_t* to = packed + layout.weights_of(panel) + 4 * lane;
    for (std::int64_t channel = 0; channel < filter.channels; ++channel) {
      std::int32_t rows[12], all[places];
      const auto transform = [](std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t* y, int apart) {
        y[0] = 2 * a;
        y[apart] = a + b + c;
        y[2 * apart] = a - b + c;
        y[3 * apart] = 2 * c;
      };
      const auto weight = [&](int tap) {
        const std::uint8_t byte = values[(output * 9 + tap) * filter.channels + channel] ^ flip;
        return static_cast<std::int8_t>(byte) - less;
      };
      for (int j = 0; j < 3; ++j) transform(weight(j), weight(3 + j), weight(6 + j), rows + j, 3);
      for (int i = 0; i < 4; ++i) transform(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2], all + 4 * i, 1);
      for (std::int64_t place = 0; place < places; ++place) {
        const auto word = static_cast<std::int16_t>(all[place]);
        std::memcpy(to + place * layout.bytes_of_place(panel) + channel / 2 * step + channel % 2 * 2, &word, sizeof word);
      }
    }
  }
}

std::size_t scratch(const IntegerConvolution& convolution, std::size_t threads) {
  return static_cast<std::size_t>(Work(convolution, threads).scratch) * threads;
}

void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool) {
  const Work work(convolution, pool.threads());
  std::vector<Thread> threads;
  threads.reserve(pool.threads());
  for (std::size_t i = 0; i < pool.threads(); ++i)
    threads.emplace_back(work, operands, scratch + static_cast<std::int64_t>(i) * work.scratch);
  pool.parallel_for_each(static_cast<std::size_t>(work.blocks * work.parts_of_block),
                         [&](std::size_t part, std::size_t thread) { threads[thread].run(static_cast<std::int64_t>(part)); });
}

}  // namespace integer_winograd

bool integer_winograd_fits(const IntegerFilter& filter) {
  using namespace integer_winograd;
  const bool is_3x3 = filter.taps_high == 3 && filter.taps_wide == 3 && filter.dilation_high == 1 && filter.dilation_wide == 1;
  return is_3x3 && filter.groups == 1 && integer_tiles().group == 2 && filter.channels <= most_channels &&
         filter.channels % std::max<std::int64_t>(HWY_DYNAMIC_DISPATCH(channels_at_once)(), 2) == 0 &&
         filter.outputs >= fewest_outputs;
}

}  // namespace resnet::kernels
#endif
