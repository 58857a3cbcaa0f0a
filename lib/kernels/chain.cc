#include "lib/kernels/chain.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/chain.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/functions-inl.h"
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

constexpr std::size_t most_of_block = 2048;  // elements: 8 KiB
constexpr std::size_t everything = static_cast<std::size_t>(-1);

// y = function(x). What is left over is computed as a whole vector, too.
template <class F>
HWY_INLINE void map(const float* x, float* y, std::size_t count, const F& function) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i);
  if (i == count) return;
  const auto left = static_cast<std::int64_t>(count - i);
  store_first(function(load_first(d, x + i, left)), d, y + i, left);
}

// Elements of an operand: one after the other, or one for all.
struct Elements {
  const float* data;
  bool single;
};

// y = clamp(function(x, other), least, most).
template <class F>
HWY_INLINE void map2(const float* x, const Elements& other, const Link& link, float* y, std::size_t count, const F& function) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector least = hn::Set(d, link.least), most = hn::Set(d, link.most);
  if (other.single) {
    const Vector one = hn::Set(d, *other.data);
    return map(x, y, count, [=](Vector v) HWY_ATTR { return between(least, function(v, one), most); });
  }
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(between(least, function(hn::LoadU(d, x + i), hn::LoadU(d, other.data + i)), most), d, y + i);
  if (i == count) return;
  const auto left = static_cast<std::int64_t>(count - i);
  const Vector result = function(load_first(d, x + i, left), load_first(d, other.data + i, left));
  store_first(between(least, result, most), d, y + i, left);
}

// The one of two that `first` chooses; NaN where either is that.
template <class M>
HWY_INLINE Vector chosen(M first, Vector x, Vector o) {
  return keep_nan(x, keep_nan(o, hn::IfThenElse(first, x, o)));
}

template <Function f>
HWY_INLINE Vector of_two(Vector x, Vector o) {
  if constexpr (f == Function::add) return hn::Add(x, o);
  if constexpr (f == Function::subtract) return hn::Sub(x, o);
  if constexpr (f == Function::subtract_from) return hn::Sub(o, x);
  if constexpr (f == Function::multiply) return hn::Mul(x, o);
  if constexpr (f == Function::divide) return hn::Div(x, o);
  if constexpr (f == Function::divide_into) return hn::Div(o, x);
  if constexpr (f == Function::minimum) return chosen(hn::Lt(x, o), x, o);
  if constexpr (f == Function::maximum) return chosen(hn::Gt(x, o), x, o);
  if constexpr (f == Function::slope) return hn::IfThenElse(hn::Lt(x, number(0)), hn::Mul(o, x), x);
}

HWY_INLINE Vector root_of(Vector x) {
  const Vector infinity = number(std::numeric_limits<float>::infinity());
  return hn::IfThenElse(hn::Eq(x, hn::Neg(infinity)), infinity, hn::Sqrt(hn::Add(x, number(0))));
}

template <Function f>
HWY_INLINE Vector of_one(Vector x, Vector a, Vector b) {
  const Vector zero = number(0), one = number(1);
  if constexpr (f == Function::leaky_relu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, x), x);
  if constexpr (f == Function::thresholded_relu) return hn::IfThenElse(hn::Le(x, a), zero, x);
  if constexpr (f == Function::elu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, exponential_minus_one(x)), x);
  if constexpr (f == Function::selu) return hn::Mul(b, hn::IfThenElse(hn::Le(x, zero), hn::Mul(a, exponential_minus_one(x)), x));
  if constexpr (f == Function::celu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, exponential_minus_one(hn::Div(x, a))), x);
  if constexpr (f == Function::hard_sigmoid) return between(zero, hn::MulAdd(a, x, b), one);
  if constexpr (f == Function::hard_swish) return share(x, between(zero, hn::Mul(hn::Add(x, number(3)), number(1.0f / 6)), one));
  if constexpr (f == Function::sigmoid) return logistic(x);
  if constexpr (f == Function::swish) return share(x, logistic(hn::Mul(a, x)));
  if constexpr (f == Function::mish) return mish_of(x);
  if constexpr (f == Function::gelu) return gelu_of(x);
  if constexpr (f == Function::gelu_by_tanh) return gelu_by_tanh_of(x);
  if constexpr (f == Function::softplus) return soft_plus(x);
  if constexpr (f == Function::softsign) return hn::Div(x, hn::Add(one, hn::Abs(x)));
  if constexpr (f == Function::tanh) return hyperbolic_tangent(x);
  if constexpr (f == Function::erf) return error_function(x);
  if constexpr (f == Function::exp) return exponential(x);
  if constexpr (f == Function::log) return logarithm(x);
  if constexpr (f == Function::sqrt) return hn::Sqrt(x);
  if constexpr (f == Function::root) return root_of(x);
  if constexpr (f == Function::square) return hn::Mul(x, x);
  if constexpr (f == Function::reciprocal) return hn::Div(one, x);
  if constexpr (f == Function::floor) return keep_nan(x, hn::Floor(x));
  if constexpr (f == Function::ceil) return keep_nan(x, hn::Ceil(x));
  if constexpr (f == Function::round) return keep_nan(x, hn::Round(x));
  if constexpr (f == Function::abs) return hn::Abs(x);
  if constexpr (f == Function::neg) return hn::Neg(x);
  if constexpr (f == Function::clamp) return between(a, x, b);
}

template <Function f>
void apply(const Link& link, const float* x, const Elements& other, float* y, std::size_t n) {
  if constexpr (f == Function::formula) {
    for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<float>(link.formula(link.op, static_cast<double>(x[i])));
  } else if constexpr (has_operand(f)) {
    map2(x, other, link, y, n, [](Vector v, Vector o) HWY_ATTR { return of_two<f>(v, o); });
  } else {
    const Vector a = number(link.a), b = number(link.b);
    map(x, y, n, [=](Vector v) HWY_ATTR { return of_one<f>(v, a, b); });
  }
}

using Apply = void (*)(const Link&, const float*, const Elements&, float*, std::size_t);
// By function.
template <std::size_t... index>
constexpr std::array<Apply, sizeof...(index)> table_of(std::index_sequence<index...>) {
  return {apply<static_cast<Function>(index)>...};
}

// Of 16 bits. Highway's own way, where processors have no instruction for it, knows neither infinity nor NaN.
template <class From>
HWY_INLINE Vector from_half(From narrow, hn::Vec<From> half) {
  const Tag d;
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  if constexpr (std::is_same_v<hn::TFromD<From>, hwy::float16_t>) {
    const hn::Rebind<std::uint16_t, Tag> u16;
    const hn::Rebind<std::int32_t, Tag> i32;
    const auto bits = hn::PromoteTo(i32, hn::BitCast(u16, half));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(i32, 0x7fff)));
    // The exponents of float32 are higher by 112; that of what is not finite becomes the greatest.
    const auto finite = hn::BitCast(i32, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112f)));
    const auto is_finite = hn::Gt(hn::Set(i32, 0x1f << 23), magnitude);
    const auto number = hn::IfThenElse(is_finite, finite, hn::Or(magnitude, hn::Set(i32, 0x7f800000)));
    return hn::BitCast(d, hn::Or(number, hn::ShiftLeft<16>(hn::And(bits, hn::Set(i32, 0x8000)))));
  }
#endif
  static_cast<void>(narrow);
  return hn::PromoteTo(d, half);
}

// x in float32, of a type that is narrower. What is left over is computed as a whole vector, too.
template <class From>
HWY_INLINE void widen(From narrow, const hn::TFromD<From>* x, float* y, std::size_t count) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto wide = [&](hn::Vec<From> v) HWY_ATTR {
    if constexpr (sizeof(hn::TFromD<From>) == 1) {
      return hn::ConvertTo(d, hn::PromoteTo(hn::Rebind<std::int32_t, Tag>(), v));
    } else {
      return from_half(narrow, v);
    }
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(wide(hn::LoadU(narrow, x + i)), d, y + i);
  if (i == count) return;
  HWY_ALIGN hn::TFromD<From> rest[HWY_LANES(float)] = {};
  std::memcpy(rest, x + i, (count - i) * sizeof(*x));
  store_first(wide(hn::Load(narrow, rest)), d, y + i, static_cast<std::int64_t>(count - i));
}

// x from its element `begin` on, which is not of float32.
void widen(Element element, const void* x, std::size_t begin, float* y, std::size_t count) {
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    widen(hn::Rebind<T, Tag>(), static_cast<const T*>(x) + begin, y, count);
  };
  switch (element) {
    case Element::float32: return;
    case Element::uint8: return run(std::uint8_t{});
    case Element::int8: return run(std::int8_t{});
    case Element::float16: return run(hwy::float16_t{});
    case Element::bfloat16: return run(hwy::bfloat16_t{});
  }
}

// Whole numbers as bytes, saturated; NaN is neither above the least nor below the greatest.
template <typename To>
void narrow(const float* x, To* y, std::size_t count) {
  constexpr float lowest = std::numeric_limits<To>::min(), highest = std::numeric_limits<To>::max();
  const Tag d;
  const hn::Rebind<std::int32_t, Tag> integers;
  const hn::Rebind<To, Tag> bytes;
  const std::size_t lanes = hn::Lanes(d);
  const Vector least = hn::Set(d, lowest), most = hn::Set(d, highest);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Vector v = hn::LoadU(d, x + i);
    v = hn::IfThenElse(hn::Gt(v, least), v, least);
    v = hn::IfThenElse(hn::Lt(v, most), v, most);
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(integers, v)), bytes, y + i);
  }
  for (; i < count; ++i) y[i] = static_cast<To>(x[i] > lowest ? (x[i] < highest ? x[i] : highest) : lowest);
}

// A place among an operand's axes.
class Walk {
 public:
  Walk(const Axes& axes, std::size_t index) : axes_(axes) {
    for (std::size_t k = axes.size(); k-- > 0;) {
      at_[k] = k > 0 ? index % axes[k].size : index;
      if (k > 0) index /= axes[k].size;
      offset_ += at_[k] * axes[k].step;
    }
  }
  std::size_t offset() const { return offset_; }
  // Elements left on the innermost axis.
  std::size_t left() const { return axes_.size() < 2 ? everything : axes_.back().size - at_[axes_.size() - 1]; }
  std::size_t step() const { return axes_.empty() ? 0 : axes_.back().step; }
  // For how many elements the innermost axis repeats itself, from here on.
  std::size_t repeats() const {
    const std::size_t n = axes_.size();
    if (n < 2 || axes_[n - 2].step != 0) return 0;
    return n == 2 ? everything / 2 : axes_[n - 2].size * axes_[n - 1].size - at_[n - 2] * axes_[n - 1].size - at_[n - 1];
  }

  void copy(const float* operand, float* to, std::size_t count) {
    while (count > 0) {
      const std::size_t run = std::min(count, left()), stride = step();
      const float* from = operand + offset_;
      if (stride == 1) {
        std::memcpy(to, from, run * sizeof(float));
      } else {
        for (std::size_t i = 0; i < run; ++i) to[i] = from[i * stride];
      }
      to += run;
      count -= run;
      advance(run);
    }
  }

 private:
  void advance(std::size_t count) {
    if (axes_.empty()) return;
    std::size_t k = axes_.size() - 1;
    at_[k] += count;
    offset_ += count * axes_[k].step;
    for (; k > 0 && at_[k] == axes_[k].size; --k) {
      offset_ += axes_[k - 1].step;
      offset_ -= at_[k] * axes_[k].step;
      at_[k] = 0;
      ++at_[k - 1];
    }
  }

  const Axes& axes_;
  std::array<std::size_t, most_axes> at_ = {};
  std::size_t offset_ = 0;
};

// Where the links' operands are. What has to be copied, because it repeats after fewer elements than a block has, stays as long
// as the next block needs the same.
class Operands {
 public:
  Elements of(const Link& link, std::size_t index, const float* operand, std::size_t begin, std::size_t count) {
    Place& place = places_[index % places_.size()];
    if (place.link == index && begin + count <= place.until) {
      if (place.row == 0) return {place.data + (begin - place.begin) * place.step, place.step == 0};
      if (count <= place.copied && (begin - place.begin) % place.row == 0) return {place.copy, false};
    }
    Walk walk(link.axes, begin);
    const std::size_t step = walk.step(), left = walk.left();
    if (step <= 1 && count <= left) {
      place.set(index, begin, left == everything ? everything : begin + left);
      place.data = operand + walk.offset();
      place.step = step;
      place.row = 0;
      return {place.data, step == 0};
    }
    const std::size_t repeats = walk.repeats();
    place.set(index, begin, begin + repeats);
    place.row = link.axes.back().size;
    place.copied = count;
    std::size_t copied = repeats < count ? count : std::min(count, place.row);
    walk.copy(operand, place.copy, copied);
    for (std::size_t more = 0; copied < count; copied += more) {  // whole rows again, twice as many each time
      more = std::min(copied, count - copied);
      std::memcpy(place.copy + copied, place.copy, more * sizeof(float));
    }
    return {place.copy, false};
  }

 private:
  struct Place {
    std::size_t link = everything, begin = 0, until = 0;  // for which elements it holds; none where until <= begin
    const float* data = nullptr;
    std::size_t step = 0, row = 0, copied = 0;  // row: after how many elements a copy repeats; 0: there is none
    HWY_ALIGN float copy[most_of_block];

    void set(std::size_t of_link, std::size_t from, std::size_t to) {
      link = of_link;
      begin = from;
      until = to;
    }
  };
  std::array<Place, 3> places_;
};

// As many whole rows of what repeats as fit, so that each block needs the same.
std::size_t block_of(const Chain& chain) {
  for (const Link& link : chain.links) {
    if (!has_operand(link.function) || link.axes.size() < 2) continue;
    const std::size_t row = link.axes.back().size;
    if (link.axes.back().step != 0 && row <= most_of_block) return most_of_block / row * row;
  }
  return most_of_block;
}

// Where the block's elements of x are in float32: their own place, or y.
const float* source(const Chain& chain, const void* x, float* y, std::size_t begin, std::size_t count) {
  if (chain.from != Element::float32) {
    widen(chain.from, x, begin, y, count);
    return y;
  }
  const auto* floats = static_cast<const float*>(x);
  Walk walk(chain.axes, begin);
  if (walk.step() == 1 && count <= walk.left()) return floats + walk.offset();
  walk.copy(floats, y, count);
  return y;
}

void run_blocks(const Chain& chain, const void* x, const float* const* operands, void* y, std::size_t begin, std::size_t end) {
  static constexpr auto table = table_of(std::make_index_sequence<static_cast<std::size_t>(Function::last)>());
  HWY_ALIGN float narrowed[most_of_block];
  const bool in_place = chain.to == Element::float32;
  Operands places;
  const std::size_t block = block_of(chain);
  for (std::size_t at = begin; at < end; at += block) {
    const std::size_t count = std::min(block, end - at);
    float* to = in_place ? static_cast<float*>(y) + at : narrowed;
    const float* from = source(chain, x, to, at, count);
    for (std::size_t i = 0; i < chain.links.size(); ++i) {
      const Link& link = chain.links[i];
      const bool reads = has_operand(link.function);
      const Elements other = reads ? places.of(link, i, operands[link.operand], at, count) : Elements{nullptr, false};
      table[static_cast<std::size_t>(link.function)](link, from, other, to, count);
      from = to;
    }
    if (chain.to == Element::uint8) {
      narrow(from, static_cast<std::uint8_t*>(y) + at, count);
    } else if (chain.to == Element::int8) {
      narrow(from, static_cast<std::int8_t*>(y) + at, count);
    } else if (from != to) {
      std::memcpy(to, from, count * sizeof(float));
    }
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(run_blocks);

Axes joined(const Axes& axes) {
  Axes result;
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (!result.empty() && result.back().step == axis.step * axis.size) {
      result.back() = {result.back().size * axis.size, axis.step};
    } else {
      result.push_back(axis);
    }
  }
  if (result.size() == 1 && result[0].step == 0) result.clear();
  return result;
}

void run(const Chain& chain, const void* x, const float* const* operands, void* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(run_blocks)(chain, x, operands, y, begin, end);
}

}  // namespace resnet::kernels
#endif
