#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/safetensors/element_type.h"
#include "formats/safetensors/json_reader.h"
#include "formats/safetensors/messages.h"
#include "formats/safetensors/safetensors.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

static_assert(std::endian::native == std::endian::little, "elements are used as they are in the file");

namespace resnet::safetensors {

namespace {

constexpr std::size_t length_bytes = 8;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

// An entry of the header; its data is from `begin` to `end`, in bytes from the end of the header.
struct Entry {
  std::string name;
  ElementType type{};
  Shape shape{};
  std::uint64_t begin = 0, end = 0;
};

struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

std::string_view header_text(std::string_view file) {
  if (file.empty()) refuse("is empty, expected a safetensors file");
  if (file.size() < length_bytes) refuse(fmt::format("is not a safetensors file: {} bytes, expected 8 or more", file.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), length_bytes);
  const std::string_view rest = file.substr(length_bytes);
  if (length > most_header_bytes || (!rest.empty() && rest[0] != '{')) {
    refuse(fmt::format(
        "is not a safetensors file: it begins with {}, expected the length of a header of at most {} bytes and a '{{'",
        in_quotes(file.substr(0, length_bytes + 1)), most_header_bytes));
  }
  if (length > rest.size())
    refuse(fmt::format("is cut short: {} bytes after the header's length, expected {}", rest.size(), length));
  if (length == 0) refuse("the header is empty, expected '{'");
  return rest.substr(0, length);
}

ElementType read_type(JsonReader& json) {
  const std::string name = json.string(most_name_bytes);
  const auto type = find_element_type(name);
  if (!type) refuse(fmt::format("dtype is {}, expected one of {}", in_quotes(name), names_of_element_types()));
  if (!type->dtype) {
    refuse(
        fmt::format("has elements of type {}, which is not supported; expected one of {}", type->name, names_of_element_types()));
  }
  return *type;
}

Shape read_shape(JsonReader& json) {
  std::vector<std::int64_t> dims;
  json.array([&] {
    const std::uint64_t dim = json.size();
    if (dim > std::numeric_limits<std::int64_t>::max()) refuse(fmt::format("dimension {} does not fit into 63 bits", dim));
    if (dims.size() == most_dims) refuse(fmt::format("has more than {} dimensions", most_dims));
    dims.push_back(static_cast<std::int64_t>(dim));
  });
  return Shape(std::move(dims));
}

std::pair<std::uint64_t, std::uint64_t> read_offsets(JsonReader& json) {
  std::array<std::uint64_t, 2> offsets = {};
  std::size_t count = 0;
  json.array([&] {
    if (count == offsets.size()) refuse("data_offsets has more than two numbers");
    offsets[count++] = json.size();
  });
  if (count != offsets.size()) refuse(fmt::format("data_offsets has {} numbers, expected two", count));
  if (offsets[0] > offsets[1]) refuse(fmt::format("data_offsets [{}, {}] end before they begin", offsets[0], offsets[1]));
  return {offsets[0], offsets[1]};
}

void read_entry(JsonReader& json, Entry& entry) {
  bool has_type = false, has_shape = false, has_offsets = false;
  const auto once = [](bool& has, std::string_view key) {
    if (std::exchange(has, true)) refuse(fmt::format("has '{}' twice", key));
  };
  json.object(most_name_bytes, [&](const std::string& key) {
    if (key == "dtype") {
      once(has_type, key);
      entry.type = read_type(json);
    } else if (key == "shape") {
      once(has_shape, key);
      entry.shape = read_shape(json);
    } else if (key == "data_offsets") {
      once(has_offsets, key);
      std::tie(entry.begin, entry.end) = read_offsets(json);
    } else {
      json.skip();
    }
  });
  for (const auto& [has, key] :
       {std::pair(has_type, "dtype"), std::pair(has_shape, "shape"), std::pair(has_offsets, "data_offsets")}) {
    if (!has) refuse(fmt::format("has no '{}'", key));
  }
}

void read_metadata(JsonReader& json, std::map<std::string, std::string>& metadata) {
  json.object(most_name_bytes, [&](std::string key) {
    if (metadata.size() == most_tensors) refuse(fmt::format("its __metadata__ has more than {} entries", most_tensors));
    if (json.peek() != '"') refuse(fmt::format("its __metadata__ has something other than text for {}", in_quotes(key)));
    std::string value = json.string(most_header_bytes);
    const auto [at, is_new] = metadata.emplace(std::move(key), std::move(value));
    if (!is_new) refuse(fmt::format("its __metadata__ has {} twice", in_quotes(at->first)));
  });
}

Header read_header(std::string_view text) {
  JsonReader json(text, "the header", length_bytes);
  Header header;
  bool has_metadata = false;
  json.object(most_name_bytes, [&](std::string name) {
    if (name == "__metadata__") {
      if (std::exchange(has_metadata, true)) refuse("has '__metadata__' twice");
      read_metadata(json, header.metadata);
      return;
    }
    if (header.entries.size() == most_tensors) refuse(fmt::format("has more than {} tensors", most_tensors));
    Entry& entry = header.entries.emplace_back();
    entry.name = std::move(name);
    try {
      read_entry(json, entry);
    } catch (Error& error) {
      error.in(tensor_frame(entry.name));
      throw;
    }
  });
  json.finish();
  return header;
}

void check_names(const std::vector<Entry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) refuse(fmt::format("has the tensor {} twice", in_quotes(*twice)));
}

void check_size(const Entry& entry) {
  const auto bytes =
      checked_multiply(static_cast<std::uint64_t>(entry.shape.elements()), std::uint64_t{size_of(*entry.type.dtype)});
  if (!bytes) refuse(fmt::format("{} of {} has more bytes than fit into 64 bits", entry.type.name, entry.shape.to_string()));
  if (*bytes != entry.end - entry.begin) {
    refuse(fmt::format("its data has {} bytes, expected {} for {} of {}", entry.end - entry.begin, *bytes, entry.type.name,
                       entry.shape.to_string()));
  }
}

// Every byte of the data is one tensor's. Sorts the entries by their data.
void check_layout(std::vector<Entry>& entries, std::uint64_t data_size) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t next = 0;
  for (const Entry& entry : entries) {
    try {
      if (entry.begin != next) {
        refuse(fmt::format("its data begins at byte {}, expected {}: {}", entry.begin, next,
                           entry.begin < next ? "it overlaps the data before it" : "the bytes before it belong to no tensor"));
      }
      check_size(entry);
    } catch (Error& error) {
      error.in(tensor_frame(entry.name));
      throw;
    }
    next = entry.end;
  }
  if (next > data_size) refuse(fmt::format("is cut short: {} bytes of data, expected {}", data_size, next));
  if (next < data_size) refuse(fmt::format("has {} bytes after the data of its tensors, expected none", data_size - next));
}

// `bytes` of any alignment.
template <typename Stored>
Tensor to_float32(const Shape& shape, std::span<const std::byte> bytes) {
  Tensor tensor = Tensor::allocate(DType::float32, shape);
  const std::byte* from = bytes.data();
  for (float& value : tensor.mutable_data<float>()) {
    Stored stored;
    std::memcpy(&stored, from, sizeof stored);
    from += sizeof stored;
    value = static_cast<float>(stored);
  }
  return tensor;
}

// What the elements become: networks are computed in float32.
DType loaded_type(DType stored) {
  const bool becomes_float = stored == DType::float16 || stored == DType::bfloat16 || stored == DType::float64;
  return becomes_float ? DType::float32 : stored;
}

class Stored : public StoredTensor::Source {
 public:
  Stored(const Entry& entry, FileBytes data, std::string name, std::string file)
      : dtype_(*entry.type.dtype), shape_(entry.shape), data_(std::move(data)), name_(std::move(name)), file_(std::move(file)) {}

  Tensor load() override {
    try {
      return read();
    } catch (Error& error) {
      error.in(tensor_frame(name_));
      error.in(Frame::file(Role::model, file_));
      throw;
    }
  }

 private:
  Tensor read() const {
    if (loaded_type(dtype_) == dtype_) return as_it_is();
    const std::shared_ptr<const Buffer> buffer = data_.view(0, data_.bytes().size());
    if (dtype_ == DType::float16) return to_float32<Float16>(shape_, buffer->bytes());
    if (dtype_ == DType::bfloat16) return to_float32<BFloat16>(shape_, buffer->bytes());
    return to_float32<double>(shape_, buffer->bytes());
  }
  Tensor as_it_is() const {
    const std::uint64_t size = data_.bytes().size();
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(data_.bytes().data()) % size_of(dtype_) == 0;
    if (dtype_ != DType::boolean && is_aligned) return {dtype_, shape_, data_.view(0, size)};
    Tensor tensor = Tensor::allocate(dtype_, shape_);
    data_.copy(0, tensor.mutable_bytes());
    if (dtype_ == DType::boolean) {
      for (std::byte& value : tensor.mutable_bytes()) value = value == std::byte{0} ? std::byte{0} : std::byte{1};
    }
    return tensor;
  }

  DType dtype_;
  Shape shape_;
  FileBytes data_;
  std::string name_, file_;
};

Weights parse_file(const FileBytes& file, const std::string& name) {
  const std::string_view text = header_text(file.text());
  const std::uint64_t begin = length_bytes + text.size();
  Header header = read_header(text);
  check_names(header.entries);
  check_layout(header.entries, file.bytes().size() - begin);
  Weights weights;
  weights.format = "safetensors";
  weights.metadata = std::move(header.metadata);
  weights.tensors.reserve(header.entries.size());
  for (Entry& entry : header.entries) {
    FileBytes data = file.part(begin + entry.begin, entry.end - entry.begin);
    auto stored = std::make_shared<Stored>(entry, std::move(data), entry.name, name);
    weights.tensors.push_back({std::move(entry.name), {loaded_type(*entry.type.dtype), entry.shape, std::move(stored)}});
  }
  return weights;
}

}  // namespace

Weights parse(FileBytes file, const std::string& name) {
  try {
    return parse_file(file, name);
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
}

Weights read(const std::filesystem::path& file) { return parse(FileBytes::map(file), file.string()); }

}  // namespace resnet::safetensors
