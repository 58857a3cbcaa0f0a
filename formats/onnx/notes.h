// What a reader noticed, one line each: what is said of many nodes is said once.
#pragma once

#include <string>
#include <vector>

namespace resnet::onnx {

class Notes {
 public:
  // About the file.
  void add(std::string text) { entries_.push_back({std::move(text), {}, {}}); }
  // About one of possibly many; `label` is "node 'conv1' (Conv)" or the like, `kind` the plural of what the labels name.
  void add(const std::string& text, const std::string& label, const std::string& kind = "nodes");

  // "node 'a' (Conv): TEXT", or "53 nodes (node 'a' (Conv), node 'b' (Conv), ...): TEXT".
  std::vector<std::string> lines() const;

 private:
  struct Entry {
    std::string text;
    std::vector<std::string> labels;
    std::string kind;
  };
  std::vector<Entry> entries_;
};

}  // namespace resnet::onnx
