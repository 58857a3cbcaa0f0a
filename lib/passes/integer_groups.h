// What integer_arithmetic has in hand as it walks over a graph, and how the operators that compute become integer ones.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lib/passes/coded.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

class IntegerGroups {
 protected:
  // A value of floats that follows from bytes (of the new graph) by a table. The quantization is that of the DequantizeLinear
  // which it comes from.
  struct Coded {
    ValueId bytes;
    Quantization quantization;
    Table table;
  };
  // Bytes of the new graph that stand for a value.
  struct Operand {
    ValueId bytes;
    Quantization quantization;
  };
  // Constant weights of 8 bits, and where they are in the new graph. Scales and zero points are one each, or one for each index
  // along `axis`.
  struct Weight {
    Tensor bytes, scales, zeros;
    std::size_t axis = 0;
    ValueId bytes_id, scales_id, zeros_id;
    bool has_one_scale_or(std::size_t wanted) const {
      return (scales.elements() == 1 && zeros.elements() == 1) || axis == wanted;
    }
  };
  // x times a weight, perhaps with a bias.
  struct Product {
    Operand x;
    const Weight* weight;
    ValueId bias;               // of the old graph
    std::int64_t terms, count;  // of each sum, and how many output channels
  };

  IntegerGroups(const Graph& graph, const IntegerOptions& options)
      : graph_(graph), options_(options), readers_(graph), rewriter_(graph) {}

  const Coded* coded(ValueId value) const;
  void set_coded(ValueId value, Coded coded);
  // After a node has been dealt with: tables that nobody looks at any more.
  void let_go(NodeId id, bool replaced);
  // Whether so many rows may still be computed.
  bool spend(std::size_t rows);

  // A value that is constant, or follows from constants by changing their form.
  std::optional<Tensor> known(ValueId value, int depth = 0) const;
  // Of a QuantizeLinear or DequantizeLinear, which has bytes of this type.
  std::optional<Quantization> quantization_at(NodeId id, std::optional<DType> dtype) const;
  // The parameters are in the graph: they need not be put into it again.
  void note_parameters(const Quantization& quantization, ValueId scale, ValueId zero_point);

  // What a constant Pad pads with; nothing where that is not known.
  std::optional<float> padding_of(const Node& pad) const;
  static std::optional<std::uint8_t> byte_of(const Row& row, std::optional<float> number);
  void pad_by(std::vector<ValueId>& inputs, std::int32_t number, DType dtype);

  // Appends an operator that stands for one of the old graph; its first output.
  ValueId emit(NodeId id, Op op, std::vector<ValueId> inputs);
  std::optional<ValueId> look_up(const Coded& x, const ByteTable& table, DType dtype);

  // A node that computes, its output quantized; nothing where it has no integer form.
  std::optional<ValueId> computed(NodeId id, const Quantization& to);
  // A product of bytes whose output stays float32: whether it became one of integers.
  bool compute_in_integers(NodeId id);

  const Graph& graph_;
  const IntegerOptions options_;
  const Readers readers_;
  Rewriter rewriter_;

 private:
  // Bytes that stand for a value exactly, by the parameters that it comes from; of this type where one is asked for.
  std::optional<Operand> operand(ValueId value, std::optional<DType> dtype = std::nullopt);
  const Weight* weight(ValueId value);
  std::optional<Weight> find_weight(ValueId value, int depth) const;
  std::optional<Tensor> bytes_of_weight(ValueId value) const;

  std::optional<Product> product(const Node& node);
  // In units of x's scale times the weight's; nothing where it is not known, or sums could overflow. An empty tensor: no bias.
  std::optional<Tensor> whole_bias(const Product& product) const;
  std::vector<ValueId> inputs_of_product(const Product& product);

  std::optional<ValueId> convolved(NodeId id, const Quantization& to);
  std::optional<ValueId> multiplied(NodeId id, const Product& product, bool transB, const Quantization& to);
  std::optional<ValueId> added(NodeId id, const Quantization& to);
  std::optional<ValueId> averaged(NodeId id, const Quantization& to);

  ValueId scale(float value);
  ValueId zero(const Quantization& quantization);
  ValueId constant(NodeId id, const char* suffix, Tensor tensor);

  std::map<ValueId, Coded> coded_;
  std::map<ValueId, std::size_t> uses_;
  std::size_t coded_bytes_ = 0, table_bytes_ = 0, rows_ = 0;
  std::map<ValueId, std::optional<Weight>> weights_;
  std::map<float, ValueId> scales_;
  std::map<std::pair<DType, std::int32_t>, ValueId> zeros_;
  std::map<std::tuple<ValueId, DType, ByteTable>, ValueId> looked_up_;
};

}  // namespace resnet
