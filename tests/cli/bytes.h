// Files for the program, made byte by byte, so that they can be as broken as a test wants them: ONNX models and PNG pictures.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::test {

// A protobuf message as it is in a file: fields in the order in which they are added.
class Message {
 public:
  Message& number(std::uint32_t field, std::int64_t value);
  Message& text(std::uint32_t field, std::string_view bytes);
  Message& message(std::uint32_t field, const Message& inner) { return text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

// Parts of an ONNX file, by the field numbers of onnx.proto.
Message ints_attribute(std::string_view name, const std::vector<std::int64_t>& values);
Message int_attribute(std::string_view name, std::int64_t value);
Message node(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
             std::string_view name = "", const std::vector<Message>& attributes = {}, std::string_view domain = "");
// Float data; as many values as given, whatever the dims say.
Message tensor(std::string_view name, const std::vector<std::int64_t>& dims, const std::vector<float>& values);
// A float input or output; a dimension of 0 is the symbol "N".
Message value(std::string_view name, const std::vector<std::int64_t>& dims);

struct OnnxGraph {
  std::vector<Message> nodes, initializers, inputs, outputs;
};
// The file's bytes, opset 17.
std::string onnx_file(const OnnxGraph& graph);

// A classifier whose logits are easily told: input Nx3xSIZExSIZE, the mean of each channel, then rows of weights (one per class,
// three channels) plus the biases.
OnnxGraph mean_classifier(int size, const std::vector<std::array<float, 3>>& weights, const std::vector<float>& biases);

// A PNG of one colour, RGB.
std::string png(std::uint32_t width, std::uint32_t height, std::array<std::uint8_t, 3> color);

// A .npy file of floats.
std::string npy(const std::vector<std::int64_t>& shape, const std::vector<float>& values);

}  // namespace resnet::test
