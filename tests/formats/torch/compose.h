// Pickles, zip archives and checkpoints, composed byte by byte: opcodes as Python writes them, and as it never would.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/model/weights.h"

namespace resnet::torch::test {

std::string little(std::uint64_t value, int bytes);

// Values of protocol 2.
std::string text(std::string_view value);
std::string number(std::int64_t value);
std::string global(std::string_view module, std::string_view name);
std::string tuple(const std::vector<std::string>& items);
std::string numbers(const std::vector<std::int64_t>& values);
std::string reduce(const std::string& callable, const std::vector<std::string>& arguments);
// A class's object with attributes.
std::string object(const std::string& type, const std::string& state);
using Pairs = std::vector<std::pair<std::string, std::string>>;  // a key's text and an already composed value
std::string dict(const Pairs& pairs);
std::string ordered_dict(const Pairs& pairs);
// A whole pickle.
std::string pickle(const std::string& value, int protocol = 2);

// A view of a storage, as _rebuild_tensor_v2 has it.
struct View {
  std::vector<std::int64_t> size = {4}, stride = {1};
  std::int64_t offset = 0;
  std::string type = "FloatStorage", key = "0";
  std::int64_t elements = 4;
};
std::string storage(const View& view, bool legacy = false, const std::string& view_metadata = "N");
std::string tensor(const View& view = {}, bool legacy = false);

struct ZipEntry {
  std::string name, data;
  bool deflated = false;
};
struct ZipOptions {
  bool aligned = true;      // data at multiples of 64, by an extra field in the local header
  bool descriptors = true;  // sizes and CRC only in the directory
  bool zip64 = true;        // the end records, as PyTorch always writes them
  bool wide_sizes = false;  // sizes and offsets in zip64's extra fields
};
std::string zip(const std::vector<ZipEntry>& entries, const ZipOptions& options = {});

// An archive with these storages, the first "0".
std::string archive(const std::string& pickled, const std::vector<std::string>& storages = {}, std::vector<ZipEntry> more = {});
// PyTorch's format before 1.6.
std::string legacy(const std::string& value, const std::vector<std::string>& keys, const std::string& storages);

template <typename T>
std::string bytes_of(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}
// 1, 2, 3, ... in float32.
std::string counting(std::size_t count);

std::shared_ptr<const Buffer> buffer_of(const std::string& bytes);
Weights parse_text(const std::string& bytes);
// The line of the Error of parsing, or of loading what was parsed, which must be malformed and of a model.
std::string complaint(const std::string& bytes);
// Loaded.
Tensor tensor_of(const Weights& weights, std::string_view name);
std::vector<std::string> names_of(const Weights& weights);

}  // namespace resnet::torch::test
