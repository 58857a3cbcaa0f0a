#include "lib/graph/dim.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <numeric>
#include <optional>
#include <string_view>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet {

namespace {

// Formulas of real models have some dozens of characters; a chain of products of a product with itself doubles each time.
constexpr std::size_t longest_formula = 4096;

std::int64_t fit(const std::optional<std::int64_t>& number) {
  if (!number) throw Error(Fault::malformed, "a dimension does not fit into 64 bits");
  return *number;
}

std::string bounded(std::string formula) {
  if (formula.size() > longest_formula) {
    throw Error(Fault::malformed, fmt::format("the formula of a dimension has {} characters, expected at most {}", formula.size(),
                                              longest_formula));
  }
  return formula;
}

// Up to 18 digits, which always fit.
bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Whether a sum, a difference or a quotient is outside all brackets.
bool is_bare_sum(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return true;
    const bool sign_of_factor = c == '-' && i > 0 && text[i - 1] == '*';
    if (depth == 0 && (c == '+' || c == '-' || c == '/') && !sign_of_factor) return true;
  }
  return depth != 0;
}

std::string in_brackets(const std::string& text) { return is_bare_sum(text) ? "(" + text + ")" : text; }

// A product taken apart: "a*b*6" is 6 and {a, b}. Sorted, so that equal products look the same whichever way they were made.
struct Product {
  std::int64_t number = 1;
  std::vector<std::string> factors;

  std::size_t terms() const { return factors.size() + (number != 1 ? 1 : 0); }
  std::string to_string() const {
    if (factors.empty()) return fmt::format("{}", number);
    const std::string symbols = fmt::format("{}", fmt::join(factors, "*"));
    return number == 1 ? symbols : fmt::format("{}*{}", symbols, number);
  }
};

Product product_of(const Dim& dim) {
  if (dim.is_number()) return {dim.number(), {}};
  const std::string text = dim.to_string();
  const Product whole{1, {in_brackets(text)}};
  if (is_bare_sum(text)) return whole;
  Product product;
  int depth = 0;
  std::string piece;
  const auto finish = [&] {
    const bool negative = piece.starts_with('-');
    if (is_digits(std::string_view(piece).substr(negative ? 1 : 0))) {
      product.number = fit(checked_multiply(product.number, std::int64_t{std::stoll(piece)}));
    } else {
      product.factors.push_back(piece);
    }
    piece.clear();
  };
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth == 0 && c == '*') {
      if (piece.empty()) return whole;  // only a name that looks like a product
      finish();
    } else {
      piece += c;
    }
  }
  if (piece.empty()) return whole;
  finish();
  if (product.factors.empty()) return {1, {"(" + text + ")"}};  // a symbol whose name is a number
  std::sort(product.factors.begin(), product.factors.end());
  return product;
}

// "(h+1)", a factor, is h and 1 again, so that it equals the dim that it came from.
Dim dim_of(const Product& product) {
  if (product.factors.empty()) return product.number;
  if (product.number == 0) return 0;
  const std::string text = bounded(product.to_string());
  if (product.terms() != 1 || !text.starts_with('(') || !text.ends_with(')')) return Dim::symbol(text);
  const std::string inner = text.substr(1, text.size() - 2);
  const std::size_t sign = inner.find_last_of("+-");
  const bool offset = sign != std::string::npos && sign > 0 && is_digits(std::string_view(inner).substr(sign + 1)) &&
                      std::string_view("+-*/(").find(inner[sign - 1]) == std::string_view::npos &&
                      !is_bare_sum(inner.substr(sign + 1)) && is_bare_sum(inner);
  if (!offset) return Dim::symbol(text);
  return Dim::symbol(inner.substr(0, sign)) + Dim(std::stoll(inner.substr(sign)));
}

}  // namespace

Dim Dim::symbol(std::string name) {
  assert(!name.empty());
  return Dim(bounded(std::move(name)), 0);
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
  const std::int64_t offset = fit(checked_add(a.offset_, b.offset_));
  if (b.is_number()) return Dim(a.base_, offset);
  if (a.is_number()) return Dim(b.base_, offset);
  if (a.base_ == b.base_) return Dim::symbol(a.base_) * Dim(2) + Dim(offset);
  const auto [first, second] = std::minmax(a.base_, b.base_);
  return Dim(bounded(fmt::format("({}+{})", first, second)), offset);
}

Dim operator-(const Dim& a, const Dim& b) {
  std::int64_t offset;
  if (__builtin_sub_overflow(a.offset_, b.offset_, &offset)) fit(std::nullopt);
  if (b.is_number()) return Dim(a.base_, offset);
  if (a.base_ == b.base_) return offset;
  return Dim(bounded(fmt::format("({}-{})", a.is_number() ? "0" : a.base_, in_brackets(b.base_))), offset);
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_number() && b.is_number()) return fit(checked_multiply(a.offset_, b.offset_));
  if (a.is(0) || b.is(0)) return 0;
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  Product product = product_of(a);
  const Product other = product_of(b);
  product.number = fit(checked_multiply(product.number, other.number));
  product.factors.insert(product.factors.end(), other.factors.begin(), other.factors.end());
  std::sort(product.factors.begin(), product.factors.end());
  return dim_of(product);
}

Dim floor_divide(const Dim& dividend, const Dim& divisor) {
  if (divisor.is(0)) throw Error(Fault::malformed, fmt::format("division of dimension {} by zero", dividend.to_string()));
  if (divisor.is(1)) return dividend;
  if (dividend.is_number() && divisor.is_number()) {
    const std::int64_t a = dividend.number(), b = divisor.number();
    if (b == -1) return fit(checked_multiply(a, b));
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
  }
  if (dividend == divisor) return 1;
  if (dividend.is(0)) return 0;
  // "batch*49" divided by "batch" or by 49 is exact: what both have is taken out.
  Product numerator = product_of(dividend), denominator = product_of(divisor);
  for (auto factor = denominator.factors.begin(); factor != denominator.factors.end();) {
    const auto found = std::find(numerator.factors.begin(), numerator.factors.end(), *factor);
    if (found == numerator.factors.end()) {
      ++factor;
    } else {
      numerator.factors.erase(found);
      factor = denominator.factors.erase(factor);
    }
  }
  if (numerator.number > 0 && denominator.number > 0) {
    const std::int64_t common = std::gcd(numerator.number, denominator.number);
    numerator.number /= common;
    denominator.number /= common;
  }
  if (denominator.factors.empty() && numerator.factors.empty()) {
    return floor_divide(Dim(numerator.number), Dim(denominator.number));
  }
  if (denominator.terms() == 0) return dim_of(numerator);
  const std::string below = denominator.terms() > 1 ? "(" + denominator.to_string() + ")" : denominator.to_string();
  return Dim::symbol(fmt::format("floor({}/{})", numerator.to_string(), below));
}

std::string to_string(const Dims& dims) {
  if (dims.empty()) return "scalar";
  // For people: what a file says may be thousands of dims, or formulas of thousands of characters.
  constexpr std::size_t most_dims = 16, longest = 200;
  std::vector<std::string> texts;
  for (const Dim& dim : dims) {
    if (texts.size() == most_dims) break;
    std::string text = dim.to_string();
    if (text.size() > longest) text = text.substr(0, longest / 2) + "..." + text.substr(text.size() - longest / 4);
    texts.push_back(std::move(text));
  }
  const std::string shown = fmt::format("{}", fmt::join(texts, "x"));
  return dims.size() > most_dims ? fmt::format("{}x... ({} dims)", shown, dims.size()) : shown;
}

}  // namespace resnet
