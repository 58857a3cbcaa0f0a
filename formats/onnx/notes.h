// What a reader noticed, one line each: what is said of many nodes is said once.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace resnet::onnx {

class Notes {
 public:
  // About the file.
  void add(const std::string& text);
  // About one of possibly many; `label` is "node 'conv1' (Conv)" or the like, `kind` the plural of what the labels name.
  void add(const std::string& text, const std::string& label, const std::string& kind = "nodes");

  // "node 'a' (Conv): TEXT", or "53 nodes (node 'a' (Conv), node 'b' (Conv), ...): TEXT". Of notes that differ by names and
  // numbers alone the first two, and how many more there are.
  std::vector<std::string> lines() const;

 private:
  struct Entry {
    std::string text, kind;
    std::vector<std::string> labels;  // the first ones; none of what is about the file
    std::size_t count = 0;            // of all labels
  };
  std::vector<Entry> entries_;
  std::map<std::pair<std::string, std::string>, std::size_t> places_;  // in entries_, by text and kind
};

}  // namespace resnet::onnx
