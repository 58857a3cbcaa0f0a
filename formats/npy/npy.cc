#include "formats/npy/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

namespace resnet::npy {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view magic = "\x93NUMPY"sv;
// NumPy pads the header so that the data starts at a multiple of this.
constexpr std::size_t header_alignment = 64;
// More dims than any array of ours has; NumPy itself stops at 64.
constexpr std::size_t max_rank = 64;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(Fault::malformed, Frame::file(Role::input, name), what);
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Reads the header, which is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        if (peek() == '[') refuse(name_, "holds records (a structured dtype), expected numbers");
        header.descr = string();
        has_descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        has_shape = true;
      } else {
        malformed(fmt::format("has the unknown key '{}'", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) malformed("continues after its closing brace");
    if (!has_descr || !has_order || !has_shape) {
      malformed(fmt::format("has no '{}'", !has_descr ? "descr" : (!has_order ? "fortran_order" : "shape")));
    }
    return header;
  }

 private:
  [[noreturn]] void malformed(const std::string& what) const { refuse(name_, "is a damaged .npy file: its header " + what); }

  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
  }
  // 0 at the end.
  char peek() {
    skip_space();
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed(fmt::format("has no '{}' at its byte {}", c, position_));
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed(fmt::format("has no string at its byte {}", position_));
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == text_.npos) malformed("has a string without an end");
    const std::string_view found = text_.substr(position_ + 1, end - position_ - 1);
    if (!std::all_of(found.begin(), found.end(), [](char c) { return c >= 32 && c < 127; }))
      malformed("has a string that is not ASCII");
    position_ = end + 1;
    return std::string(found);
  }
  bool boolean() {
    skip_space();
    const std::string_view rest = text_.substr(position_);
    for (const auto& [word, value] : {std::pair{"True"sv, true}, std::pair{"False"sv, false}}) {
      if (rest.starts_with(word)) {
        position_ += word.size();
        return value;
      }
    }
    malformed("has a fortran_order that is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t value = 0;
      const char* begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
      if (error != std::errc{} || value < 0) malformed("has a shape that is not a tuple of sizes");
      position_ += static_cast<std::size_t>(end - begin);
      accept('L');  // Python 2's long integers
      values.push_back(value);
      if (values.size() > max_rank) malformed(fmt::format("has more than {} dims", max_rank));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t position_ = 0;
};

struct ElementType {
  std::string_view kind;  // the descr without its byte order
  DType dtype;
};
constexpr ElementType element_types[] = {{"f4", DType::float32}, {"f8", DType::float64}, {"f2", DType::float16},
                                         {"i1", DType::int8},    {"i2", DType::int16},   {"i4", DType::int32},
                                         {"i8", DType::int64},   {"u1", DType::uint8},   {"u2", DType::uint16},
                                         {"u4", DType::uint32},  {"u8", DType::uint64},  {"b1", DType::boolean}};

std::optional<DType> find_dtype(std::string_view kind) {
  for (const ElementType& type : element_types) {
    if (type.kind == kind) return type.dtype;
  }
  return std::nullopt;
}

std::string_view kind_of(DType dtype) {
  for (const ElementType& type : element_types) {
    if (type.dtype == dtype) return type.kind;
  }
  return "f4";  // bfloat16
}

// `data` is column-major; the result is row-major. Dims without elements are the caller's.
void transpose(std::span<const std::byte> data, const Shape& shape, std::size_t size, std::span<std::byte> out) {
  std::vector<std::int64_t> index(shape.rank(), 0), strides(shape.rank());
  std::int64_t stride = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  std::int64_t from = 0;
  for (std::size_t to = 0; to < out.size(); to += size) {
    std::memcpy(out.data() + to, data.data() + static_cast<std::size_t>(from) * size, size);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

struct Located {
  std::string_view header;
  std::size_t data_offset;
};

Located locate(std::string_view text, const std::string& name) {
  if (text.empty()) refuse(name, "is empty");
  if (!text.starts_with(magic)) {
    if (text.starts_with("PK")) refuse(name, "is a .npz archive or another ZIP file, expected .npy");
    refuse(name, "is not a .npy file");
  }
  if (text.size() < magic.size() + 2) refuse(name, "is truncated: its header is not whole");
  const int major = static_cast<unsigned char>(text[magic.size()]);
  if (major < 1 || major > 3) refuse(name, fmt::format("has version {} of the .npy format, expected 1, 2 or 3", major));
  // The header's length: 2 bytes in version 1, 4 since.
  const std::size_t length_offset = magic.size() + 2, length_bytes = major == 1 ? 2 : 4;
  if (text.size() < length_offset + length_bytes) refuse(name, "is truncated: its header is not whole");
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    length |= std::size_t{static_cast<unsigned char>(text[length_offset + i])} << (8 * i);
  }
  const std::size_t start = length_offset + length_bytes;
  if (length > text.size() - start) {
    refuse(name, fmt::format("is truncated: its header has {} bytes, but only {} are there", length, text.size() - start));
  }
  return {text.substr(start, length), start + length};
}

}  // namespace

Tensor read(const std::filesystem::path& file) {
  const std::string text = read_file(file, Role::input);
  return parse(std::as_bytes(std::span(text)), file.string());
}

Tensor parse(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto [header_text, data_offset] = locate(text, name);
  const Header header = HeaderParser(header_text, name).parse();

  const std::string_view descr = header.descr;
  const bool has_order = !descr.empty() && "<>|="sv.find(descr[0]) != "<>|="sv.npos;
  const std::optional<DType> dtype = find_dtype(has_order ? descr.substr(1) : descr);
  if (!dtype) refuse(name, fmt::format("has elements of dtype '{}', expected numbers or booleans", descr));
  const std::size_t size = size_of(*dtype);
  const std::span<const std::byte> data = bytes.subspan(data_offset);

  // Checked before memory is taken: no more than the file holds.
  std::optional<std::int64_t> wanted = static_cast<std::int64_t>(size);
  const bool no_elements = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  for (const std::int64_t dim : header.shape) {
    if (wanted) wanted = no_elements ? 0 : checked_multiply(*wanted, dim);
  }
  const std::string dims = fmt::format("({})", fmt::join(header.shape, ", "));
  if (!wanted || static_cast<std::uint64_t>(*wanted) > data.size()) {
    refuse(name, fmt::format("is truncated: its shape {} needs {} bytes, but only {} are there", dims,
                             wanted ? std::to_string(*wanted) : "more than 2^63", data.size()));
  }
  if (static_cast<std::uint64_t>(*wanted) < data.size()) {
    refuse(name, fmt::format("has {} bytes after its array of shape {}, expected none",
                             data.size() - static_cast<std::uint64_t>(*wanted), dims));
  }

  try {
    Tensor tensor = Tensor::allocate(*dtype, Shape(header.shape));
    const std::span<std::byte> out = tensor.mutable_bytes();
    if (header.fortran_order && header.shape.size() > 1) {
      transpose(data, tensor.shape(), size, out);
    } else {
      std::copy(data.begin(), data.end(), out.begin());
    }
    if (has_order && descr[0] == '>') {
      for (std::size_t i = 0; i < out.size(); i += size) std::reverse(&out[i], &out[i] + size);
    }
    if (*dtype == DType::boolean) {
      for (std::byte& value : out) value = value == std::byte{0} ? std::byte{0} : std::byte{1};
    }
    return tensor;
  } catch (const Error& error) {
    refuse(name, error.problem());
  }
}

std::string header_of(DType dtype, const Shape& dims, std::size_t least) {
  const std::string_view kind = kind_of(dtype);
  std::string shape;
  for (const std::int64_t dim : dims.dims()) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", dim);
  if (dims.rank() == 1) shape += ',';
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", kind[1] == '1' ? '|' : '<', kind, shape);
  const std::size_t before = magic.size() + 4;
  const std::size_t whole =
      std::max(least, (before + header.size() + 1 + header_alignment - 1) / header_alignment * header_alignment);
  header.append(whole - before - header.size() - 1, ' ');
  header += '\n';
  std::string result(magic);
  result += '\1';
  result += '\0';
  result += static_cast<char>(header.size() & 0xff);
  result += static_cast<char>(header.size() >> 8);
  result += header;
  return result;
}

std::string to_bytes(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  std::string result = header_of(dtype, tensor.shape());
  const auto append = [&result](std::span<const std::byte> data) {
    result.append(reinterpret_cast<const char*>(data.data()), data.size());
  };
  if (dtype == DType::bfloat16) {
    const std::vector<float> values = tensor.values_as<float>();
    append(std::as_bytes(std::span(values)));
  } else {
    append(tensor.bytes());
  }
  return result;
}

void write(const std::filesystem::path& file, const Tensor& tensor) {
  AtomicFile out(file);
  const std::string bytes = to_bytes(tensor);
  out.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.commit();
}

}  // namespace resnet::npy
