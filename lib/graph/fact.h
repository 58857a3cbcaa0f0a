// What is known of a value before anything runs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/graph/dim.h"
#include "lib/tensor/tensor.h"

namespace resnet {

// Downstream of an unknown operator, nothing is known.
struct Fact {
  std::optional<DType> dtype;
  std::optional<Dims> dims;
  // The value itself, where it is constant.
  std::optional<Tensor> value;
  // The elements of a small tensor of integers, row by row, where each is a number or a symbol: how Shape, Gather, Slice, Concat
  // and Reshape fold under a symbolic batch. Mostly scalars and vectors; a matrix on its way to be a vector again (exporters turn
  // pads about in one). Set beside `value` for constants, too (see Fact::constant).
  std::optional<Dims> elements;

  static Fact of(DType dtype, Dims dims) { return {dtype, std::move(dims), std::nullopt, std::nullopt}; }
  static Fact constant(const Tensor& value);
  // An int64 vector (or, with `scalar`, one number) whose elements are dims.
  static Fact of_elements(Dims elements, bool scalar = false);
  static Fact unknown() { return {}; }

  bool has_rank() const { return dims.has_value(); }
  // Only where has_rank().
  std::size_t rank() const { return dims->size(); }
  // All dims, as a Shape; nothing where one is a symbol or the rank is unknown.
  std::optional<Shape> shape() const;
  // "float 8x3x224x224"; "?" for what is unknown.
  std::string to_string() const;

  friend bool operator==(const Fact&, const Fact&) = default;
};

// The inputs of a node as its infer() sees them: an optional input that is left out is null.
class Facts {
 public:
  explicit Facts(std::span<const Fact* const> facts) : facts_(facts) {}
  std::size_t size() const { return facts_.size(); }
  bool has(std::size_t index) const { return index < facts_.size() && facts_[index] != nullptr; }
  // Only where has(index).
  const Fact& operator[](std::size_t index) const { return *facts_[index]; }

 private:
  std::span<const Fact* const> facts_;
};

// ONNX's multidirectional broadcasting. Throws Error(malformed) "cannot broadcast 2x3 with 4". A symbol against a number
// above 1 gives the number; two different symbols give a symbol of their own.
Dims broadcast(const Dims& a, const Dims& b);

// An axis counted from the end made positive. Throws Error(malformed) where it is out of [-rank, rank).
std::size_t normalize_axis(std::int64_t axis, std::size_t rank);

// The numbers of a constant int64 (or int32) tensor; nothing where the value is not known or holds a symbol.
std::optional<std::vector<std::int64_t>> known_integers(const Fact& fact);

}  // namespace resnet
