#include "tests/cli/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace resnet::test {

namespace {

std::string floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  return big_endian(static_cast<std::uint32_t>(data.size())) + type + data + big_endian(crc32(type + data));
}

// zlib's format with blocks that are not compressed.
std::string stored(const std::string& data) {
  std::string result = "\x78\x01";
  std::uint32_t a = 1, b = 0;
  for (const char c : data) {
    a = (a + static_cast<std::uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  for (std::size_t begin = 0; begin < data.size(); begin += 65535) {
    const std::size_t length = std::min<std::size_t>(65535, data.size() - begin);
    result += begin + length == data.size() ? '\1' : '\0';
    for (const std::size_t number : {length, ~length}) {
      result += static_cast<char>(number & 0xff);
      result += static_cast<char>(number >> 8 & 0xff);
    }
    result += data.substr(begin, length);
  }
  return result + big_endian(b << 16 | a);
}

}  // namespace

void Message::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
  bytes_ += static_cast<char>(value);
}

Message& Message::number(std::uint32_t field, std::int64_t value) {
  varint(field << 3);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

Message& Message::text(std::uint32_t field, std::string_view bytes) {
  varint(field << 3 | 2);
  varint(bytes.size());
  bytes_ += bytes;
  return *this;
}

Message ints_attribute(std::string_view name, const std::vector<std::int64_t>& values) {
  Message attribute;
  attribute.text(1, name);
  for (const std::int64_t v : values) attribute.number(8, v);
  return attribute.number(20, 7);
}

Message int_attribute(std::string_view name, std::int64_t value) {
  return Message().text(1, name).number(3, value).number(20, 2);
}

Message node(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
             std::string_view name, const std::vector<Message>& attributes, std::string_view domain) {
  Message result;
  for (const std::string& input : inputs) result.text(1, input);
  for (const std::string& output : outputs) result.text(2, output);
  if (!name.empty()) result.text(3, name);
  result.text(4, op);
  for (const Message& attribute : attributes) result.message(5, attribute);
  if (!domain.empty()) result.text(7, domain);
  return result;
}

Message tensor(std::string_view name, const std::vector<std::int64_t>& dims, const std::vector<float>& values) {
  Message result;
  for (const std::int64_t dim : dims) result.number(1, dim);
  return result.number(2, 1).text(8, name).text(9, floats(values));
}

Message value(std::string_view name, const std::vector<std::int64_t>& dims) {
  Message shape;
  for (const std::int64_t dim : dims) {
    Message entry;
    shape.message(1, dim == 0 ? entry.text(2, "N") : entry.number(1, dim));
  }
  const Message type = Message().message(1, Message().number(1, 1).message(2, shape));
  return Message().text(1, name).message(2, type);
}

std::string onnx_file(const OnnxGraph& graph) {
  Message proto;
  for (const Message& entry : graph.nodes) proto.message(1, entry);
  proto.text(2, "test");
  for (const Message& entry : graph.initializers) proto.message(5, entry);
  for (const Message& entry : graph.inputs) proto.message(11, entry);
  for (const Message& entry : graph.outputs) proto.message(12, entry);
  return Message().number(1, 8).text(2, "test").message(7, proto).message(8, Message().text(1, "").number(2, 17)).bytes();
}

OnnxGraph mean_classifier(int size, const std::vector<std::array<float, 3>>& weights, const std::vector<float>& biases) {
  const auto classes = static_cast<std::int64_t>(weights.size());
  std::vector<float> values;
  for (const auto& row : weights) values.insert(values.end(), row.begin(), row.end());
  OnnxGraph graph;
  graph.nodes = {node("GlobalAveragePool", {"image"}, {"mean"}, "pool"), node("Flatten", {"mean"}, {"flat"}, "flatten"),
                 node("Gemm", {"flat", "weight", "bias"}, {"logits"}, "fc", {int_attribute("transB", 1)})};
  graph.initializers = {tensor("weight", {classes, 3}, values), tensor("bias", {classes}, biases)};
  graph.inputs = {value("image", {0, 3, size, size})};
  graph.outputs = {value("logits", {0, classes})};
  return graph;
}

std::string png(std::uint32_t width, std::uint32_t height, std::array<std::uint8_t, 3> color) {
  std::string rows;
  for (std::uint32_t y = 0; y < height; ++y) {
    rows += '\0';
    for (std::uint32_t x = 0; x < width; ++x) {
      for (const std::uint8_t level : color) rows += static_cast<char>(level);
    }
  }
  const std::string header = big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + png_chunk("IDAT", stored(rows)) + png_chunk("IEND", "");
}

std::string npy(const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  std::string dims;
  for (const std::int64_t dim : shape) dims += fmt::format("{}, ", dim);
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", dims);
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size() & 0xff) + static_cast<char>(header.size() >> 8) +
         header + floats(values);
}

}  // namespace resnet::test
