// before: a constant of float32 (more than one element) -> its readers
// after:  the same in float16 (or bfloat16) -> Cast to float32, under the constant's name -> its readers
// Conditions: the constant is neither an output nor a scale of a quantized tensor; nothing in it is beyond the type's range. The
// network computes in float32 as before; only what the file holds is rounded.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

bool quantizes(const Op& op) {
  return holds_alternative<QuantizeLinear>(op) || holds_alternative<DequantizeLinear>(op) || holds_alternative<QLinearConv>(op) ||
         holds_alternative<QLinearMatMul>(op) || holds_alternative<QLinearAdd>(op) ||
         holds_alternative<QLinearGlobalAveragePool>(op) || holds_alternative<QLinearAveragePool>(op) ||
         holds_alternative<QGemm>(op);
}

}  // namespace

Graph store_weights(const Graph& graph, DType dtype, PassLog& log) {
  Rewriter rewriter(graph);
  const Readers readers_of(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr || constant->value.dtype() != DType::float32 || constant->value.elements() <= 1) return false;
    const std::string& name = node.outputs[0].name;
    if (readers_of.is_output({id, 0})) {
      log.declined.push_back(fmt::format("store_weights: '{}' is an output", name));
      return false;
    }
    const auto& readers = readers_of.of(id);
    const auto reader = std::find_if(readers.begin(), readers.end(), [&](NodeId r) { return quantizes(graph.node(r).op); });
    if (reader != readers.end()) {
      log.declined.push_back(fmt::format("store_weights: '{}' is a scale of {}", name, describe(graph.node(*reader))));
      return false;
    }
    Tensor stored = Tensor::allocate(dtype, constant->value.shape());
    const auto from = constant->value.data<float>();
    bool fits = true;
    dispatch(dtype, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
        const auto to = stored.mutable_data<T>();
        for (std::size_t i = 0; i < from.size(); ++i) {
          to[i] = T(from[i]);
          fits = fits && std::isfinite(static_cast<float>(to[i])) == std::isfinite(from[i]);
        }
      }
    });
    if (!fits) {
      log.declined.push_back(fmt::format("store_weights: '{}' holds numbers beyond the range of {}", name, name_of(dtype)));
      return false;
    }
    const ValueId weight = rewriter.add_constant(name + "." + std::string(name_of(dtype)), std::move(stored));
    rewriter.replace({id, 0}, rewriter.graph().append(Cast{.to = DType::float32}, {weight}, "", {name}));
    log.done.push_back(fmt::format("store_weights: '{}' as {}", name, name_of(dtype)));
    return true;
  });
}

}  // namespace resnet
