#include "formats/torch/prefixes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "formats/torch/file.h"

namespace resnet::torch {

namespace {

// Of two that fit the first is taken.
constexpr auto prefixes = std::to_array<std::string_view>({"module.", "_orig_mod.", "model.", "net.", "backbone.", "encoder_q.",
                                                           "base_encoder.", "encoder.", "resnet.", "network.", "0.", "1."});
// What comes after a trunk, and may have convolutions.
constexpr auto heads = std::to_array<std::string_view>(
    {"head", "fc", "linear", "last_linear", "classifier", "aux_classifier", "auxiliary_head", "decode_head", "decoder", "neck",
     "projector", "projection", "projection_head", "predictor", "roi_heads", "rpn", "criterion", "ema"});

using Names = std::set<std::string_view>;  // not by hashes, for which a file could choose its names

bool contains(const auto& words, std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); }

std::string_view first_part(std::string_view name) { return name.substr(0, name.find('.')); }

bool is_trunk(const NamedTensor& weight) {
  return weight.tensor.shape().rank() == 4 && !contains(heads, first_part(weight.name));
}

// The networks beside the one under `prefix` that have its names, where all other convolutions are theirs; nothing where the
// trunk is not all under `prefix`.
std::optional<std::set<std::string>> twins_of(const Weights& weights, const Names& names, std::string_view prefix) {
  std::set<std::string> twins;
  bool is_shared = true, has_trunk = false;
  for (const NamedTensor& weight : weights.tensors) {
    if (weight.name.starts_with(prefix)) {
      has_trunk |= weight.tensor.shape().rank() == 4;
      continue;
    }
    if (is_leftover(weight.name)) continue;
    is_shared = false;
    if (!is_trunk(weight)) continue;
    const std::string_view part = first_part(weight.name);
    if (part.size() == weight.name.size()) return std::nullopt;
    const std::string here = std::string(prefix) + weight.name.substr(part.size() + 1);
    if (!names.contains(here)) return std::nullopt;
    twins.emplace(part);
  }
  return is_shared || has_trunk ? std::optional(std::move(twins)) : std::nullopt;
}

// Whether a weight under `prefix` would get a name that another one has.
bool collides(const Names& names, std::string_view prefix) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.starts_with(prefix) && (name.size() == prefix.size() || names.contains(name.substr(prefix.size())));
  });
}

bool take_off(Weights& weights, std::string_view prefix) {
  const auto has_prefix = [prefix](const NamedTensor& weight) { return weight.name.starts_with(prefix); };
  if (std::none_of(weights.tensors.begin(), weights.tensors.end(), has_prefix)) return false;
  Names names;
  for (const NamedTensor& weight : weights.tensors) names.insert(weight.name);
  const auto twins = twins_of(weights, names, prefix);
  if (!twins || collides(names, prefix)) return false;
  if (!twins->empty()) {
    std::erase_if(weights.tensors,
                  [&](const NamedTensor& weight) { return twins->contains(std::string(first_part(weight.name))); });
    weights.notes.push_back(
        fmt::format("has two networks: '{}' was taken, not '{}'", prefix.substr(0, prefix.size() - 1), shown(*twins->begin())));
  }
  for (NamedTensor& weight : weights.tensors) {
    if (weight.name.starts_with(prefix)) weight.name.erase(0, prefix.size());
  }
  return true;
}

}  // namespace

bool is_leftover(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1), first = first_part(name);
  return last == "num_batches_tracked" || last == "total_ops" || last == "total_params" || last == "queue" ||
         last == "queue_ptr" || first == "aux_classifier" || first == "criterion" || first == "ema";
}

std::string take_off_prefixes(Weights& weights) {
  constexpr int most = 8;
  std::string taken;
  for (int i = 0; i < most; ++i) {
    const auto prefix =
        std::find_if(prefixes.begin(), prefixes.end(), [&weights](std::string_view p) { return take_off(weights, p); });
    if (prefix == prefixes.end()) break;
    taken += *prefix;
  }
  return taken;
}

}  // namespace resnet::torch
