// Every operator of the graph: it says what it is, its attributes come back from ONNX and from the text dump, and it is
// evaluated.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "formats/onnx/node_import.h"
#include "formats/onnx/operators.h"
#include "formats/onnx/opset.h"
#include "lib/reference/reference.h"

namespace resnet::onnx {
namespace {

// A value that no operator has as its default.
std::int64_t other(std::int64_t value) { return value + 2; }
[[maybe_unused]] float other(float value) { return value + 0.25f; }
bool other(bool value) { return !value; }
[[maybe_unused]] std::string other(const std::string& value) { return value + "other"; }
DType other(DType value) { return value == DType::int8 ? DType::uint8 : DType::int8; }
Tensor other(const Tensor&) { return Tensor::from<float>(Shape{1}, {3.5f}); }
template <HasWords E>
E other(E value) {
  return words<E>[0].value == value ? words<E>[1].value : words<E>[0].value;
}
template <typename T>
std::vector<T> other(const std::vector<T>& value) {
  std::vector<T> list = value;
  list.push_back(T{3});
  return list;
}
template <typename T>
std::optional<T> other(const std::optional<T>&) {
  return other(T{});
}

// Changes every attribute; returns how many it has.
template <typename T>
int change(T& op) {
  int count = 0;
  for_each_attribute<T>([&]<typename M>(const AttributeOf<T, M>& attribute) {
    if constexpr (HasAttributes<M>) {
      count += change(op.*attribute.member);
    } else if (!attribute.is_own) {
      op.*attribute.member = other(op.*attribute.member);
      ++count;
    }
  });
  return count;
}

// A graph of one node, whose inputs are float values of four dims.
struct Holder {
  Graph graph;
  Node node;
  std::vector<std::string> outputs;
  Holder(Op op, bool all_outputs) {
    const OpTraits& traits = traits_of(op);
    for (std::size_t i = 0; i < traits.inputs.least; ++i) {
      node.inputs.push_back(graph.add_input("x" + std::to_string(i), Fact::of(DType::float32, {2, 3, 4, 5})));
    }
    const std::size_t made = all_outputs && traits.outputs.most != OpTraits::any ? traits.outputs.most : traits.outputs.least;
    for (std::size_t i = 0; i < made; ++i) {
      outputs.push_back("y" + std::to_string(i));
      node.outputs.push_back({outputs.back(), {}});
    }
    node.op = std::move(op);
  }
};

template <typename T>
void expect_round_trip(const T& op, bool all_outputs) {
  SCOPED_TRACE(T::traits.type);
  const OpRow* row = find_op(T::traits.domain, T::traits.type);
  ASSERT_NE(row, nullptr);
  Holder holder(Op(op), all_outputs);
  ::onnx::NodeProto proto;
  NodeExport out(proto, holder.graph, holder.node, newest_opset);
  row->write(holder.node.op, out);
  Names names;
  Notes notes;
  NodeImport in{NodeReader(proto, newest_opset, nullptr),
                holder.graph,
                names,
                notes,
                "node",
                "node",
                holder.node.inputs,
                holder.outputs,
                std::vector<bool>(holder.outputs.size() + 4, true)};
  EXPECT_TRUE(row->import(in) == Op(op));
  EXPECT_EQ(in.attributes.unread(), std::vector<std::string>{});
}

template <typename T>
void examine() {
  SCOPED_TRACE(T::traits.type);
  EXPECT_FALSE(T::traits.type.empty());
  EXPECT_LE(T::traits.inputs.least, T::traits.inputs.most);
  EXPECT_GE(T::traits.outputs.least, 1u);
  if constexpr (!std::is_same_v<T, Input> && !std::is_same_v<T, Opaque>) {
    EXPECT_TRUE(reference::can_evaluate(Op(T{})));
    T op;
    const int attributes = change(op);
    // A Constant needs a value, and a Split says how many parts it makes.
    if constexpr (!std::is_same_v<T, Constant> && !std::is_same_v<T, Split>) expect_round_trip(T{}, false);
    expect_round_trip(op, true);
    if (attributes == 0) return;
    EXPECT_FALSE(op == T{});
  }
}

template <std::size_t... indices>
void examine_all(std::index_sequence<indices...>) {
  (examine<OperatorAt<indices>>(), ...);
  std::set<std::string> types;
  for (const std::string& type : {type_of(Op(OperatorAt<indices>{}))...}) {
    EXPECT_TRUE(types.insert(type).second) << type << " is there twice";
  }
}

TEST(Operators, SayWhatTheyAreAndComeBackFromOnnx) { examine_all(Operators::Indices()); }

TEST(Operators, AreListedInOrderOfTheirNames) {
  const auto rows = op_table();
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const OpRow& a, const OpRow& b) { return a.type < b.type; }));
  EXPECT_EQ(supported_operators().size(), rows.size());
}

// What an operator that is nothing but a formula takes: a struct with its traits and at(), and its name in the list.
TEST(Operators, AnElementwiseOneNeedsNoInferenceNorEvaluatorOfItsOwn) {
  const Tensor x = Tensor::from<float>(Shape{2}, {-1.0f, 2.0f});
  const Tensor* inputs[] = {&x};
  const auto y = reference::evaluate(HardSigmoid{0.25f, 0.5f}, inputs);
  EXPECT_EQ(y[0], Tensor::from<float>(Shape{2}, {0.25f, 1.0f}));
}

}  // namespace
}  // namespace resnet::onnx
