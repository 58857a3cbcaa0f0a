// PyTorch's format before 1.6: pickles one after another (a magic number, a protocol, the writer's machine, the object, the keys
// of its storages), then the storages in the keys' order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "formats/torch/file.h"
#include "formats/torch/storages.h"
#include "formats/torch/tree.h"

namespace resnet::torch {

class LegacyStorages : public Storages {
 public:
  // The storages follow at byte `begin`, in the order of `keys`, a list; what the pickles refer to says their types. Throws
  // Error(malformed) where one is unknown, or not as the pickles say.
  LegacyStorages(File file, const Tree& tree, Id keys, std::uint64_t begin);

 protected:
  std::shared_ptr<Storage> open(const std::string& key, std::uint64_t bytes, DType dtype) override;

 private:
  File file_;
  struct Block {
    std::uint64_t offset, bytes;
  };
  std::unordered_map<std::string, Block> blocks_;
};

struct Legacy {
  Id object, keys;
  std::uint64_t storages;  // where they begin
};

// The pickles of the file that is the tree's source; nothing where the first is not the magic number, or damaged.
std::optional<Legacy> read_legacy(Tree& tree);

}  // namespace resnet::torch
