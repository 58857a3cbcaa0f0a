#include "lib/graph/dim.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cassert>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet {

namespace {

std::int64_t fit(const std::optional<std::int64_t>& number) {
  if (!number) throw Error(ErrorKind::invalid_model, "a dimension does not fit into 64 bits");
  return *number;
}

// A formula as one factor of a product: in brackets where it has an offset.
std::string factor(const Dim& dim) {
  const std::string text = dim.to_string();
  const bool plain = dim.is_number() || text.find_first_of("+-/") == std::string::npos || text.back() == ')';
  return plain ? text : "(" + text + ")";
}

}  // namespace

Dim Dim::symbol(std::string name) {
  assert(!name.empty());
  return Dim(std::move(name), 0);
}

std::int64_t Dim::number() const {
  assert(is_number());
  return offset_;
}

std::string Dim::to_string() const {
  if (base_.empty()) return fmt::format("{}", offset_);
  if (offset_ == 0) return base_;
  return fmt::format("{}{:+}", base_, offset_);
}

Dim operator+(const Dim& a, const Dim& b) {
  if (b.is_number()) return Dim(a.base_, fit(checked_add(a.offset_, b.offset_)));
  if (a.is_number()) return Dim(b.base_, fit(checked_add(a.offset_, b.offset_)));
  return Dim(fmt::format("({}+{})", a.base_, b.base_), fit(checked_add(a.offset_, b.offset_)));
}

Dim operator-(const Dim& a, const Dim& b) {
  std::int64_t offset;
  if (__builtin_sub_overflow(a.offset_, b.offset_, &offset)) fit(std::nullopt);
  if (b.is_number()) return Dim(a.base_, offset);
  if (a.base_ == b.base_) return offset;
  if (a.is_number()) return Dim(fmt::format("({}-{})", a.offset_, factor(b)), 0);
  return Dim(fmt::format("({}-{})", a.base_, b.base_), offset);
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_number() && b.is_number()) return fit(checked_multiply(a.offset_, b.offset_));
  if (a.is(0) || b.is(0)) return 0;
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  // Numbers stand behind, so that equal products look the same whichever way round they were made.
  return a.is_number() ? Dim(fmt::format("{}*{}", factor(b), factor(a)), 0) : Dim(fmt::format("{}*{}", factor(a), factor(b)), 0);
}

Dim floor_divide(const Dim& dividend, const Dim& divisor) {
  if (divisor.is(0)) throw Error(ErrorKind::invalid_model, fmt::format("division of dimension {} by zero", dividend.to_string()));
  if (divisor.is(1)) return dividend;
  if (dividend.is_number() && divisor.is_number()) {
    const std::int64_t a = dividend.number(), b = divisor.number();
    if (b == -1) return fit(checked_multiply(a, b));
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
  }
  if (dividend == divisor) return 1;
  // "batch*49" divided by "batch" or by 49 is exact.
  const std::string product = dividend.to_string(), suffix = "*" + factor(divisor), prefix = factor(divisor) + "*";
  if (product.size() > suffix.size() && product.ends_with(suffix)) {
    const std::string rest = product.substr(0, product.size() - suffix.size());
    if (rest.find_first_of("+-/(") == std::string::npos) return Dim::symbol(rest);
  }
  if (product.size() > prefix.size() && product.starts_with(prefix)) {
    const std::string rest = product.substr(prefix.size());
    if (rest.size() < 19 && rest.find_first_not_of("0123456789") == std::string::npos) return std::stoll(rest);
    if (rest.find_first_of("+-/(") == std::string::npos) return Dim::symbol(rest);
  }
  return Dim(
      fmt::format("floor({}/{})", dividend.offset_ == 0 ? dividend.base_ : "(" + dividend.to_string() + ")", factor(divisor)), 0);
}

std::string to_string(const Dims& dims) {
  if (dims.empty()) return "scalar";
  std::vector<std::string> texts;
  for (const Dim& dim : dims) texts.push_back(dim.to_string());
  return fmt::format("{}", fmt::join(texts, "x"));
}

}  // namespace resnet
