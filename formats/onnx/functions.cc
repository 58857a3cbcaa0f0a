#include "formats/onnx/functions.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

constexpr std::size_t deepest_call = 32;
// Functions of real files are called once or a few times each.
constexpr std::int64_t most_nodes_of_functions = 10'000, most_nodes_for_each = 50;

}  // namespace

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

std::string label_of(const ::onnx::FunctionProto& function) {
  const std::string domain = domain_of(function.domain());
  return fmt::format("function {}{}", domain.empty() ? "" : domain + ".", function.name());
}

Functions::Functions(const ::onnx::ModelProto& model) {
  std::int64_t nodes = model.graph().node_size();
  for (const auto& function : model.functions()) {
    nodes += function.node_size();
    if (!functions_.emplace(Key{domain_of(function.domain()), function.name(), function.overload()}, &function).second) {
      throw Error(Fault::malformed, fmt::format("{} is defined twice", label_of(function)));
    }
  }
  most_ = std::min(most_nodes, most_nodes_of_functions + most_nodes_for_each * nodes);
}

const ::onnx::FunctionProto* Functions::find(const ::onnx::NodeProto& node) const {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find({domain_of(node.domain()), node.op_type(), node.overload()});
  return found == functions_.end() ? nullptr : found->second;
}

void Functions::add_call(const ::onnx::NodeProto& node) {
  const ::onnx::FunctionProto* function = find(node);
  if (function == nullptr) return;
  std::vector<const ::onnx::FunctionProto*> callers;
  added_ += expanded(*function, callers).nodes;
  if (added_ > most_) {
    throw Error(Fault::unsupported,
                fmt::format("functions grow to more than {} nodes, which is too many for so small a file", most_));
  }
}

// Each function is counted once. What is more than `most_` is not counted on, so that nothing overflows.
Functions::Size Functions::expanded(const ::onnx::FunctionProto& function, std::vector<const ::onnx::FunctionProto*>& callers) {
  const auto check_depth = [&](std::size_t depth) {
    if (callers.size() + depth > deepest_call)
      throw Error(Fault::unsupported, fmt::format("functions call each other more than {} deep", deepest_call));
  };
  if (const auto known = expanded_.find(&function); known != expanded_.end()) {
    check_depth(known->second.depth);
    return known->second;
  }
  if (std::find(callers.begin(), callers.end(), &function) != callers.end())
    throw Error(Fault::malformed, fmt::format("{} calls itself", label_of(function)));
  check_depth(1);
  callers.push_back(&function);
  Size size;
  for (const auto& node : function.node()) {
    const ::onnx::FunctionProto* called = find(node);
    const Size inner = called == nullptr ? Size{0, 0} : expanded(*called, callers);
    size.nodes = std::min(most_ + 1, size.nodes + 1 + inner.nodes);
    size.depth = std::max(size.depth, inner.depth + 1);
  }
  callers.pop_back();
  expanded_.emplace(&function, size);
  return size;
}

void bind_attributes(::onnx::NodeProto& node, const ::onnx::FunctionProto& function, const ::onnx::NodeProto& caller) {
  const auto find = [](const auto& list, const std::string& name) -> const ::onnx::AttributeProto* {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& attribute) { return attribute.name() == name; });
    return found == list.end() ? nullptr : &*found;
  };
  google::protobuf::RepeatedPtrField<::onnx::AttributeProto> bound;
  for (const auto& attribute : node.attribute()) {
    if (attribute.ref_attr_name().empty()) {
      *bound.Add() = attribute;
      continue;
    }
    const auto* value = find(caller.attribute(), attribute.ref_attr_name());
    if (value == nullptr) value = find(function.attribute_proto(), attribute.ref_attr_name());
    if (value == nullptr) continue;
    auto& copy = *bound.Add();
    copy = *value;
    copy.set_name(attribute.name());
  }
  *node.mutable_attribute() = std::move(bound);
}

}  // namespace resnet::onnx
