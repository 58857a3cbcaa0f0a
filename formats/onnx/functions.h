// The functions that a file defines itself, and what calls of them grow to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace onnx {
class FunctionProto;
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace resnet::onnx {

// Of a graph, with what its calls grow to. Networks of a thousand layers have some thousands; each node costs kilobytes.
constexpr std::int64_t most_nodes = 150'000;

// "ai.onnx" is another name of ONNX's own domain.
std::string domain_of(const std::string& domain);
// "function local.Block".
std::string label_of(const ::onnx::FunctionProto& function);

// The attributes of a function's node: those that stand for the call's are replaced by it, else by the function's default, else
// left out.
void bind_attributes(::onnx::NodeProto& node, const ::onnx::FunctionProto& function, const ::onnx::NodeProto& caller);

class Functions {
 public:
  // `model` outlives it. Throws Error(malformed) where one is defined twice.
  explicit Functions(const ::onnx::ModelProto& model);

  // The function that a node calls; null where it calls none.
  const ::onnx::FunctionProto* find(const ::onnx::NodeProto& node) const;

  // Adds the nodes that a node of the graph grows to, without making one: a small file can ask for any number. Throws
  // Error(malformed) where a function calls itself, Error(unsupported) where they call each other too deep, or where the
  // calls that were added grow to more than 10,000 nodes and 50 for each of the file's, or `most_nodes`.
  void add_call(const ::onnx::NodeProto& node);

 private:
  // Which function a node calls.
  struct Key {
    std::string domain, name, overload;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  // What a call grows to.
  struct Size {
    std::int64_t nodes = 0;
    std::size_t depth = 1;  // of calls within each other, this one included
  };
  Size expanded(const ::onnx::FunctionProto& function, std::vector<const ::onnx::FunctionProto*>& callers);

  std::map<Key, const ::onnx::FunctionProto*> functions_;
  std::map<const ::onnx::FunctionProto*, Size> expanded_;
  std::int64_t most_, added_ = 0;
};

}  // namespace resnet::onnx
