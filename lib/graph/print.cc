#include <fmt/format.h>
#include <fmt/ranges.h>

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

// An attribute's value as the dump has it.
template <typename T>
std::string text_of(const T& value) {
  if constexpr (HasWords<T>) {
    return std::string(word_of(value));
  } else {
    return fmt::format("{}", value);
  }
}
std::string text_of(DType dtype) { return std::string(name_of(dtype)); }
template <typename T>
std::string text_of(const std::vector<T>& list) {
  return fmt::format("[{}]", fmt::join(list, ","));
}
template <typename T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "";
}

// Attributes that differ from the default, in ONNX's spelling.
class Attributes {
 public:
  template <typename Op, typename T>
  void add(const AttributeOf<Op, T>& attribute, const Op& op) {
    const T& value = op.*attribute.member;
    const T usual = Op{}.*attribute.member;
    if constexpr (HasAttributes<T>) {
      add_all(value);
    } else if constexpr (std::is_same_v<T, Tensor>) {
      add_text(fmt::format("{}={}", attribute.name, text_of(value)));
    } else if (attribute.is_required || !(value == usual)) {
      add_text(fmt::format("{}={}", attribute.name, text_of(value)));
    }
  }
  template <typename Op>
  void add_all(const Op& op) {
    for_each_attribute<Op>([&](const auto& attribute) { add(attribute, op); });
  }
  void add_all(const Constant& constant) { add_text(text_of(constant.value)); }
  void add_all(const Opaque& opaque) {
    for (const auto& attribute : opaque.attributes) {
      const std::string& name = attribute.first;
      std::visit([&](const auto& value) { add_text(fmt::format("{}={}", name, quoted(value))); }, attribute.second);
    }
  }
  std::string to_string() const { return texts_.empty() ? "" : fmt::format(" {{{}}}", fmt::join(texts_, ", ")); }

 private:
  template <typename T>
  static std::string quoted(const T& value) {
    return text_of(value);
  }
  static std::string quoted(const std::string& value) { return fmt::format("'{}'", value); }
  static std::string quoted(const std::vector<std::string>& value) { return fmt::format("['{}']", fmt::join(value, "','")); }
  static std::string quoted(const RawAttribute& value) { return fmt::format("({} bytes)", value.bytes.size()); }
  void add_text(std::string text) { texts_.push_back(std::move(text)); }

  std::vector<std::string> texts_;
};

std::string attributes_of(const Op& op) {
  Attributes attributes;
  visit([&](const auto& alternative) { attributes.add_all(alternative); }, op);
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
