// A dimension: a number, or a symbol such as "batch" with an offset, as symbolic inputs bring them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace resnet {

// base + offset where base is a symbol, or only a number. Equal formulas are equal dims, so that a main path and its shortcut
// still add up when height and width are symbols.
class Dim {
 public:
  Dim(std::int64_t number) : offset_(number) {}  // NOLINT: numbers are dims
  static Dim symbol(std::string name);

  bool is_number() const { return base_.empty(); }
  // Only where is_number().
  std::int64_t number() const;
  bool is(std::int64_t number) const { return is_number() && offset_ == number; }

  // "224", "batch", "batch*49", "floor((height-1)/2)+1".
  std::string to_string() const;

  friend bool operator==(const Dim&, const Dim&) = default;
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  // Rounded down; `divisor` a positive number or a symbol.
  friend Dim floor_divide(const Dim& dividend, const Dim& divisor);

 private:
  Dim(std::string base, std::int64_t offset) : base_(std::move(base)), offset_(offset) {}
  std::string base_;
  std::int64_t offset_ = 0;
};

using Dims = std::vector<Dim>;

// "batchx3x224x224"; "scalar" for none.
std::string to_string(const Dims& dims);

}  // namespace resnet
