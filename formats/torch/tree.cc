#include "formats/torch/tree.h"

#include <fmt/format.h>

#include <bit>
#include <limits>

#include "formats/torch/file.h"
#include "lib/base/error.h"

namespace resnet::torch {

namespace {

constexpr std::size_t most_steps = std::size_t{1} << 25;

}  // namespace

Tree::Tree(std::string_view text, std::size_t budget) : text_(text), left_(budget), steps_left_(most_steps) {
  nodes_ = {{.kind = Kind::none}, {.at = 0, .kind = Kind::boolean}, {.at = 1, .kind = Kind::boolean}, {.kind = Kind::tuple}};
  links_.push_back({});  // 0 is the end
}

void Tree::walk(std::size_t steps) const {
  if (steps > steps_left_) throw Error(Fault::malformed, "its pickle refers to the same objects again and again, without an end");
  steps_left_ -= steps;
}

void Tree::spend(std::size_t bytes) const {
  if (bytes > left_) throw Error(Fault::malformed, "its pickle has more objects than a checkpoint of its size can have");
  left_ -= bytes;
}

Id Tree::add(const Node& node) {
  spend(sizeof node);
  nodes_.push_back(node);
  return static_cast<Id>(nodes_.size() - 1);
}

Id Tree::add_integer(std::int64_t value) { return add({.at = std::bit_cast<std::uint64_t>(value), .kind = Kind::integer}); }

Id Tree::add_real(double value) { return add({.at = std::bit_cast<std::uint64_t>(value), .kind = Kind::real}); }

Id Tree::add_text(Kind kind, std::size_t at, std::size_t size) {
  if (size > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Fault::malformed, fmt::format("its pickle has a text of {} bytes, expected at most 4 GiB", size));
  }
  return add({.at = at, .size = static_cast<std::uint32_t>(size), .kind = kind});
}

Id Tree::add_tuple(std::span<const Id> items) {
  spend(items.size_bytes());
  const std::size_t at = items_.size();
  items_.insert(items_.end(), items.begin(), items.end());
  return add({.at = at, .size = static_cast<std::uint32_t>(items.size()), .kind = Kind::tuple});
}

Id Tree::add_container(Kind kind) { return add({.kind = kind}); }

Id Tree::add_global(Id module, Id name) { return add({.at = module, .size = name, .kind = Kind::global}); }

Id Tree::add_object(Id callable, Id arguments) {
  spend(sizeof(Object));
  objects_.push_back({.callable = callable, .arguments = arguments});
  return add({.at = objects_.size() - 1, .kind = Kind::object});
}

Id Tree::add_persistent(Id id) {
  spend(sizeof(Id));
  persistents_.push_back(add({.at = id, .kind = Kind::persistent}));
  return persistents_.back();
}

void Tree::append(Id container, Id key, Id value) {
  spend(sizeof(Link));
  const auto link = static_cast<std::uint32_t>(links_.size());
  links_.push_back({key, value, 0});
  Node& node = nodes_[container];
  if (node.kind == Kind::object) {
    Object& object = objects_[node.at];
    (object.first == 0 ? object.first : links_[object.last].next) = link;
    object.last = link;
    ++object.count;
    return;
  }
  if (node.at == 0) {
    node.at = link;
  } else {
    links_[node.size].next = link;
  }
  node.size = link;
}

std::uint32_t Tree::first_link(Id id) const {
  const Node& node = nodes_[id];
  if (node.kind == Kind::object) return objects_[node.at].first;
  const bool has_links = node.kind == Kind::list || node.kind == Kind::dict || node.kind == Kind::set;
  return has_links ? static_cast<std::uint32_t>(node.at) : 0;
}

std::optional<bool> Tree::boolean(Id id) const {
  return kind(id) == Kind::boolean ? std::optional(nodes_[id].at != 0) : std::nullopt;
}

std::optional<std::int64_t> Tree::integer(Id id) const {
  return kind(id) == Kind::integer ? std::optional(std::bit_cast<std::int64_t>(nodes_[id].at)) : std::nullopt;
}

std::string_view Tree::text(Id id) const {
  const Node& node = nodes_[id];
  const bool has_text = node.kind == Kind::text || node.kind == Kind::bytes || node.kind == Kind::big_integer;
  return has_text ? text_.substr(node.at, node.size) : std::string_view();
}

std::span<const Id> Tree::tuple(Id id) const {
  const Node& node = nodes_[id];
  return node.kind == Kind::tuple ? std::span(items_).subspan(node.at, node.size) : std::span<const Id>();
}

std::vector<Id> Tree::items(Id id) const {
  const std::span<const Id> fixed = tuple(id);
  walk(fixed.size());
  std::vector<Id> result(fixed.begin(), fixed.end());
  if (kind(id) != Kind::dict) for_each_pair(id, [&result](Id, Id value) { result.push_back(value); });
  return result;
}

std::string_view Tree::module_of(Id global) const {
  return kind(global) == Kind::global ? text(static_cast<Id>(nodes_[global].at)) : std::string_view();
}

std::string_view Tree::name_of(Id global) const {
  return kind(global) == Kind::global ? text(nodes_[global].size) : std::string_view();
}

std::string Tree::full_name(Id global) const {
  if (kind(global) != Kind::global) return "something without a name";
  return shown(fmt::format("{}.{}", module_of(global).substr(0, 100), name_of(global).substr(0, 100)));
}

std::string Tree::describe(Id id) const {
  switch (kind(id)) {
    case Kind::none: return "None";
    case Kind::boolean: return "a boolean";
    case Kind::integer:
    case Kind::big_integer: return "an integer";
    case Kind::real: return "a floating-point number";
    case Kind::text: return "a text";
    case Kind::bytes: return "bytes";
    case Kind::tuple: return "a tuple";
    case Kind::list: return "a list";
    case Kind::dict: return "a dictionary";
    case Kind::set: return "a set";
    case Kind::global: return full_name(id);
    case Kind::object: return "an object of " + full_name(object(id).callable);
    case Kind::persistent: return "a storage";
  }
  __builtin_unreachable();
}

}  // namespace resnet::torch
