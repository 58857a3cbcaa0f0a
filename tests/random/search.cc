#include "tests/random/search.h"

#include <fmt/format.h>

#include "formats/onnx/text.h"
#include "tests/random/examine.h"
#include "tests/random/shrink.h"

namespace resnet::random {

namespace {

std::string as_text(const Graph& graph) {
  Model model;
  model.graph = graph;
  try {
    return onnx::write_text(model);
  } catch (const std::exception& error) {
    return fmt::format("{}\n(as ONNX text: {})", print(graph), error.what());
  }
}

Finding finding_of(std::uint64_t seed, std::string problem, Failure failure, bool smaller) {
  const auto is_error = [](const std::string& text) { return text.starts_with("an error"); };
  if (smaller) {
    // An error is not a wrong answer: the smaller graph fails as the first one did.
    failure = shrink(std::move(failure), [&](const Failure& candidate) {
      const auto left = examine(candidate.graph, candidate.settings, seed);
      return left && is_error(*left) == is_error(problem);
    });
  }
  const auto left = examine(failure.graph, failure.settings, seed);
  return {.seed = seed,
          .problem = std::move(problem),
          .settings = failure.settings.to_string(),
          .text = fmt::format("{}\n{}", left.value_or("it did not fail again"), as_text(failure.graph))};
}

}  // namespace

SearchResult search(const SearchOptions& options) {
  SearchResult result;
  for (std::uint64_t seed = options.first_seed; result.graphs < options.graphs && options.go_on(); ++seed) {
    Settings settings = draw_settings(seed);
    if (options.threads > 0) {
      settings.threads = options.threads;
      settings.other_threads = false;
    }
    const Graph graph = generate(seed, settings);
    ++result.graphs;
    if (auto problem = examine(graph, settings, seed)) {
      result.finding = finding_of(seed, std::move(*problem), {graph, settings}, options.shrink);
      return result;
    }
  }
  return result;
}

}  // namespace resnet::random
