// Graph after graph, until one is answered wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/random/generate.h"

namespace resnet::random {

struct SearchOptions {
  std::uint64_t first_seed = 0;
  std::uint64_t graphs = 2000;
  bool shrink = true;
  std::size_t threads = 0;  // instead of those that are drawn; 0: as drawn
  // Asked before each graph: false ends the search.
  std::function<bool()> go_on = [] { return true; };
};

struct Finding {
  std::uint64_t seed = 0;
  std::string problem;   // of the graph as it was drawn
  std::string settings;  // of the smaller one
  std::string text;      // the smaller one as ONNX text, after what is wrong with it
};

struct SearchResult {
  std::uint64_t graphs = 0;  // that were examined
  std::optional<Finding> finding;
};

SearchResult search(const SearchOptions& options);

}  // namespace resnet::random
