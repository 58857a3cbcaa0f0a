#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <ostream>
#include <string_view>
#include <vector>

#include "formats/safetensors/element_type.h"
#include "formats/safetensors/messages.h"
#include "formats/safetensors/safetensors.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::safetensors {

namespace {

void append_text(std::string& out, std::string_view text) {
  if (!table::is_utf8(text))
    throw Error(Fault::unsupported, fmt::format("{} is not UTF-8 text, which safetensors demands", in_quotes(text)));
  constexpr std::string_view escaped = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    if (const std::size_t i = escaped.find(c); i != escaped.npos) {
      out += '\\';
      out += letters[i];
    } else if (static_cast<std::uint8_t>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

// What a file consists of: its header with the length before it, and the tensors in their order after it.
struct Layout {
  std::string header;
  std::vector<const NamedTensor*> tensors;
};

std::vector<const NamedTensor*> in_order(const Weights& weights) {
  std::vector<const NamedTensor*> tensors;
  tensors.reserve(weights.tensors.size());
  for (const NamedTensor& named : weights.tensors) tensors.push_back(&named);
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const std::size_t x = element_type_of(a->tensor.dtype()).order, y = element_type_of(b->tensor.dtype()).order;
    return x != y ? x > y : a->name < b->name;
  });
  return tensors;
}

Layout lay_out(const Weights& weights) {
  Layout layout{"{", in_order(weights)};
  std::string& text = layout.header;
  if (!weights.metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : weights.metadata) {
      if (text.back() != '{') text += ',';
      append_text(text, key);
      text += ':';
      append_text(text, value);
    }
    text += '}';
  }
  std::size_t offset = 0;
  for (const NamedTensor* named : layout.tensors) {
    if (named->name == "__metadata__")
      throw Error(Fault::unsupported, "a tensor cannot have the name '__metadata__' in safetensors");
    if (text.size() > 1) text += ',';
    append_text(text, named->name);
    const StoredTensor& tensor = named->tensor;
    text += fmt::format(":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", element_type_of(tensor.dtype()).name,
                        fmt::join(tensor.shape().dims(), ","), offset, offset + tensor.size_bytes());
    offset += tensor.size_bytes();
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > most_header_bytes)
    throw Error(Fault::unsupported,
                fmt::format("needs a header of {} bytes, safetensors allows {}", text.size(), most_header_bytes));
  const std::uint64_t length = text.size();
  std::string before(sizeof length, '\0');
  std::memcpy(before.data(), &length, sizeof length);
  text.insert(0, before);
  return layout;
}

std::string_view text_of(const Tensor& tensor) {
  assert(!tensor.is_released());
  const auto bytes = tensor.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string to_bytes(const Weights& weights) {
  const Layout layout = lay_out(weights);
  std::string result = layout.header;
  for (const NamedTensor* named : layout.tensors) {
    const Tensor tensor = named->tensor.load();
    result += text_of(tensor);
  }
  return result;
}

void write(const Weights& weights, const std::filesystem::path& file) {
  try {
    const Layout layout = lay_out(weights);
    AtomicFile output(file);
    output.stream() << layout.header;
    for (const NamedTensor* named : layout.tensors) {
      const Tensor tensor = named->tensor.load();
      output.stream() << text_of(tensor);
    }
    output.commit();
  } catch (Error& error) {
    error.in(Frame::file(Role::output, file.string()));
    throw;
  }
}

}  // namespace resnet::safetensors
