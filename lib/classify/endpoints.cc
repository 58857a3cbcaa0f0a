#include "lib/classify/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <variant>

#include "lib/base/error.h"

namespace resnet {

namespace {

std::optional<std::int64_t> known(const Dim& dim) { return dim.is_number() ? std::optional(dim.number()) : std::nullopt; }

std::string describe(const Value& value) { return fmt::format("'{}' ({})", value.name, value.fact.to_string()); }

template <typename Ids>
std::string describe_all(const Graph& graph, const Ids& ids) {
  constexpr std::size_t most = 4;
  std::string result;
  std::size_t count = 0;
  for (const ValueId id : ids) {
    if (++count <= most) result += (result.empty() ? "" : ", ") + describe(graph.value(id));
  }
  if (count > most) result += fmt::format(" and {} more", count - most);
  return result.empty() ? "none" : result;
}

bool gives_probabilities(const Graph& graph, ValueId id) {
  while (!id.is_none()) {
    const Node& node = graph.node(id.node);
    if (holds_alternative<Softmax>(node.op) || holds_alternative<Sigmoid>(node.op)) return true;
    if (!only_changes_form(node.op) || node.inputs.empty()) return false;
    id = node.inputs[0];
  }
  return false;
}

}  // namespace

std::optional<int> unlikeness_to_scores(const Fact& fact) {
  if (!fact.dtype) return 4;
  if (!is_floating_point(*fact.dtype)) return std::nullopt;
  if (!fact.has_rank()) return 3;
  if (fact.rank() == 2) return 0;
  const bool pooled =
      fact.rank() > 2 && std::count_if(fact.dims->begin() + 1, fact.dims->end(), [](const Dim& d) { return !d.is(1); }) == 1;
  if (pooled || fact.rank() == 1) return 1;
  return fact.rank() == 4 ? 2 : std::optional<int>();
}

bool counts_channels(const Dim& dim) { return dim.is(3) || dim.is(1); }
bool has_channels_last(const Dims& dims) { return !counts_channels(dims[1]) && counts_channels(dims[3]); }

std::string ImageInput::to_string() const {
  const auto text = [](const std::optional<std::int64_t>& dim, const char* unknown) {
    return dim ? std::to_string(*dim) : unknown;
  };
  const std::string n = text(batch, "N"), h = text(height, "H"), w = text(width, "W");
  return channels_last ? fmt::format("{}x{}x{}x{}", n, h, w, channels) : fmt::format("{}x{}x{}x{}", n, channels, h, w);
}

ImageInput find_image_input(const Graph& graph) {
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::unsupported, fmt::format("the model takes {}, expected one input of images, Nx3xHxW or NxHxWx3", what));
  };
  if (graph.inputs().size() != 1)
    refuse(fmt::format("{} inputs: {}", graph.inputs().size(), describe_all(graph, graph.inputs())));
  const Value& value = graph.value(graph.inputs()[0]);
  const Fact& fact = value.fact;
  if (!fact.has_rank() || fact.rank() != 4) refuse(describe(value));
  const Dims& dims = *fact.dims;
  ImageInput input;
  input.name = value.name;
  input.channels_last = has_channels_last(dims);
  const Dim& channels = dims[input.channels_last ? 3 : 1];
  if (channels.is_number() && !counts_channels(channels)) refuse(describe(value));
  if (channels.is(1)) input.channels = 1;
  if (fact.dtype && *fact.dtype != DType::float32 && *fact.dtype != DType::uint8) refuse(describe(value));
  // No image is in it, and no buffer has room for one.
  if (std::any_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is(0); })) refuse(describe(value));
  input.dtype = fact.dtype.value_or(DType::float32);
  input.batch = known(dims[0]);
  constexpr std::int64_t largest_batch = 4096;
  if (input.batch && *input.batch > largest_batch)
    refuse(fmt::format("a batch of {} images at once (at most {} can be run): {}", *input.batch, largest_batch, describe(value)));
  input.height = known(dims[input.channels_last ? 1 : 2]);
  input.width = known(dims[input.channels_last ? 2 : 3]);
  return input;
}

ScoreOutput find_score_output(const Graph& graph) {
  std::optional<std::size_t> best;
  std::optional<int> least;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const std::optional<int> found = unlikeness_to_scores(graph.fact(graph.outputs()[i]));
    if (found && (!least || *found < *least)) {
      best = i;
      least = found;
    }
  }
  if (!best) {
    throw Error(Fault::unsupported, fmt::format("the model gives {}, expected an output of scores, float Nxclasses",
                                                describe_all(graph, graph.outputs())));
  }
  const ValueId id = graph.outputs()[*best];
  ScoreOutput output;
  output.index = *best;
  output.name = graph.value(id).name;
  output.probabilities = gives_probabilities(graph, id);
  const Fact& fact = graph.fact(id);
  if (fact.has_rank() && fact.rank() == 2) output.classes = known((*fact.dims)[1]);
  if (fact.has_rank() && fact.rank() == 1) output.classes = known((*fact.dims)[0]);
  if (fact.has_rank() && fact.rank() > 2) {
    // (N, classes, 1, 1), or (N, 1, 1, classes): the one that is not 1. A map of scores is (N, classes, H, W).
    const auto found = std::find_if(fact.dims->begin() + 1, fact.dims->end(), [](const Dim& dim) { return !dim.is(1); });
    output.classes = known(least == 1 && found != fact.dims->end() ? *found : (*fact.dims)[1]);
  }
  return output;
}

std::optional<analysis::BatchMixing> check_batch(const Graph& graph) {
  const ValueId scores = graph.outputs()[find_score_output(graph).index];
  const auto found = analysis::find_batch_mixing(graph, std::span(&scores, 1));
  // That it does not run is said elsewhere.
  if (found && holds_alternative<Opaque>(graph.node(found->node).op)) return std::nullopt;
  const ImageInput input = find_image_input(graph);
  if (!found || !input.batch || found->kind != analysis::BatchMixing::Kind::mixed) return found;
  throw Error(Fault::unsupported,
              fmt::format("the answer for a photo would depend on the others of its fixed batch of {}: {}; expected a network "
                          "whose batch is 1 or open",
                          *input.batch, found->to_string()));
}

Graph with_image_size(const Graph& graph, std::int64_t side) {
  const ImageInput input = find_image_input(graph);
  const auto own_side = [](const std::optional<std::int64_t>& pixels) { return pixels ? std::to_string(*pixels) : "any"; };
  const auto refuse = [&](const std::string& why) {
    throw Error(Fault::unsupported, fmt::format("the network takes images of {}x{} pixels only, not of {}: {}",
                                                own_side(input.height), own_side(input.width), side, why));
  };
  Fact fact = graph.fact(graph.inputs()[0]);
  const std::size_t first = input.channels_last ? 1 : 2;
  (*fact.dims)[first] = (*fact.dims)[first + 1] = side;
  Graph result;
  try {
    result = with_input_facts(graph, std::span(&fact, 1));
  } catch (const Error& error) {
    refuse(error.what());
  }
  const std::size_t index = find_score_output(graph).index;
  const Fact &own = graph.fact(graph.outputs()[index]), &now = result.fact(result.outputs()[index]);
  if (now.dims != own.dims) refuse(fmt::format("its scores would be {}, expected {}", now.to_string(), own.to_string()));
  return result;
}

Preprocessing fit_to(const Preprocessing& preprocessing, const ImageInput& input) {
  constexpr std::int64_t most = 1 << 20;
  if (!preprocessing.crop_size || !input.height || !input.width) return preprocessing;
  if (std::min(*input.height, *input.width) < 1 || std::max(*input.height, *input.width) > most) return preprocessing;
  Preprocessing fitted = with_crop(preprocessing, static_cast<int>(*input.height));
  if (input.width != input.height) fitted.crop_width = static_cast<int>(*input.width);
  return fitted;
}

}  // namespace resnet
