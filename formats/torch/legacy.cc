#include "formats/torch/legacy.h"

#include <fmt/format.h>

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/torch/pickle.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::torch {

using std::string_view_literals::operator""sv;

namespace {

// 0x1950a86a20f9469cfc6c as protocols from 2 on write it, and as digits.
constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv, magic_digits = "119547037146038801333356";
constexpr std::int64_t known_protocol = 1001;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

bool is_magic(const Tree& tree, Id id) {
  return tree.kind(id) == Kind::big_integer && (tree.text(id) == magic || tree.text(id) == magic_digits);
}

// What was written on a big-endian machine has the same first bytes, and nothing says in which order its elements are.
void check_system(const Tree& tree, Id system) {
  bool little = true;
  tree.for_each_pair(system, [&](Id key, Id value) {
    if (tree.is_text(key, "little_endian")) little = tree.boolean(value).value_or(true);
  });
  if (!little) refuse("was written on a big-endian machine in PyTorch's old format; save it again with PyTorch 1.6 or later");
}

}  // namespace

LegacyStorages::LegacyStorages(File file, const Tree& tree, Id keys, std::uint64_t begin) : file_(std::move(file)) {
  std::unordered_map<std::string_view, Id> references;
  for (const Id persistent : tree.persistents()) {
    const std::span<const Id> id = tree.tuple(tree.persistent_id(persistent));
    if (id.size() > 2 && tree.is_text(id[0], "storage") && tree.text(id[2]).size() <= most_key_bytes)
      references.emplace(tree.text(id[2]), persistent);
  }
  for (const Id key : tree.items(keys)) {
    const std::string name(tree.text(key).substr(0, most_key_bytes + 1));  // a longer one is none of these
    const auto reference = references.find(name);
    if (!tree.is_text(key) || reference == references.end()) {
      refuse(fmt::format("has a storage '{}' that no tensor refers to, and whose size nothing says", shown(name)));
    }
    const StorageReference storage = read_storage(tree, reference->second);
    const std::string_view text = file_.text();
    std::int64_t elements = 0;
    if (begin > text.size() || text.size() - begin < sizeof elements) {
      refuse(fmt::format("was cut before its storage '{}'; fetch it again", shown(name)));
    }
    file_.copy(begin, std::as_writable_bytes(std::span(&elements, 1)));
    if (elements != storage.elements) {
      refuse(fmt::format("has {} elements in its storage '{}', expected {}", elements, shown(name), storage.elements));
    }
    begin += sizeof elements;
    const auto bytes = checked_multiply(elements, static_cast<std::int64_t>(storage.element_size()));
    if (!bytes || static_cast<std::uint64_t>(*bytes) > text.size() - begin) {
      refuse(fmt::format("was cut: its storage '{}' has {} elements, {} bytes follow; fetch it again", shown(name), elements,
                         text.size() - begin));
    }
    if (!blocks_.emplace(name, Block{begin, static_cast<std::uint64_t>(*bytes)}).second)
      refuse(fmt::format("has its storage '{}' twice", shown(name)));
    begin += static_cast<std::uint64_t>(*bytes);
  }
}

std::shared_ptr<Storage> LegacyStorages::open(const std::string& key, std::uint64_t bytes, DType) {
  const auto block = blocks_.find(key);
  if (block == blocks_.end()) refuse(fmt::format("its storage '{}' is not in the file", shown(key)));
  // The block is as the first reference says; another may say otherwise.
  if (block->second.bytes != bytes) {
    refuse(fmt::format("its storage '{}' has {} bytes in the file, expected {}", shown(key), block->second.bytes, bytes));
  }
  return storage_in_place(file_, block->second.offset);
}

std::optional<Legacy> read_legacy(Tree& tree) {
  Unpickled first{};
  try {
    first = unpickle(tree, 0);
  } catch (const Error&) {
    return std::nullopt;
  }
  if (!is_magic(tree, first.value)) return std::nullopt;
  const Unpickled protocol = unpickle(tree, first.end);
  if (tree.integer(protocol.value) != known_protocol) {
    refuse(fmt::format("is of an unknown version of PyTorch's old format, expected {}", known_protocol));
  }
  const Unpickled system = unpickle(tree, protocol.end);
  check_system(tree, system.value);
  const Unpickled object = unpickle(tree, system.end);
  const Unpickled keys = unpickle(tree, object.end);
  if (tree.kind(keys.value) != Kind::list) {
    refuse(fmt::format("has {} where the list of its storages should be", tree.describe(keys.value)));
  }
  return Legacy{object.value, keys.value, keys.end};
}

}  // namespace resnet::torch
