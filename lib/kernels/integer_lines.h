// Lines of a map of 8-bit integers made ready for the tiles of a convolution. Private to lib/kernels.
#pragma once

#include <cstdint>

#include "lib/kernels/integer_work.h"

namespace resnet::kernels {

// A thread's, of one part at a time; the parts of several panels share them.
class IntegerLines {
 public:
  IntegerLines(const IntegerWork& work, const IntegerOperands& operands, bool with_sums, std::uint8_t* scratch);

  // The lines of the part `index`, counted without panels.
  void prepare(std::int64_t index);

  std::int64_t rows() const { return rows_; }  // pixels of y
  const IntegerWindow* windows() const { return reinterpret_cast<IntegerWindow*>(scratch_ + work_.windows); }
  const std::uint8_t* background() const { return scratch_ + work_.background; }
  // x's zero point, once x is as tiles read it.
  std::int32_t zero_point() const { return zero_point_; }
  // Of each window's elements, where asked for and there are no groups.
  const std::int32_t* sums() const { return reinterpret_cast<std::int32_t*>(scratch_ + work_.sums); }
  // Of a window's elements that a group sees.
  std::int32_t sum_of_window(const IntegerWindow& window, std::int64_t group) const;

 private:
  IntegerWindow* find_windows(const std::uint8_t* rows, std::int64_t top, std::int64_t height, std::int64_t lines,
                              IntegerWindow* to) const;
  const std::uint8_t* read_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::uint8_t*& to) const;
  const std::uint8_t* read_pixels(std::int64_t first_line, std::int64_t count) const;
  void prepare_pixels(std::int64_t first_line, std::int64_t count) const;
  void add_up(const std::uint8_t* image, std::int64_t top, std::int64_t height, std::int64_t lines, std::int32_t* sums) const;
  void fill(std::uint8_t* to, std::int64_t count) const;
  std::int32_t sum(const std::uint8_t* from, std::int64_t count) const;

  const IntegerWork& work_;
  const IntegerOperands& operands_;
  bool with_sums_;
  std::int32_t zero_point_;
  std::uint8_t* scratch_;
  std::int64_t ready_ = -1, rows_ = 0;
};

}  // namespace resnet::kernels
