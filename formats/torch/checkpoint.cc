#include "formats/torch/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "formats/torch/file.h"
#include "formats/torch/modules.h"
#include "formats/torch/prefixes.h"
#include "formats/torch/tensors.h"
#include "lib/base/error.h"

namespace resnet::torch {

namespace {

// Under which keys programs put a state dict, the one that is meant first: averaged weights before those they are averages of.
constexpr auto wrappers = std::to_array<std::string_view>({"state_dict_ema", "model_ema", "ema_state_dict", "ema", "state_dict",
                                                           "model", "model_state_dict", "model_state", "net", "network",
                                                           "weights", "params", "teacher", "student", "module"});
// What has tensors of its own that are not weights.
constexpr auto never_weights = std::to_array<std::string_view>(
    {"optimizer", "optimizer_state_dict", "optimizer_states", "optimizers", "scheduler", "lr_scheduler", "lr_schedulers",
     "scaler", "amp", "args", "config", "cfg", "hyper_parameters", "callbacks", "loops", "rng_state"});
constexpr std::size_t most_depth = 8;
// Far above what a network has, and low enough that looking for prefixes takes no time.
constexpr std::size_t most_tensors = 32'768;
// So many others are named in a message.
constexpr std::size_t most_named = 5;

struct Candidate {
  std::string path;  // "checkpoint.state_dict"; empty at the top
  Id id = Tree::none;
  NamedIds tensors{};
  std::size_t weights = 0;  // those that are not left over from something
};

struct Named {
  std::string_view name;  // of the tree, or of a list that is kept beside it
  Id id;
  std::uint32_t order;
};

// Tensors by their names: each name once, with its last value, in the place of its first.
NamedIds last_of_each(const Tree& tree, std::vector<Named> all) {
  std::sort(all.begin(), all.end(),
            [](const Named& a, const Named& b) { return a.name != b.name ? a.name < b.name : a.order < b.order; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size();) {
    Named& entry = all[kept] = all[i];
    for (++i; i < all.size() && all[i].name == entry.name; ++i) entry.id = all[i].id;
    if (is_tensor(tree, entry.id)) ++kept;
  }
  all.resize(kept);
  std::sort(all.begin(), all.end(), [](const Named& a, const Named& b) { return a.order < b.order; });
  NamedIds result;
  result.reserve(all.size());
  for (const Named& entry : all) {
    tree.spend(sizeof(NamedIds::value_type) + entry.name.size());
    result.emplace_back(entry.name, entry.id);
  }
  return result;
}

Candidate candidate_of(const Tree& tree, Id id, std::string path) {
  Candidate candidate{.path = std::move(path), .id = id};
  std::vector<Named> all;
  const auto add = [&](std::string_view name, Id value) {
    tree.spend(sizeof(Named));
    tree.walk(1 + name.size() / 8);
    all.push_back({name, value, static_cast<std::uint32_t>(all.size())});
  };
  if (is_module(tree, id)) {
    const NamedIds found = module_tensors(tree, id);
    for (const auto& [name, tensor] : found) add(name, tensor);
    candidate.tensors = last_of_each(tree, std::move(all));
  } else {
    for (const auto& [key, value] : pairs_of(tree, id)) {
      if (tree.is_text(key)) add(tree.text(key), value);
    }
    candidate.tensors = last_of_each(tree, std::move(all));
  }
  candidate.weights = static_cast<std::size_t>(std::count_if(candidate.tensors.begin(), candidate.tensors.end(),
                                                             [](const auto& pair) { return !is_leftover(pair.first); }));
  return candidate;
}

bool may_hold(const Tree& tree, Id id) {
  return tree.kind(id) == Kind::dict || (tree.kind(id) == Kind::object && !is_tensor(tree, id));
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

struct Place {
  Id id;
  std::string path;
};

// What is found by descending through the known keys, in their order.
std::vector<Candidate> find_candidates(const Tree& tree, Id top) {
  std::vector<Candidate> candidates;
  std::unordered_set<Id> seen;
  std::vector<std::pair<Place, std::size_t>> open = {{{top, ""}, 0}};
  while (!open.empty()) {
    const auto [place, depth] = std::move(open.back());
    open.pop_back();
    if (!may_hold(tree, place.id) || !seen.insert(place.id).second) continue;
    Candidate candidate = candidate_of(tree, place.id, place.path);
    if (!candidate.tensors.empty()) candidates.push_back(std::move(candidate));
    if (depth == most_depth || is_module(tree, place.id)) continue;
    std::array<std::optional<Id>, wrappers.size()> values;
    for (const auto& [key, value] : pairs_of(tree, place.id)) {
      const auto wrapper = std::find(wrappers.begin(), wrappers.end(), tree.text(key));
      if (tree.is_text(key) && wrapper != wrappers.end()) values[static_cast<std::size_t>(wrapper - wrappers.begin())] = value;
    }
    for (std::size_t i = wrappers.size(); i-- > 0;) {
      if (values[i]) open.push_back({{*values[i], joined(place.path, wrappers[i])}, depth + 1});
    }
  }
  return candidates;
}

// What lies under other keys of the top, or in a list of several.
std::vector<Candidate> find_elsewhere(const Tree& tree, Id top) {
  std::vector<Candidate> candidates;
  std::unordered_set<Id> seen;
  const auto consider = [&](Id id, const auto& path) {
    if (!may_hold(tree, id) || !seen.insert(id).second) return;
    Candidate candidate = candidate_of(tree, id, "");
    if (candidate.tensors.empty()) return;
    candidate.path = path();
    tree.spend(sizeof candidate + candidate.path.size());
    candidates.push_back(std::move(candidate));
  };
  if (may_hold(tree, top)) {
    for (const auto& pair : pairs_of(tree, top)) {
      const std::string_view name = tree.text(pair.first);
      const bool is_known = std::find(never_weights.begin(), never_weights.end(), name) != never_weights.end();
      if (tree.is_text(pair.first) && !is_known) consider(pair.second, [name] { return std::string(name); });
    }
  } else {
    const std::vector<Id> items = tree.items(top);
    for (std::size_t i = 0; i < items.size(); ++i) consider(items[i], [i] { return fmt::format("[{}]", i); });
  }
  return candidates;
}

// "an empty dictionary", "a dictionary of 'epoch', 'lr'".
std::string describe_top(const Tree& tree, Id top) {
  if (is_tensor(tree, top)) return "one tensor without a name";
  if (!may_hold(tree, top)) return tree.describe(top);
  std::string keys;
  std::size_t count = 0;
  for (const auto& [key, value] : pairs_of(tree, top)) {
    if (!tree.is_text(key)) continue;
    if (++count > most_named) continue;
    keys += fmt::format("{}'{}'", keys.empty() ? "" : ", ", shown(tree.text(key)));
    if (tree.kind(value) == Kind::object && !is_tensor(tree, value))
      keys += fmt::format(" (an object of {})", class_of(tree, value));
  }
  if (count > most_named) keys += ", ...";
  if (tree.kind(top) == Kind::object && !tree.is_global(tree.object(top).callable, "collections", "OrderedDict")) {
    return fmt::format("an object of {}", class_of(tree, top));
  }
  return keys.empty() ? "an empty dictionary" : fmt::format("a dictionary of {}", keys);
}

const Candidate& choose(const std::vector<Candidate>& candidates) {
  std::size_t most = 0;
  for (const Candidate& candidate : candidates) most = std::max(most, candidate.weights);
  // Averaged weights may lack a few of the others' tensors, not many: averages of the parameters alone do not make a network.
  return *std::find_if(candidates.begin(), candidates.end(),
                       [most](const Candidate& candidate) { return candidate.weights * 10 >= most * 9; });
}

std::string name_of(const Candidate& candidate) {
  return candidate.path.empty() ? "the top" : fmt::format("'{}'", shown(candidate.path));
}

void note_others(const std::vector<Candidate>& candidates, const Candidate& chosen, std::vector<std::string>& notes) {
  std::string others;
  std::size_t count = 0;
  for (const Candidate& other : candidates) {
    if (&other == &chosen || other.weights * 2 < chosen.weights) continue;
    if (++count <= most_named) others += fmt::format("{}{}", others.empty() ? "" : ", ", name_of(other));
  }
  if (count > most_named) others += fmt::format(" and {} more", count - most_named);
  if (!others.empty())
    notes.push_back(fmt::format("has more than one state dict: {} was taken, not {}", name_of(chosen), others));
}

void note_foreign(const Tree& tree, const Candidate& chosen, std::vector<std::string>& notes) {
  if (is_module(tree, chosen.id)) {
    notes.push_back(
        fmt::format("is a whole module, {}: its tensors are read, the class is not; torch.save(model.state_dict(), FILE) "
                    "saves weights alone",
                    class_of(tree, chosen.id)));
    return;
  }
  std::size_t count = 0;
  std::string first;
  for (const auto& [key, value] : pairs_of(tree, chosen.id)) {
    if (!tree.is_text(key) || tree.kind(value) != Kind::object || is_tensor(tree, value)) continue;
    if (std::find(wrappers.begin(), wrappers.end(), tree.text(key)) != wrappers.end()) continue;
    if (count++ == 0) first = fmt::format("'{}' is an object of {}", shown(tree.text(key)), class_of(tree, value));
  }
  if (count > 0) {
    notes.push_back(
        fmt::format("{}{}, which is ignored and was not made", first, count > 1 ? fmt::format(" (and {} more)", count - 1) : ""));
  }
}

}  // namespace

StateDict find_state_dict(const Tree& tree, Id top) {
  std::vector<Candidate> candidates = find_candidates(tree, top);
  const auto has_weights = [](const Candidate& candidate) { return candidate.weights > 0; };
  const bool is_elsewhere = std::none_of(candidates.begin(), candidates.end(), has_weights);
  if (is_elsewhere) candidates = find_elsewhere(tree, top);
  if (candidates.empty()) {
    throw Error(Fault::malformed, fmt::format("has no weights: it holds {}, expected a dictionary of tensors, as "
                                              "torch.save(model.state_dict(), FILE) saves it",
                                              describe_top(tree, top)));
  }
  const Candidate& chosen = choose(candidates);
  if (chosen.tensors.size() > most_tensors) {
    throw Error(Fault::malformed, fmt::format("has {} tensors, expected at most {}", chosen.tensors.size(), most_tensors));
  }
  StateDict result{.tensors = chosen.tensors};
  if (is_elsewhere) result.notes.push_back(fmt::format("its weights are those of {}", name_of(chosen)));
  note_others(candidates, chosen, result.notes);
  note_foreign(tree, chosen, result.notes);
  return result;
}

}  // namespace resnet::torch
