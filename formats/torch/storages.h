// Storages: the blocks of elements that tensors are views of, as the pickle names them and as the archive or the file has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "formats/torch/file.h"
#include "formats/torch/tree.h"
#include "formats/torch/zip.h"
#include "lib/tensor/tensor.h"

namespace resnet::torch {

// "torch.float32" and such: the type of that name in PyTorch ("float32", "half", "bfloat16", ...); nothing for what is not for
// us.
std::optional<DType> dtype_named(std::string_view name);

// Keys are numbers; what is longer than this is refused.
inline constexpr std::size_t most_key_bytes = 256;

// What a pickle says of a storage: ('storage', class, key, location, elements[, view]).
struct StorageReference {
  std::string key;
  std::optional<DType> dtype;      // none: bytes, whose type each tensor says
  std::int64_t elements = 0;       // of the whole storage
  std::int64_t offset = 0;         // of a view of a storage, in elements
  std::int64_t view_elements = 0;  // of the view, or of the whole

  std::size_t element_size() const { return dtype ? size_of(*dtype) : 1; }
};
// Throws Error(malformed) where it is not a storage, or one whose elements are not for us, which it names.
StorageReference read_storage(const Tree& tree, Id persistent);

// A block of bytes that is known to be there, of the size that was promised; it is read when a tensor is loaded.
class Storage {
 public:
  virtual ~Storage() = default;
  // Whether a part at a multiple of `size` needs no memory of its own.
  virtual bool shares(std::uint64_t begin, std::uint64_t bytes, std::size_t size) const = 0;
  // A part, little-endian, at a multiple of `size`, followed by what kernels read past the end of a weight.
  virtual std::shared_ptr<const Buffer> part(std::uint64_t begin, std::uint64_t bytes, std::size_t size) = 0;
  // Throws as part() would where the storage is damaged.
  virtual void check() {}
  // Once for each tensor that will ask for a part of it: what must be made for them is made once, and goes when the last of them
  // has its part.
  virtual void expect_reader() {}
};

// In the file as it is used, from `offset` on.
std::shared_ptr<Storage> storage_in_place(const File& file, std::uint64_t offset);

class Storages {
 public:
  virtual ~Storages() = default;

  // The storage, whose elements are of `dtype`; nothing of it is loaded. Throws Error(malformed) where it is not there, of
  // another size, or referred to elsewhere as one of another type or size, or where it would need far more memory than the file
  // has.
  std::shared_ptr<Storage> find(const StorageReference& storage, DType dtype);
  // Bytes of all that were found.
  std::uint64_t found_bytes() const { return found_bytes_; }

 protected:
  // `bytes` are what the reference says.
  virtual std::shared_ptr<Storage> open(const std::string& key, std::uint64_t bytes, DType dtype) = 0;

 private:
  std::map<std::pair<std::string, DType>, std::shared_ptr<Storage>> found_;
  std::unordered_map<std::string, std::pair<std::optional<DType>, std::int64_t>> seen_;
  std::uint64_t found_bytes_ = 0;
};

// The entries ROOT/data/KEY of an archive.
class ZipStorages : public Storages {
 public:
  ZipStorages(std::shared_ptr<const Archive> archive, std::string root, bool big_endian)
      : archive_(std::move(archive)), root_(std::move(root)), big_endian_(big_endian) {}

 protected:
  std::shared_ptr<Storage> open(const std::string& key, std::uint64_t bytes, DType dtype) override;

 private:
  std::shared_ptr<const Archive> archive_;
  std::string root_;
  bool big_endian_;
  std::uint64_t inflated_bytes_ = 0;
};

}  // namespace resnet::torch
