#include "formats/onnx/identify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>

namespace resnet::onnx {

std::string identify(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("version https://git-lfs")) {
    return "is a Git LFS pointer, not the model itself: fetch it with 'git lfs pull'";
  }
  std::string_view text = head;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  std::string lower(text.substr(0, 16));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<head")) {
    return "is a web page, not a model: the download saved a page in its place";
  }
  if (lower.starts_with("<?xml")) return "is an XML file, not an ONNX model";
  if (head.starts_with("\xff\xd8\xff")) return "is a JPEG picture, not a model";
  if (head.starts_with("\x89PNG")) return "is a PNG picture, not a model";
  if (head.starts_with("GIF8")) return "is a GIF picture, not a model";
  if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP") return "is a WebP picture, not a model";
  if (head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv)) return "is a TIFF picture, not a model";
  if (head.starts_with("PK\x03\x04")) return "is a zip archive (a PyTorch checkpoint?), expected an ONNX model";
  if (head.starts_with("\x89HDF")) return "is an HDF5 file (a Keras model?), expected an ONNX model";
  if (head.starts_with("\x80\x02") || head.starts_with("\x80\x04")) {
    return "is a Python pickle (a PyTorch checkpoint?), expected an ONNX model";
  }
  if (head.size() >= 8 && head.substr(4, 4) == "TFL3") return "is a TensorFlow Lite model, expected an ONNX model";
  if (head.starts_with("\x1f\x8b")) return "is gzip-compressed: unpack it first";
  if (head.starts_with("\x93NUMPY")) return "is a NumPy array, not a model";
  return "";
}

namespace {

// Protobuf's wire format, as far as the fields of one message.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t left() const { return bytes_.size() - at_; }

  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<std::uint64_t>(bytes_[at_++]);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  // False where that many bytes are not there.
  bool skip(std::uint64_t count) {
    if (count > left()) return false;
    at_ += static_cast<std::size_t>(count);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

struct Field {
  std::uint64_t number, wire_type;
  const char* name;
};
constexpr std::uint64_t wire_varint = 0, wire_length = 2;
// Of ModelProto.
constexpr Field model_fields[] = {
    {1, wire_varint, "IR version"},     {2, wire_length, "producer's name"}, {3, wire_length, "producer's version"},
    {4, wire_length, "domain"},         {5, wire_varint, "model version"},   {6, wire_length, "doc string"},
    {7, wire_length, "graph"},          {8, wire_length, "opset import"},    {14, wire_length, "metadata"},
    {20, wire_length, "training info"}, {25, wire_length, "functions"},
};

}  // namespace

std::string diagnose(std::span<const std::byte> bytes) {
  Fields fields(bytes);
  bool begins_as_model = false;  // at least one field that a model has
  while (!fields.at_end()) {
    const auto tag = fields.varint();
    if (!tag) break;
    const auto known = std::find_if(std::begin(model_fields), std::end(model_fields),
                                    [&](const Field& field) { return field.number == *tag >> 3; });
    if (known == std::end(model_fields) || known->wire_type != (*tag & 7)) {
      if (!begins_as_model) return "is not an ONNX model";
      break;
    }
    if (known->wire_type == wire_varint) {
      if (!fields.varint()) break;
    } else {
      const auto length = fields.varint();
      if (!length) break;
      const std::size_t left = fields.left();
      if (!fields.skip(*length)) {
        // A text may begin with a byte that looks like a field.
        if (!begins_as_model && known->number != 7) return "is not an ONNX model";
        return fmt::format("is truncated: its {} has {} bytes, but the file ends after {} of them", known->name, *length, left);
      }
    }
    begins_as_model = true;
  }
  return begins_as_model ? "is damaged: it begins as an ONNX model does, but cannot be parsed" : "is not an ONNX model";
}

}  // namespace resnet::onnx
