#include "formats/torch/storages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::torch {

namespace {

struct Type {
  std::string_view storage;  // of class names: "Float" of FloatStorage; none where there was none in PyTorch 1
  std::string_view name, short_name;
  DType dtype;
};
constexpr auto types = std::to_array<Type>({{"Float", "float32", "float", DType::float32},
                                            {"Double", "float64", "double", DType::float64},
                                            {"Half", "float16", "half", DType::float16},
                                            {"BFloat16", "bfloat16", "bfloat16", DType::bfloat16},
                                            {"Long", "int64", "long", DType::int64},
                                            {"Int", "int32", "int", DType::int32},
                                            {"Short", "int16", "short", DType::int16},
                                            {"Char", "int8", "char", DType::int8},
                                            {"Byte", "uint8", "byte", DType::uint8},
                                            {"Bool", "bool", "bool", DType::boolean},
                                            {"", "uint16", "uint16", DType::uint16},
                                            {"", "uint32", "uint32", DType::uint32},
                                            {"", "uint64", "uint64", DType::uint64}});

// Of weights deflate saves a tenth, of weights that are mostly zeros more.
constexpr std::uint64_t free_inflated = 16 << 20, most_inflated = 16;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

// The element type of a class, nothing for untyped storages. Throws for what is not for us.
std::optional<DType> dtype_of_class(const Tree& tree, Id type) {
  const std::string_view module = tree.module_of(type), name = tree.name_of(type);
  const bool is_known_module = module == "torch" || module == "torch.cuda" || module == "torch.storage";
  if (is_known_module && (name == "UntypedStorage" || name == "_UntypedStorage")) return std::nullopt;
  constexpr std::string_view suffix = "Storage";
  if (is_known_module && name.ends_with(suffix)) {
    const std::string_view element = name.substr(0, name.size() - suffix.size());
    const auto found = std::find_if(types.begin(), types.end(), [element](const Type& t) { return t.storage == element; });
    if (found != types.end() && !element.empty()) return found->dtype;
  }
  refuse(
      fmt::format("its elements are of {}, expected Float, Double, Half, BFloat16, Long, Int, Short, Char, Byte or BoolStorage",
                  tree.full_name(type)));
}

std::int64_t count_of(const Tree& tree, Id id, const char* what) {
  const auto count = tree.integer(id);
  if (!count || *count < 0)
    refuse(fmt::format("its storage's {} is {}, expected a number from 0 on", what,
                       count ? std::to_string(*count) : tree.describe(id)));
  return *count;
}

// What kernels read past the end of a weight must be there: within the file, which need not end with a page.
bool may_stay(const File& file, std::uint64_t offset, std::uint64_t bytes, std::size_t size) {
  const auto address = reinterpret_cast<std::uintptr_t>(file.bytes().data()) + offset;
  return address % size == 0 && file.bytes().size() - offset - bytes >= Buffer::tail;
}

void turn_bytes(std::span<std::byte> bytes, std::size_t size) {
  for (std::size_t i = 0; i + size <= bytes.size(); i += size) std::reverse(&bytes[i], &bytes[i] + size);
}

}  // namespace

std::optional<DType> dtype_named(std::string_view name) {
  const auto found =
      std::find_if(types.begin(), types.end(), [name](const Type& t) { return t.name == name || t.short_name == name; });
  return found == types.end() ? std::nullopt : std::optional(found->dtype);
}

StorageReference read_storage(const Tree& tree, Id persistent) {
  if (tree.kind(persistent) != Kind::persistent) refuse(fmt::format("its storage is {}", tree.describe(persistent)));
  const std::span<const Id> id = tree.tuple(tree.persistent_id(persistent));
  if (id.size() < 5 || !tree.is_text(id[0], "storage") || !tree.is_text(id[2]) || tree.text(id[2]).size() > most_key_bytes) {
    refuse("its storage is not named as PyTorch names storages, expected ('storage', class, key, location, elements)");
  }
  StorageReference storage{.key = std::string(tree.text(id[2])),
                           .dtype = dtype_of_class(tree, id[1]),
                           .elements = count_of(tree, id[4], "number of elements")};
  storage.view_elements = storage.elements;
  if (id.size() > 5 && tree.kind(id[5]) != Kind::none) {
    const std::span<const Id> view = tree.tuple(id[5]);
    if (view.size() != 3 || !storage.dtype) refuse("its storage is a view that is not described as (key, offset, elements)");
    storage.offset = count_of(tree, view[1], "offset");
    storage.view_elements = count_of(tree, view[2], "number of elements");
    const auto end = checked_add(storage.offset, storage.view_elements);
    if (!end || *end > storage.elements) refuse("its storage is a view beyond the end of another");
  }
  return storage;
}

std::shared_ptr<const Buffer> Storages::load(const StorageReference& storage, DType dtype) {
  const std::pair is = {storage.dtype, storage.elements};
  if (seen_.emplace(storage.key, is).first->second != is) {
    refuse(fmt::format("its storage '{}' has another type or size in another tensor", shown(storage.key)));
  }
  std::shared_ptr<const Buffer>& buffer = loaded_[{storage.key, dtype}];
  if (buffer != nullptr) return buffer;
  const auto bytes = checked_multiply(storage.elements, static_cast<std::int64_t>(storage.element_size()));
  if (!bytes)
    refuse(fmt::format("its storage '{}' of {} elements is too large for any file", shown(storage.key), storage.elements));
  buffer = fetch(storage.key, static_cast<std::uint64_t>(*bytes), dtype);
  loaded_bytes_ += static_cast<std::uint64_t>(*bytes);
  return buffer;
}

std::shared_ptr<const Buffer> in_place_or_copied(const File& file, std::uint64_t offset, std::uint64_t bytes, std::size_t size) {
  if (may_stay(file, offset, bytes, size)) return Buffer::view(file.bytes().subspan(offset, bytes), file.buffer);
  const auto copy = Buffer::allocate(bytes);
  file.copy(offset, copy->mutable_bytes());
  return copy;
}

std::shared_ptr<const Buffer> ZipStorages::fetch(const std::string& key, std::uint64_t bytes, DType dtype) {
  const Archive::Entry* entry = archive_.find(root_ + "/data/" + key);
  if (entry == nullptr) refuse(fmt::format("its storage '{}' is not in the archive", shown(key)));
  if (entry->size != bytes) {
    refuse(fmt::format("its storage '{}' has {} bytes in the archive, expected {}", shown(key), entry->size, bytes));
  }
  const std::size_t size = size_of(dtype);
  const bool turns = big_endian_ && size > 1;
  if (!turns && entry->is_stored() && may_stay(archive_.file(), entry->offset, bytes, size)) {
    return Buffer::view(archive_.view(*entry), archive_.file().buffer);
  }
  if (!entry->is_stored()) {
    const std::uint64_t file_bytes = archive_.file().bytes().size();
    inflated_bytes_ += bytes;  // of entries that are each at most 1032 times what the file has of them
    if (inflated_bytes_ > free_inflated && (inflated_bytes_ - free_inflated) / most_inflated > file_bytes) {
      refuse(fmt::format("its storages are {} bytes inflated, and the file has {}: weights cannot be packed so", inflated_bytes_,
                         file_bytes));
    }
  }
  const auto copy = Buffer::allocate(bytes);
  archive_.read(*entry, copy->mutable_bytes());
  if (turns) turn_bytes(copy->mutable_bytes(), size);
  return copy;
}

}  // namespace resnet::torch
