// What a pickle says, as a tree of values: what it would call is remembered by name and never called.
//
// Values are numbers in a few pools, so that nothing recurses when a tree is freed, however deep it is, and a value that is
// referred to many times (or contains itself) is there once. A few bytes refer to a value again, so that whoever walks the tree
// could meet the same million keys, or the same long text, a million times: walk() and spend() set an end to that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::torch {

using Id = std::uint32_t;

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,
  big_integer,  // beyond 64 bits
  real,
  text,
  bytes,
  tuple,
  list,
  dict,
  set,
  global,      // a class or a function, by its names
  object,      // what a class or a function would have made
  persistent,  // what lies outside of the pickle, by what the pickle calls it: storages
};

class Tree {
 public:
  static constexpr Id none = 0;

  // Of pickles within `text`, which must outlive it. Its pools, and what is made of them, take at most `budget` bytes.
  Tree(std::string_view text, std::size_t budget);

  Kind kind(Id id) const { return nodes_[id].kind; }
  std::optional<bool> boolean(Id id) const;
  // Nothing where it is not an integer of 64 bits.
  std::optional<std::int64_t> integer(Id id) const;
  // Of texts, bytes and big integers (as they are in the file); else empty.
  std::string_view text(Id id) const;
  bool is_text(Id id) const { return kind(id) == Kind::text; }
  bool is_text(Id id, std::string_view value) const { return is_text(id) && text(id) == value; }
  // Of tuples; else empty.
  std::span<const Id> tuple(Id id) const;
  // Of what a list, a set or an object was given one by one. Of a tuple its items.
  std::vector<Id> items(Id id) const;
  // "torch._utils" and "_rebuild_tensor_v2" of a global; else empty.
  std::string_view module_of(Id global) const;
  std::string_view name_of(Id global) const;
  bool is_global(Id id, std::string_view module, std::string_view name) const {
    return kind(id) == Kind::global && module_of(id) == module && name_of(id) == name;
  }

  struct Object {
    Id callable = none, arguments = none, state = none;
    std::uint32_t first = 0, last = 0, count = 0;  // of its links
  };
  const Object& object(Id id) const { return objects_[nodes_[id].at]; }
  // What a persistent value is called.
  Id persistent_id(Id id) const { return static_cast<Id>(nodes_[id].at); }
  std::span<const Id> persistents() const { return persistents_; }

  // Each key and value that a dict or an object was given, in their order; a key may come again.
  template <typename Function>
  void for_each_pair(Id id, Function function) const {
    for (std::uint32_t link = first_link(id); link != 0; link = links_[link].next) {
      walk(1);
      function(links_[link].key, links_[link].value);
    }
  }
  // What looks at values counts its steps: a link, or eight bytes of a text, is one. Throws Error(malformed) where they are
  // more than any checkpoint needs.
  void walk(std::size_t steps) const;
  // Counts memory that a pool takes, or a name that is made. Throws Error(malformed) where the budget is spent.
  void spend(std::size_t bytes) const;

  // For messages: "a list", "a text", "an object of posix.system", on one line.
  std::string describe(Id id) const;
  // "posix.system"; of anything but a global, a word for it.
  std::string full_name(Id global) const;

  // For the unpickler.
  std::string_view source() const { return text_; }
  Id add_boolean(bool value) const { return value ? 2 : 1; }
  Id add_empty_tuple() const { return 3; }
  Id add_integer(std::int64_t value);
  Id add_real(double value);
  Id add_text(Kind kind, std::size_t at, std::size_t size);
  Id add_tuple(std::span<const Id> items);
  Id add_container(Kind kind);
  Id add_global(Id module, Id name);
  Id add_object(Id callable, Id arguments);
  Id add_persistent(Id id);
  // Appends to a list, a set (without key), a dict or an object.
  void append(Id container, Id key, Id value);
  void set_state(Id object, Id state) { objects_[nodes_[object].at].state = state; }

 private:
  struct Node {
    std::uint64_t at = 0;    // a number's bits, a text's or a pool's position; of a list and a dict its first link
    std::uint32_t size = 0;  // bytes or items; of a list and a dict its last link
    Kind kind = Kind::none;
  };
  struct Link {
    Id key, value;
    std::uint32_t next;
  };
  Id add(const Node& node);
  std::uint32_t first_link(Id id) const;

  std::string_view text_;
  mutable std::size_t left_, steps_left_;
  std::deque<Node> nodes_;
  std::deque<Object> objects_;
  std::deque<Link> links_;
  std::vector<Id> items_, persistents_;
};

}  // namespace resnet::torch
