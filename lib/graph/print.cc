#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/overloaded.h"
#include "lib/graph/graph.h"

namespace resnet {

namespace {

std::string text_of(const Tensor& tensor) {
  constexpr std::int64_t most = 8;
  std::string text = fmt::format("{} {}", name_of(tensor.dtype()), tensor.shape().to_string());
  if (tensor.elements() <= most) {
    const bool floats = is_floating_point(tensor.dtype());
    text += floats ? fmt::format(" [{}]", fmt::join(tensor.values_as<double>(), ", "))
                   : fmt::format(" [{}]", fmt::join(tensor.values_as<std::int64_t>(), ", "));
  }
  return text;
}

std::string_view name_of(AutoPad pad) {
  switch (pad) {
    case AutoPad::notset: return "NOTSET";
    case AutoPad::same_upper: return "SAME_UPPER";
    case AutoPad::same_lower: return "SAME_LOWER";
    case AutoPad::valid: return "VALID";
  }
  __builtin_unreachable();
}

std::string_view name_of(Pad::Mode mode) {
  switch (mode) {
    case Pad::Mode::constant: return "constant";
    case Pad::Mode::reflect: return "reflect";
    case Pad::Mode::edge: return "edge";
    case Pad::Mode::wrap: return "wrap";
  }
  __builtin_unreachable();
}

// Attributes that differ from ONNX's default, in ONNX's spelling.
class Attributes {
 public:
  void add(std::string_view name, const std::vector<std::int64_t>& list) {
    if (!list.empty()) texts_.push_back(fmt::format("{}=[{}]", name, fmt::join(list, ",")));
  }
  template <typename T>
  void add(std::string_view name, const T& value, const T& usual) {
    if (value != usual) texts_.push_back(fmt::format("{}={}", name, value));
  }
  void add(std::string_view name, AutoPad value) {
    if (value != AutoPad::notset) texts_.push_back(fmt::format("{}={}", name, name_of(value)));
  }
  void add_text(std::string text) { texts_.push_back(std::move(text)); }
  std::string to_string() const { return texts_.empty() ? "" : fmt::format(" {{{}}}", fmt::join(texts_, ", ")); }

 private:
  std::vector<std::string> texts_;
};

template <typename Pool>
void add_window(Attributes& attributes, const Pool& op) {
  attributes.add("auto_pad", op.auto_pad);
  attributes.add("dilations", op.dilations);
  attributes.add("kernel_shape", op.kernel_shape);
  attributes.add("pads", op.pads);
  attributes.add("strides", op.strides);
}

template <typename SoftmaxLike>
void add_softmax(Attributes& attributes, const SoftmaxLike& op) {
  attributes.add("axis", op.axis, std::int64_t{-1});
  attributes.add("coerce_to_2d", op.coerce_to_2d, false);
}

// One function for each operator: whoever adds one is told by the compiler.
void add_all(Attributes&, const Input&) {}
void add_all(Attributes&, const Relu&) {}
void add_all(Attributes&, const Clip&) {}
void add_all(Attributes&, const Sigmoid&) {}
void add_all(Attributes&, const Add&) {}
void add_all(Attributes&, const Sub&) {}
void add_all(Attributes&, const Mul&) {}
void add_all(Attributes&, const Div&) {}
void add_all(Attributes&, const Sum&) {}
void add_all(Attributes&, const GlobalAveragePool&) {}
void add_all(Attributes&, const Squeeze&) {}
void add_all(Attributes&, const Unsqueeze&) {}
void add_all(Attributes&, const Slice&) {}
void add_all(Attributes&, const Expand&) {}
void add_all(Attributes&, const Identity&) {}
void add_all(Attributes&, const MatMul&) {}
void add_all(Attributes&, const DynamicQuantizeLinear&) {}
void add_all(Attributes&, const MatMulInteger&) {}
void add_all(Attributes&, const QLinearMatMul&) {}
void add_all(Attributes&, const QLinearAdd&) {}
void add_all(Attributes& a, const Constant& c) { a.add_text(text_of(c.value)); }
void add_all(Attributes& a, const Conv& c) {
  add_window(a, c);
  a.add("group", c.group, std::int64_t{1});
}
void add_all(Attributes& a, const ConvInteger& c) { add_all(a, c.conv); }
void add_all(Attributes& a, const QLinearConv& c) { add_all(a, c.conv); }
void add_all(Attributes& a, const QLinearGlobalAveragePool& p) { a.add("channels_last", p.channels_last, false); }
void add_all(Attributes& a, const QGemm& g) {
  a.add("alpha", g.alpha, 1.0f);
  a.add("transA", g.transA, false);
  a.add("transB", g.transB, false);
}
void add_all(Attributes& a, const BatchNormalization& b) {
  a.add("epsilon", b.epsilon, 1e-5f);
  a.add("momentum", b.momentum, 0.9f);
  a.add("training_mode", b.training_mode, false);
}
void add_all(Attributes& a, const HardSigmoid& h) {
  a.add("alpha", h.alpha, 0.2f);
  a.add("beta", h.beta, 0.5f);
}
void add_all(Attributes& a, const MaxPool& p) {
  add_window(a, p);
  a.add("ceil_mode", p.ceil_mode, false);
  a.add("storage_order", p.storage_order, std::int64_t{0});
}
void add_all(Attributes& a, const AveragePool& p) {
  add_window(a, p);
  a.add("ceil_mode", p.ceil_mode, false);
  a.add("count_include_pad", p.count_include_pad, false);
}
void add_all(Attributes& a, const ReduceMean& r) {
  a.add("keepdims", r.keepdims, true);
  a.add("noop_with_empty_axes", r.noop_with_empty_axes, false);
}
void add_all(Attributes& a, const ArgMax& m) {
  a.add("axis", m.axis, std::int64_t{0});
  a.add("keepdims", m.keepdims, true);
  a.add("select_last_index", m.select_last_index, false);
}
void add_all(Attributes& a, const Flatten& f) { a.add("axis", f.axis, std::int64_t{1}); }
void add_all(Attributes& a, const Reshape& r) { a.add("allowzero", r.allowzero, false); }
void add_all(Attributes& a, const Transpose& t) { a.add("perm", t.perm); }
void add_all(Attributes& a, const Concat& c) { a.add_text(fmt::format("axis={}", c.axis)); }
void add_all(Attributes& a, const Pad& p) {
  if (p.mode != Pad::Mode::constant) a.add_text(fmt::format("mode={}", name_of(p.mode)));
}
void add_all(Attributes& a, const Gather& g) { a.add("axis", g.axis, std::int64_t{0}); }
void add_all(Attributes& a, const ConstantOfShape& c) { a.add_text("value=" + text_of(c.value)); }
void add_all(Attributes& a, const ShapeOf& s) {
  a.add("start", s.start, std::int64_t{0});
  if (s.end) a.add_text(fmt::format("end={}", *s.end));
}
void add_all(Attributes& a, const Cast& c) { a.add_text(fmt::format("to={}", name_of(c.to))); }
void add_all(Attributes& a, const Dropout& d) {
  if (d.seed) a.add_text(fmt::format("seed={}", *d.seed));
}
void add_all(Attributes& a, const Gemm& g) {
  a.add("alpha", g.alpha, 1.0f);
  a.add("beta", g.beta, 1.0f);
  a.add("transA", g.transA, false);
  a.add("transB", g.transB, false);
}
void add_all(Attributes& a, const Softmax& s) { add_softmax(a, s); }
void add_all(Attributes& a, const LogSoftmax& s) { add_softmax(a, s); }
void add_all(Attributes& a, const QuantizeLinear& q) {
  a.add("axis", q.axis, std::int64_t{1});
  a.add("block_size", q.block_size, std::int64_t{0});
  if (q.output_dtype) a.add_text(fmt::format("output_dtype={}", name_of(*q.output_dtype)));
}
void add_all(Attributes& a, const DequantizeLinear& d) {
  a.add("axis", d.axis, std::int64_t{1});
  a.add("block_size", d.block_size, std::int64_t{0});
}
void add_all(Attributes& a, const Opaque& o) {
  for (const auto& attribute : o.attributes) {
    const std::string& name = attribute.first;
    std::visit(Overloaded{
                   [&](std::int64_t v) { a.add_text(fmt::format("{}={}", name, v)); },
                   [&](float v) { a.add_text(fmt::format("{}={}", name, v)); },
                   [&](const std::string& v) { a.add_text(fmt::format("{}='{}'", name, v)); },
                   [&](const Tensor& v) { a.add_text(fmt::format("{}={}", name, text_of(v))); },
                   [&](const std::vector<std::int64_t>& v) { a.add_text(fmt::format("{}=[{}]", name, fmt::join(v, ","))); },
                   [&](const std::vector<float>& v) { a.add_text(fmt::format("{}=[{}]", name, fmt::join(v, ","))); },
                   [&](const std::vector<std::string>& v) { a.add_text(fmt::format("{}=['{}']", name, fmt::join(v, "','"))); },
                   [&](const RawAttribute& v) { a.add_text(fmt::format("{}=({} bytes)", name, v.bytes.size())); },
               },
               attribute.second);
  }
}

std::string attributes_of(const Op& op) {
  Attributes attributes;
  std::visit([&](const auto& alternative) { add_all(attributes, alternative); }, op);
  return attributes.to_string();
}

}  // namespace

std::string print(const Graph& graph) {
  const auto reference = [&](ValueId id) -> std::string {
    if (id.is_none()) return "-";
    const std::string& name = graph.value(id).name;
    return name.empty() ? fmt::format("%{}.{}", id.node, id.slot) : "%" + name;
  };
  std::string text;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    std::vector<std::string> outputs, inputs, facts;
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      outputs.push_back(reference({static_cast<NodeId>(id), static_cast<std::int32_t>(slot)}));
      facts.push_back(node.outputs[slot].fact.to_string());
    }
    for (ValueId input : node.inputs) inputs.push_back(reference(input));
    text += fmt::format("{} = {}({}){} : {}\n", fmt::join(outputs, ", "), type_of(node.op), fmt::join(inputs, ", "),
                        attributes_of(node.op), fmt::join(facts, ", "));
  }
  std::vector<std::string> outputs;
  for (ValueId output : graph.outputs()) outputs.push_back(reference(output));
  return text + fmt::format("return {}\n", fmt::join(outputs, ", "));
}

}  // namespace resnet
