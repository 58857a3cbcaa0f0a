#include "formats/torch/storages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

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

void turn_bytes(std::span<std::byte> bytes, std::size_t size) {
  for (std::size_t i = 0; i + size <= bytes.size(); i += size) std::reverse(&bytes[i], &bytes[i] + size);
}

class InPlace : public Storage {
 public:
  InPlace(File file, std::uint64_t offset) : file_(std::move(file)), offset_(offset) {}

  // What kernels read past the end of a weight must be there: within the file, which need not end with a page.
  bool shares(std::uint64_t begin, std::uint64_t bytes, std::size_t size) const override {
    const auto address = reinterpret_cast<std::uintptr_t>(file_.bytes().data()) + offset_ + begin;
    return address % size == 0 && file_.bytes().size() - offset_ - begin - bytes >= Buffer::tail;
  }
  std::shared_ptr<const Buffer> part(std::uint64_t begin, std::uint64_t bytes, std::size_t size) override {
    if (shares(begin, bytes, size)) return file_.view(offset_ + begin, bytes);
    const auto copy = Buffer::allocate(bytes);
    file_.copy(offset_ + begin, copy->mutable_bytes());
    return copy;
  }

 private:
  File file_;
  std::uint64_t offset_;
};

// An entry that is deflated, or whose elements are big-endian: made as a whole.
class Made : public Storage {
 public:
  Made(std::shared_ptr<const Archive> archive, const Archive::Entry& entry, std::size_t turned_size)
      : archive_(std::move(archive)), entry_(entry), turned_size_(turned_size) {}

  bool shares(std::uint64_t, std::uint64_t, std::size_t) const override { return true; }
  std::shared_ptr<const Buffer> part(std::uint64_t begin, std::uint64_t bytes, std::size_t) override {
    const std::shared_ptr<const Buffer> all = whole();
    if (readers_ > 0) --readers_;
    held_ = readers_ > 0 ? all : nullptr;
    return Buffer::view(all->bytes().subspan(begin, bytes), all);
  }
  void check() override {
    if (!std::exchange(is_checked_, true)) archive_->check(entry_);
  }
  void expect_reader() override { ++readers_; }

 private:
  std::shared_ptr<const Buffer> whole() {
    if (held_ != nullptr) return held_;
    if (auto used = used_.lock()) return used;
    const auto made = Buffer::allocate(entry_.size);
    archive_->read(entry_, made->mutable_bytes());
    if (turned_size_ > 1) turn_bytes(made->mutable_bytes(), turned_size_);
    used_ = made;
    return made;
  }

  std::shared_ptr<const Archive> archive_;
  const Archive::Entry& entry_;  // of the archive
  std::size_t turned_size_;      // of elements whose bytes are turned round; 1: none
  std::size_t readers_ = 0;
  bool is_checked_ = false;
  std::shared_ptr<const Buffer> held_;
  std::weak_ptr<const Buffer> used_;  // by tensors that were loaded
};

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

std::shared_ptr<Storage> storage_in_place(const File& file, std::uint64_t offset) {
  return std::make_shared<InPlace>(file, offset);
}

std::shared_ptr<Storage> Storages::find(const StorageReference& storage, DType dtype) {
  const std::pair is = {storage.dtype, storage.elements};
  if (seen_.emplace(storage.key, is).first->second != is) {
    refuse(fmt::format("its storage '{}' has another type or size in another tensor", shown(storage.key)));
  }
  std::shared_ptr<Storage>& found = found_[{storage.key, dtype}];
  if (found != nullptr) return found;
  const auto bytes = checked_multiply(storage.elements, static_cast<std::int64_t>(storage.element_size()));
  if (!bytes)
    refuse(fmt::format("its storage '{}' of {} elements is too large for any file", shown(storage.key), storage.elements));
  found = open(storage.key, static_cast<std::uint64_t>(*bytes), dtype);
  found_bytes_ += static_cast<std::uint64_t>(*bytes);
  return found;
}

std::shared_ptr<Storage> ZipStorages::open(const std::string& key, std::uint64_t bytes, DType dtype) {
  const Archive::Entry* entry = archive_->find(root_ + "/data/" + key);
  if (entry == nullptr) refuse(fmt::format("its storage '{}' is not in the archive", shown(key)));
  if (entry->size != bytes) {
    refuse(fmt::format("its storage '{}' has {} bytes in the archive, expected {}", shown(key), entry->size, bytes));
  }
  Archive::check_readable(*entry);
  const std::size_t turned_size = big_endian_ ? size_of(dtype) : 1;
  if (entry->is_stored()) {
    archive_->check(*entry);
    if (turned_size == 1) return storage_in_place(archive_->file(), entry->offset);
  } else {
    const std::uint64_t file_bytes = archive_->file().bytes().size();
    inflated_bytes_ += bytes;  // of entries that are each at most 1032 times what the file has of them
    if (inflated_bytes_ > free_inflated && (inflated_bytes_ - free_inflated) / most_inflated > file_bytes) {
      refuse(fmt::format("its storages are {} bytes inflated, and the file has {}: weights cannot be packed so", inflated_bytes_,
                         file_bytes));
    }
  }
  return std::make_shared<Made>(archive_, *entry, turned_size);
}

}  // namespace resnet::torch
