#include "lib/kernels/integer_outputs.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace resnet::kernels {

void IntegerOutputs::gather(std::int64_t first_output, std::int64_t count, Given& given) const {
  if (c_.output == IntegerOutput::sums) return;
  for (std::int64_t i = 0; i < count; ++i) {
    given.factors[i] = operands_.factors[first_output + i];
    given.below_one &= std::abs(given.factors[i]) < 1;
    if (c_.output == IntegerOutput::floats) given.factors[i] *= operands_.multiplier;
    if (operands_.shifts != nullptr) given.shifts[i] = operands_.shifts[first_output + i];
  }
}

void IntegerOutputs::set(const Given& given, IntegerPanel& panel) const {
  const std::int32_t sign = c_.y_signed ? 128 : 0;
  panel.output = c_.output;
  panel.factors = given.factors;
  panel.shifts = operands_.shifts == nullptr ? nullptr : given.shifts;
  panel.factors_below_one = given.below_one;
  panel.sign = sign;
  panel.zero_point = c_.y_zero_point + sign;
  panel.least_byte = std::clamp(c_.least_byte + sign, 0, 255);
  panel.most_byte = std::clamp(c_.most_byte + sign, 0, 255);
  panel.least = c_.least;
  panel.most = c_.most;
  panel.outputs = c_.filter.outputs;
  panel.addition = first_addition();
  if (panel.addition != nullptr) {
    panel.addend = static_cast<const std::uint8_t*>(operands_.addends[panel.addition->addend]);
    panel.map_of_y = static_cast<const std::uint8_t*>(operands_.y);
  }
}

const ByteStage* IntegerOutputs::first_addition() const {
  if (c_.output != IntegerOutput::bytes || c_.stages == nullptr || c_.stages->empty()) return nullptr;
  const ByteStage& first = c_.stages->front();
  return first.table == nullptr ? &first : nullptr;
}

void* IntegerOutputs::place(std::int64_t row, std::int64_t first_output) const {
  const std::int64_t size = c_.output == IntegerOutput::bytes ? 1 : 4;
  return static_cast<std::uint8_t*>(operands_.y) + (row * c_.filter.outputs + first_output) * size;
}

void IntegerOutputs::finish(std::int64_t first_output, std::int64_t count, std::int64_t row, std::int64_t rows) const {
  const std::int64_t outputs = c_.filter.outputs, at = row * outputs + first_output;
  // Whole pixels lie one after the other.
  const bool whole = count == outputs;
  const std::int64_t pieces = whole ? 1 : rows, piece = whole ? rows * outputs : count;
  if (c_.output == IntegerOutput::floats && c_.finish) {
    for (std::int64_t i = 0; i < pieces; ++i) {
      const auto begin = static_cast<std::size_t>(at + i * outputs);
      c_.finish.apply(static_cast<float*>(operands_.y), begin, begin + static_cast<std::size_t>(piece));
    }
  }
  if (c_.output != IntegerOutput::bytes || c_.stages == nullptr) return;
  auto* y = static_cast<std::uint8_t*>(operands_.y) + at;
  for (const ByteStage& stage : std::span(*c_.stages).subspan(first_addition() == nullptr ? 0 : 1)) {
    if (stage.table == nullptr) {
      const auto* addend = static_cast<const std::uint8_t*>(operands_.addends[stage.addend]) + at;
      const std::uint8_t *a = stage.addend_first ? addend : y, *b = stage.addend_first ? y : addend;
      tiles_.add(stage.addition, a, b, y, pieces, outputs, piece);
      continue;
    }
    for (std::int64_t i = 0; i < pieces; ++i) {
      const auto bytes_count = static_cast<std::size_t>(piece);
      std::uint8_t* bytes = y + i * outputs;
      if (stage.table_per_channel) {
        look_up(stage.table + first_output * 256, static_cast<std::size_t>(count), 1, bytes, bytes, 0, bytes_count);
      } else {
        look_up(stage.table, bytes, bytes, bytes_count);
      }
    }
  }
}

}  // namespace resnet::kernels
