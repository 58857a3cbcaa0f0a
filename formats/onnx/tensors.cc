#include "formats/onnx/tensors.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::onnx {

using ::onnx::TensorProto;

namespace {

std::optional<DType> find_dtype(std::int32_t type) {
  switch (type) {
    case TensorProto::FLOAT: return DType::float32;
    case TensorProto::DOUBLE: return DType::float64;
    case TensorProto::FLOAT16: return DType::float16;
    case TensorProto::BFLOAT16: return DType::bfloat16;
    case TensorProto::INT8: return DType::int8;
    case TensorProto::INT16: return DType::int16;
    case TensorProto::INT32: return DType::int32;
    case TensorProto::INT64: return DType::int64;
    case TensorProto::UINT8: return DType::uint8;
    case TensorProto::UINT16: return DType::uint16;
    case TensorProto::UINT32: return DType::uint32;
    case TensorProto::UINT64: return DType::uint64;
    case TensorProto::BOOL: return DType::boolean;
  }
  return std::nullopt;
}

[[noreturn]] void wrong_count(std::size_t found, const char* unit, std::size_t expected, DType dtype, const Shape& shape) {
  throw Error(Fault::malformed,
              fmt::format("{} {} of data, expected {} for {} {}", found, unit, expected, name_of(dtype), shape.to_string()));
}

template <typename T, typename List>
Tensor from_list(DType dtype, Shape shape, const List& list) {
  const auto count = static_cast<std::size_t>(shape.elements());
  if (static_cast<std::size_t>(list.size()) != count)
    wrong_count(static_cast<std::size_t>(list.size()), "elements", count, dtype, shape);
  Tensor tensor = Tensor::allocate(dtype, std::move(shape));
  const auto target = tensor.mutable_data<T>();
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = list[static_cast<int>(i)];
    if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      target[i].bits = static_cast<std::uint16_t>(value);
    } else if constexpr (std::is_same_v<T, bool>) {
      target[i] = value != 0;
    } else {
      target[i] = static_cast<T>(value);
    }
  }
  return tensor;
}

// A file may hold any byte where C++ knows only 0 and 1.
void normalize_booleans(Tensor& tensor) {
  if (tensor.dtype() != DType::boolean) return;
  for (std::byte& byte : tensor.mutable_bytes()) byte = byte == std::byte{0} ? std::byte{0} : std::byte{1};
}

std::int64_t offset_entry(const std::string& key, const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw Error(Fault::malformed, fmt::format("external data's {} is '{}', expected a number of bytes", key, text));
  }
  return number;
}

bool is_inside(const std::filesystem::path& file, const std::filesystem::path& folder) {
  if (folder.empty()) return false;
  const auto relative = file.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// The model's file is the one that an error names, of which this one is a part.
std::shared_ptr<const Buffer> map_part(const std::filesystem::path& file) {
  try {
    return Buffer::map_file(file);
  } catch (const Error& error) {
    throw Error(error.fault(), error.what());
  }
}

// The file that a model names by `location`: beside the model, or beside the file that the model's name is a link to. A link is
// followed where it leads into one of these two folders: so a Hugging Face cache is built.
std::shared_ptr<const Buffer> open_external(const std::filesystem::path& location, ExternalFiles& external) {
  namespace fs = std::filesystem;
  const fs::path beside = external.folder.empty() ? fs::path(".") : external.folder;
  std::error_code failed;
  const fs::path root = fs::canonical(beside, failed);
  for (const fs::path& folder : {beside, external.target_folder}) {
    if (folder.empty()) continue;
    const fs::path full = folder / location;
    const fs::path resolved = fs::canonical(full, failed);
    if (failed == std::errc::no_such_file_or_directory) continue;
    if (failed) {
      throw Error(Fault::malformed, fmt::format("external data '{}' cannot be opened: {}", location.string(), failed.message()));
    }
    if (!is_inside(resolved, root) && !is_inside(resolved, external.target_folder)) {
      throw Error(Fault::malformed, fmt::format("external data '{}' is a link out of the model's folder", location.string()));
    }
    auto file = map_part(resolved);
    external.found.push_back(folder == beside ? location.string() : full.string());
    return file;
  }
  throw Error(Fault::malformed, fmt::format("{} is missing: it belongs beside {} (PyTorch writes two files)", location.string(),
                                            external.model.empty() ? "the model" : external.model));
}

Tensor from_external(const TensorProto& proto, DType dtype, Shape shape, std::size_t size, ExternalFiles* external) {
  std::string location;
  std::int64_t offset = 0;
  std::optional<std::int64_t> length;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = offset_entry("offset", entry.value());
    if (entry.key() == "length") length = offset_entry("length", entry.value());
  }
  if (external == nullptr || location.empty()) throw Error(Fault::malformed, "external data without a location");
  if (location.find('\0') != std::string::npos) {
    throw Error(Fault::malformed, fmt::format("external data is in a name with a NUL: '{}'", location.c_str()));
  }
  // "./data.bin" and "data.bin" are one file; ".." is refused before it could cancel a folder that is a link.
  const std::filesystem::path path(location);
  bool climbs = path.is_absolute();
  for (const auto& part : path) climbs = climbs || part == "..";
  if (climbs) {
    throw Error(Fault::malformed, fmt::format("external data is in '{}', expected a path inside the model's folder", location));
  }
  const std::filesystem::path normal = path.lexically_normal();
  auto& file = external->mapped[normal.string()];
  if (!file) file = open_external(normal, *external);
  const auto bytes = file->bytes();
  const auto start = static_cast<std::size_t>(offset);
  if (length && static_cast<std::size_t>(*length) != size)
    wrong_count(static_cast<std::size_t>(*length), "bytes", size, dtype, shape);
  if (start > bytes.size() || size > bytes.size() - start) {
    throw Error(Fault::malformed,
                fmt::format("external data '{}' has {} bytes, expected {} at offset {}", location, bytes.size(), size, start));
  }
  Tensor tensor = Tensor::allocate(dtype, std::move(shape));
  if (size > 0) std::memcpy(tensor.mutable_bytes().data(), bytes.data() + start, size);
  normalize_booleans(tensor);
  return tensor;
}

}  // namespace

ExternalFiles external_files_of(const std::filesystem::path& model) {
  namespace fs = std::filesystem;
  ExternalFiles files{.folder = model.parent_path(), .target_folder = {}, .model = model.filename().string()};
  std::error_code failed;
  const fs::path target = fs::canonical(model, failed);
  if (failed) return files;
  const fs::path folder = fs::canonical(files.folder.empty() ? fs::path(".") : files.folder, failed);
  if (!failed && target.parent_path() != folder) files.target_folder = target.parent_path();
  return files;
}

bool is_known_dtype(std::int32_t type) { return find_dtype(type).has_value(); }

DType import_dtype(std::int32_t type) {
  if (const auto dtype = find_dtype(type)) return *dtype;
  const std::string name = TensorProto::DataType_IsValid(type)
                               ? TensorProto::DataType_Name(static_cast<TensorProto::DataType>(type))
                               : fmt::format("number {}", type);
  throw Error(Fault::unsupported, fmt::format("element type {} cannot be read", name));
}

std::int32_t export_dtype(DType dtype) {
  switch (dtype) {
    case DType::float32: return TensorProto::FLOAT;
    case DType::float64: return TensorProto::DOUBLE;
    case DType::float16: return TensorProto::FLOAT16;
    case DType::bfloat16: return TensorProto::BFLOAT16;
    case DType::int8: return TensorProto::INT8;
    case DType::int16: return TensorProto::INT16;
    case DType::int32: return TensorProto::INT32;
    case DType::int64: return TensorProto::INT64;
    case DType::uint8: return TensorProto::UINT8;
    case DType::uint16: return TensorProto::UINT16;
    case DType::uint32: return TensorProto::UINT32;
    case DType::uint64: return TensorProto::UINT64;
    case DType::boolean: return TensorProto::BOOL;
  }
  __builtin_unreachable();
}

Tensor import_tensor(const TensorProto& proto, ExternalFiles* external) {
  const DType dtype = import_dtype(proto.data_type());
  Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  const auto checked_size = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(dtype));
  if (!checked_size) throw Error(Fault::malformed, fmt::format("shape {} does not fit into memory", shape.to_string()));
  const std::size_t size = *checked_size;
  if (proto.has_segment()) throw Error(Fault::unsupported, "a tensor in segments cannot be read");
  if (proto.data_location() == TensorProto::EXTERNAL) return from_external(proto, dtype, std::move(shape), size, external);
  if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (raw.size() != size) wrong_count(raw.size(), "bytes", size, dtype, shape);
    Tensor tensor = Tensor::allocate(dtype, std::move(shape));
    if (size > 0) std::memcpy(tensor.mutable_bytes().data(), raw.data(), size);
    normalize_booleans(tensor);
    return tensor;
  }
  switch (dtype) {
    case DType::float32: return from_list<float>(dtype, std::move(shape), proto.float_data());
    case DType::float64: return from_list<double>(dtype, std::move(shape), proto.double_data());
    case DType::float16: return from_list<Float16>(dtype, std::move(shape), proto.int32_data());
    case DType::bfloat16: return from_list<BFloat16>(dtype, std::move(shape), proto.int32_data());
    case DType::int8: return from_list<std::int8_t>(dtype, std::move(shape), proto.int32_data());
    case DType::int16: return from_list<std::int16_t>(dtype, std::move(shape), proto.int32_data());
    case DType::int32: return from_list<std::int32_t>(dtype, std::move(shape), proto.int32_data());
    case DType::int64: return from_list<std::int64_t>(dtype, std::move(shape), proto.int64_data());
    case DType::uint8: return from_list<std::uint8_t>(dtype, std::move(shape), proto.int32_data());
    case DType::uint16: return from_list<std::uint16_t>(dtype, std::move(shape), proto.int32_data());
    case DType::uint32: return from_list<std::uint32_t>(dtype, std::move(shape), proto.uint64_data());
    case DType::uint64: return from_list<std::uint64_t>(dtype, std::move(shape), proto.uint64_data());
    case DType::boolean: return from_list<bool>(dtype, std::move(shape), proto.int32_data());
  }
  __builtin_unreachable();
}

Tensor import_sparse(const ::onnx::SparseTensorProto& proto, ExternalFiles* external) {
  const Tensor values = import_tensor(proto.values(), external), places = import_tensor(proto.indices(), external);
  const Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  const std::int64_t count = values.elements();
  const bool by_coordinates = places.shape().rank() == 2;
  const bool fits =
      by_coordinates ? places.shape() == Shape{count, static_cast<std::int64_t>(shape.rank())} : places.shape() == Shape{count};
  if (values.shape().rank() != 1 || places.dtype() != DType::int64 || !fits) {
    throw Error(Fault::malformed, fmt::format("a sparse tensor of {} values at {} {} places", values.shape().to_string(),
                                              name_of(places.dtype()), places.shape().to_string()));
  }
  // A few bytes may not ask for gigabytes.
  constexpr std::size_t always = std::size_t{64} << 20, times = 256;
  const auto bytes = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(values.dtype()));
  if (!bytes || *bytes > std::max(always, times * (values.size_bytes() + places.size_bytes())))
    throw Error(Fault::unsupported,
                fmt::format("a sparse tensor of {} values for {} cannot be made dense", count, shape.to_string()));
  Tensor dense = Tensor::allocate(values.dtype(), shape);
  const auto target = dense.mutable_bytes();
  std::fill(target.begin(), target.end(), std::byte{0});
  const auto place = places.data<std::int64_t>();
  const std::size_t size = size_of(values.dtype()), per_place = by_coordinates ? shape.rank() : 1;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    std::int64_t at = by_coordinates ? 0 : place[i];
    bool inside = by_coordinates || (at >= 0 && at < shape.elements());
    for (std::size_t axis = 0; by_coordinates && axis < shape.rank(); ++axis) {
      const std::int64_t coordinate = place[i * per_place + axis];
      inside = inside && coordinate >= 0 && coordinate < shape[axis];
      at = at * shape[axis] + (inside ? coordinate : 0);
    }
    if (!inside)
      throw Error(Fault::malformed, fmt::format("place {} of a sparse tensor lies outside of {}", i, shape.to_string()));
    std::memcpy(target.data() + static_cast<std::size_t>(at) * size, values.bytes().data() + i * size, size);
  }
  return dense;
}

void export_tensor(const Tensor& tensor, const std::string& name, TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(export_dtype(tensor.dtype()));
  for (const std::int64_t dim : tensor.shape().dims()) proto.add_dims(dim);
  proto.set_raw_data(tensor.bytes().data(), tensor.size_bytes());
}

}  // namespace resnet::onnx
