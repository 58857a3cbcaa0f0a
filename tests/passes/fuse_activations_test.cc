#include <gmock/gmock.h>

#include <cmath>

#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::HasSubstr;

// A graph over x (2x3x4), to which operators are appended one by one.
struct Network {
  Graph graph;
  ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 4}));

  ValueId number(double value) {
    return graph.add_constant("n" + std::to_string(graph.nodes().size()), Tensor::scalar(static_cast<float>(value)));
  }
  ValueId append(Op op, std::vector<ValueId> inputs) {
    return add(graph, std::move(op), std::move(inputs), "v" + std::to_string(graph.nodes().size()));
  }
  ValueId mul(ValueId a, ValueId b) { return append(Mul{}, {a, b}); }
  ValueId times(ValueId a, double b) { return mul(a, number(b)); }
  ValueId over(ValueId a, double b) { return append(Div{}, {a, number(b)}); }
  ValueId plus(ValueId a, double b) { return append(Add{}, {a, number(b)}); }

  void expect(ValueId y, const std::string& operators) {
    graph.set_outputs({y});
    PassLog log;
    const Graph after = fuse_activations(graph, log);
    std::string found;
    for (const Node& node : after.nodes()) {
      const std::string type = type_of(node.op);
      if (type != "Input" && type != "Constant") found += (found.empty() ? "" : " ") + type;
    }
    EXPECT_EQ(found, operators);
    expect_same_outputs(graph, after, {filled(Shape{2, 3, 4}, 1, -4, 4)}, 1e-5);
  }
};

TEST(FuseActivations, Swish) {
  for (const bool swapped : {false, true}) {
    Network n;
    const ValueId gate = n.append(Sigmoid{}, {n.x});
    n.expect(swapped ? n.mul(gate, n.x) : n.mul(n.x, gate), "Swish");
  }
  Network n;
  const ValueId y = n.mul(n.x, n.append(Sigmoid{}, {n.times(n.x, 1.702)}));
  n.expect(y, "Swish");
  PassLog log;
  EXPECT_THAT(print(fuse_activations(n.graph, log)), HasSubstr("alpha=1.702"));
}

TEST(FuseActivations, TwoInARow) {
  Network n;
  const ValueId first = n.mul(n.x, n.append(Sigmoid{}, {n.x}));
  n.expect(n.mul(first, n.append(Sigmoid{}, {first})), "Swish Swish");
}

TEST(FuseActivations, Mish) {
  Network n;
  n.expect(n.mul(n.x, n.append(Tanh{}, {n.append(Softplus{}, {n.x})})), "Mish");
}

TEST(FuseActivations, HardSwish) {
  Network gate;
  gate.expect(gate.mul(gate.x, gate.append(HardSigmoid{.alpha = 1.0f / 6}, {gate.x})), "HardSwish");
  const auto ramp = [](Network& n) { return n.append(Clip{}, {n.plus(n.x, 3), n.number(0), n.number(6)}); };
  Network a, b, c, d;
  a.expect(a.over(a.mul(a.x, ramp(a)), 6), "HardSwish");
  b.expect(b.mul(b.x, b.over(ramp(b), 6)), "HardSwish");
  c.expect(c.times(c.mul(ramp(c), c.x), 1.0 / 6), "HardSwish");
  d.expect(d.mul(ramp(d), d.over(d.x, 6)), "HardSwish");
}

TEST(FuseActivations, GeluInTheOrdersThatExportersWrite) {
  const auto share = [](Network& n, bool divides) {
    const ValueId inner = divides ? n.over(n.x, std::sqrt(2.0)) : n.times(n.x, std::sqrt(0.5));
    return n.plus(n.append(Erf{}, {inner}), 1);
  };
  for (const bool divides : {false, true}) {
    Network a, b, c;
    a.expect(a.times(a.mul(a.x, share(a, divides)), 0.5), "Gelu");
    b.expect(b.mul(b.times(b.x, 0.5), share(b, divides)), "Gelu");
    c.expect(c.mul(c.x, c.times(share(c, divides), 0.5)), "Gelu");
  }
}

TEST(FuseActivations, GeluByTanh) {
  for (const bool power : {false, true}) {
    Network n;
    const ValueId cube = power ? n.append(Pow{}, {n.x, n.number(3)}) : n.mul(n.mul(n.x, n.x), n.x);
    const ValueId inner = n.times(n.append(Add{}, {n.x, n.times(cube, 0.044715)}), std::sqrt(2 / 3.14159265358979));
    n.expect(n.times(n.mul(n.x, n.plus(n.append(Tanh{}, {inner}), 1)), 0.5), "Gelu");
  }
}

TEST(FuseActivations, LeakyRelu) {
  Network n;
  n.expect(n.append(Max{}, {n.times(n.x, 0.1), n.x}), "LeakyRelu");
}

TEST(FuseActivations, NotWhatIsReadElsewhereOrIsAnotherFunction) {
  Network read;
  const ValueId gate = read.append(Sigmoid{}, {read.x});
  read.expect(read.append(Add{}, {read.mul(read.x, gate), gate}), "Sigmoid Mul Add");
  Network twice;
  twice.expect(twice.times(twice.mul(twice.x, twice.append(Erf{}, {twice.x})), 0.5), "Erf Mul Mul");
  Network other;
  other.expect(other.mul(other.x, other.append(HardSigmoid{}, {other.x})), "HardSigmoid Mul");
  Network slope;
  slope.expect(slope.append(Max{}, {slope.times(slope.x, 2), slope.x}), "Mul Max");
  Network zero;  // of an infinite x it makes NaN
  zero.expect(zero.append(Max{}, {zero.times(zero.x, 0), zero.x}), "Mul Max");
  Network ramp;
  ramp.expect(ramp.over(ramp.mul(ramp.x, ramp.append(Clip{}, {ramp.plus(ramp.x, 2), ramp.number(0), ramp.number(6)})), 6),
              "Add Clip Mul Div");
}

// A constant of more axes gives the result these, too.
TEST(FuseActivations, NotWhereTheShapeGrows) {
  Network n;
  const ValueId half = n.graph.add_constant("half", Tensor::from<float>(Shape{1, 1, 1, 1}, std::vector{1.0f}));
  const ValueId grown = n.mul(n.x, half);
  n.expect(n.mul(grown, n.append(Sigmoid{}, {n.x})), "Mul Sigmoid Mul");
}

}  // namespace
}  // namespace resnet
