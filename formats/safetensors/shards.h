// Weights in several files, and the index beside them: model.safetensors.index.json, pytorch_model.bin.index.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/weights.h"

namespace resnet::safetensors {

// What an index has at most: larger files need not be read.
inline constexpr std::uintmax_t most_index_bytes = std::uintmax_t{16} << 20;

struct Index {
  std::string file;                             // its own name, for errors
  std::map<std::string, std::string> shard_of;  // a tensor's name -> the name of the file that has it
  std::vector<std::string> shards;              // each once, in the order of their names
};

// `{"metadata": {...}, "weight_map": {NAME: FILE}}`; the metadata is not looked at, for writers disagree about total_size. Each
// FILE is one in the folder of the index: without a slash, backslash or control character, neither "." nor "..", and not an
// index itself; whether it is there, and what it holds, the caller finds out. Throws Error(malformed) "FILE: ...".
Index parse_index(std::string_view text, const std::string& name);

// The weights of all shards, which are given in the order of `index.shards`. Throws Error(malformed) where a tensor is missing,
// in another file than the index says, or in a file and not in the index.
Weights join(const Index& index, std::vector<Weights> shards);

}  // namespace resnet::safetensors
