#include "formats/torch/modules.h"

#include <algorithm>
#include <set>

#include "formats/torch/tensors.h"
#include "lib/base/error.h"

namespace resnet::torch {

namespace {

// More than any network of ours has; a module may be there several times, and so a few of them could have names without end.
constexpr std::size_t most_modules = 20'000, most_entries = 400'000, most_depth = 64;

bool is_reconstructor(const Tree& tree, Id callable) {
  const std::string_view module = tree.module_of(callable), name = tree.name_of(callable);
  return (module == "copy_reg" || module == "copyreg") && (name == "_reconstructor" || name == "__newobj__");
}

struct Place {
  Id module;
  std::string prefix;
  std::size_t depth;
};

// Names grow with the depth and are as many as there are ways to a module: they count as memory of the tree.
std::string joined(const Tree& tree, const std::string& prefix, std::string_view key, std::string_view end = "") {
  tree.spend(sizeof(Place) + prefix.size() + key.size());
  return prefix + std::string(key) + std::string(end);
}

// Of a set, which protocols before 4 call a class with a list for.
std::vector<Id> members_of(const Tree& tree, Id set) {
  if (tree.kind(set) != Kind::object) return tree.items(set);
  const std::span<const Id> arguments = tree.tuple(tree.object(set).arguments);
  return arguments.empty() ? std::vector<Id>() : tree.items(arguments[0]);
}

// Those of one module itself.
void add_own(const Tree& tree, const Place& place, Id tensors, const std::set<std::string_view>& skipped, NamedIds& found) {
  const auto is_skipped = [&](std::string_view name) {
    if (!skipped.empty()) tree.walk(1 + name.size() / 8);
    return skipped.contains(name);
  };
  for (const auto& [key, value] : pairs_of(tree, tensors)) {
    if (tree.is_text(key) && is_tensor(tree, value) && !is_skipped(tree.text(key))) {
      found.emplace_back(joined(tree, place.prefix, tree.text(key)), value);
    }
  }
}

}  // namespace

std::vector<std::pair<Id, Id>> pairs_of(const Tree& tree, Id id) {
  std::vector<std::pair<Id, Id>> pairs;
  const auto collect = [&](Id from) { tree.for_each_pair(from, [&](Id key, Id value) { pairs.emplace_back(key, value); }); };
  if (tree.kind(id) == Kind::dict) collect(id);
  if (tree.kind(id) != Kind::object) return pairs;
  const Tree::Object& object = tree.object(id);
  const std::span<const Id> arguments = tree.tuple(object.arguments);
  if (object.count > 0) {
    collect(id);
  } else if (arguments.size() == 1 && tree.kind(arguments[0]) == Kind::list) {
    // Python 2's OrderedDict: a list of lists of two.
    for (const Id item : tree.items(arguments[0])) {
      const std::vector<Id> pair = tree.items(item);
      if (pair.size() == 2) pairs.emplace_back(pair[0], pair[1]);
    }
  } else if (arguments.size() == 1 && tree.kind(arguments[0]) == Kind::dict) {
    collect(arguments[0]);
  } else if (tree.kind(object.state) == Kind::dict) {
    collect(object.state);
  }
  return pairs;
}

Id value_of(const Tree& tree, Id dict, std::string_view key) {
  Id found = Tree::none;
  if (tree.kind(dict) != Kind::dict) return found;
  tree.for_each_pair(dict, [&](Id name, Id value) {
    if (tree.is_text(name, key)) found = value;
  });
  return found;
}

bool is_module(const Tree& tree, Id id) {
  if (tree.kind(id) != Kind::object) return false;
  const Id state = tree.object(id).state;
  return value_of(tree, state, "_parameters") != Tree::none || value_of(tree, state, "_modules") != Tree::none;
}

std::string class_of(const Tree& tree, Id object) {
  Id callable = tree.object(object).callable;
  const std::span<const Id> arguments = tree.tuple(tree.object(object).arguments);
  if (is_reconstructor(tree, callable) && !arguments.empty()) callable = arguments[0];
  // The old format keeps a class with its source: ('module', class, file, source).
  if (tree.kind(callable) == Kind::persistent) {
    const std::span<const Id> id = tree.tuple(tree.persistent_id(callable));
    if (id.size() > 1) callable = id[1];
  }
  return tree.full_name(callable);
}

NamedIds module_tensors(const Tree& tree, Id module) {
  NamedIds found;
  std::vector<Place> open = {{module, "", 0}};
  std::size_t modules = 0, entries = 0;
  while (!open.empty()) {
    const Place place = std::move(open.back());
    open.pop_back();
    const Id state = tree.object(place.module).state, parts = value_of(tree, state, "_modules");
    std::set<std::string_view> skipped;
    for (const Id name : members_of(tree, value_of(tree, state, "_non_persistent_buffers_set"))) {
      tree.walk(1 + tree.text(name).size() / 8);
      skipped.insert(tree.text(name));
    }
    add_own(tree, place, value_of(tree, state, "_parameters"), {}, found);
    add_own(tree, place, value_of(tree, state, "_buffers"), skipped, found);
    const std::vector<std::pair<Id, Id>> inner = pairs_of(tree, parts);
    entries += inner.size() + skipped.size();
    if (++modules > most_modules || entries > most_entries || found.size() > most_entries || place.depth > most_depth) {
      throw Error(Fault::malformed, "has modules within modules without an end");
    }
    // The first is taken next.
    for (std::size_t i = inner.size(); i-- > 0;) {
      const auto& [key, value] = inner[i];
      if (tree.is_text(key) && is_module(tree, value)) {
        open.push_back({value, joined(tree, place.prefix, tree.text(key), "."), place.depth + 1});
      }
    }
  }
  return found;
}

}  // namespace resnet::torch
