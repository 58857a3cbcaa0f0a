#include "tests/formats/torch/compose.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "formats/torch/torch.h"
#include "lib/base/error.h"

namespace resnet::torch::test {

std::string little(std::uint64_t value, int bytes) {
  std::string result;
  for (int i = 0; i < bytes; ++i) result += static_cast<char>(value >> (8 * i) & 0xff);
  return result;
}

std::string text(std::string_view value) { return "X" + little(value.size(), 4) + std::string(value); }

std::string number(std::int64_t value) {
  if (value >= INT32_MIN && value <= INT32_MAX) return "J" + little(static_cast<std::uint64_t>(value), 4);
  return "\x8a\x08" + little(static_cast<std::uint64_t>(value), 8);
}

std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

std::string tuple(const std::vector<std::string>& items) {
  std::string result = "(";
  for (const std::string& item : items) result += item;
  return result + "t";
}

std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(number(value));
  return tuple(items);
}

std::string reduce(const std::string& callable, const std::vector<std::string>& arguments) {
  return callable + tuple(arguments) + "R";
}

std::string object(const std::string& type, const std::string& state) { return type + ")\x81" + state + "b"; }

namespace {

std::string set_items(const Pairs& pairs) {
  std::string result = "(";
  for (const auto& [key, value] : pairs) result += text(key) + value;
  return result + "u";
}

}  // namespace

std::string dict(const Pairs& pairs) { return "}" + set_items(pairs); }

std::string ordered_dict(const Pairs& pairs) { return reduce(global("collections", "OrderedDict"), {}) + set_items(pairs); }

std::string pickle(const std::string& value, int protocol) {
  return std::string("\x80") + static_cast<char>(protocol) + value + ".";
}

std::string storage(const View& view, bool legacy, const std::string& view_metadata) {
  std::vector<std::string> id = {text("storage"), global("torch", view.type), text(view.key), text("cpu"), number(view.elements)};
  if (legacy) id.push_back(view_metadata);
  return tuple(id) + "Q";
}

std::string tensor(const View& view, bool legacy) {
  return reduce(global("torch._utils", "_rebuild_tensor_v2"),
                {storage(view, legacy), number(view.offset), numbers(view.size), numbers(view.stride), "\x89", ordered_dict({})});
}

namespace {

std::string deflated(const std::string& data) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string zip(const std::vector<ZipEntry>& entries, const ZipOptions& options) {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const std::string data = entry.deflated ? deflated(entry.data) : entry.data;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(entry.data.data()), static_cast<uInt>(entry.data.size()));
    const std::size_t at = file.size();
    const std::string flags = little(options.descriptors ? 0x808 : 0x800, 2), method = little(entry.deflated ? 8 : 0, 2);
    const std::string sizes = little(crc, 4) + little(data.size(), 4) + little(entry.data.size(), 4);
    std::string extra;
    if (options.aligned) {
      const std::size_t pad = (128 - (at + 30 + entry.name.size() + 4) % 64) % 64;
      extra = "FB" + little(pad, 2) + std::string(pad, 'Z');
    }
    file += "PK\3\4" + little(20, 2) + flags + method + little(0, 4) + (options.descriptors ? std::string(12, '\0') : sizes) +
            little(entry.name.size(), 2) + little(extra.size(), 2) + entry.name + extra + data;
    if (options.descriptors) file += "PK\7\x08" + sizes;
    const std::string wide =
        options.wide_sizes ? little(1, 2) + little(24, 2) + little(entry.data.size(), 8) + little(data.size(), 8) + little(at, 8)
                           : "";
    const std::string saturated(4, '\xff');
    directory += "PK\1\2" + little(20, 2) + little(20, 2) + flags + method + little(0, 4) + little(crc, 4) +
                 (options.wide_sizes ? saturated + saturated : sizes.substr(4)) + little(entry.name.size(), 2) +
                 little(wide.size(), 2) + std::string(10, '\0') + (options.wide_sizes ? saturated : little(at, 4)) + entry.name +
                 wide;
  }
  const std::size_t begin = file.size();
  file += directory;
  if (options.zip64) {
    const std::size_t end = file.size();
    file += "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(entries.size(), 8) +
            little(entries.size(), 8) + little(directory.size(), 8) + little(begin, 8);
    file += "PK\6\7" + little(0, 4) + little(end, 8) + little(1, 4);
  }
  return file + "PK\5\6" + little(0, 4) + little(entries.size(), 2) + little(entries.size(), 2) + little(directory.size(), 4) +
         little(begin, 4) + little(0, 2);
}

std::string archive(const std::string& pickled, const std::vector<std::string>& storages, std::vector<ZipEntry> more) {
  std::vector<ZipEntry> entries = {{"archive/data.pkl", pickled}};
  for (std::size_t i = 0; i < storages.size(); ++i) entries.push_back({"archive/data/" + std::to_string(i), storages[i]});
  entries.push_back({"archive/version", "3\n"});
  entries.insert(entries.end(), more.begin(), more.end());
  return zip(entries);
}

std::string legacy(const std::string& value, const std::vector<std::string>& keys, const std::string& storages) {
  std::string list = "](";
  for (const std::string& key : keys) list += text(key);
  return std::string("\x80\2\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) + pickle("M\xe9\3") +
         pickle(dict({{"protocol_version", "M\xe9\3"}, {"little_endian", "\x88"}, {"type_sizes", "}"}})) + pickle(value) +
         pickle(list + "e") + storages;
}

std::string counting(std::size_t count) {
  std::string result;
  for (std::size_t i = 1; i <= count; ++i) result += bytes_of({static_cast<float>(i)});
  return result;
}

std::shared_ptr<const Buffer> buffer_of(const std::string& bytes) {
  const auto buffer = Buffer::allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer->mutable_bytes().data(), bytes.data(), bytes.size());
  return buffer;
}

Weights parse_text(const std::string& bytes) { return parse(buffer_of(bytes), "x.pth"); }

std::string complaint(const std::string& bytes) {
  try {
    const Weights weights = parse_text(bytes);
    for (const NamedTensor& weight : weights.tensors) weight.tensor.load();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed) << error.what();
    EXPECT_EQ(error.role(), Role::model);
    return error.what();
  }
  return "";
}

Tensor tensor_of(const Weights& weights, std::string_view name) {
  const auto found =
      std::find_if(weights.tensors.begin(), weights.tensors.end(), [name](const NamedTensor& t) { return t.name == name; });
  if (found == weights.tensors.end()) throw Error(Fault::internal, "there is no " + std::string(name));
  return found->tensor.load();
}

std::vector<std::string> names_of(const Weights& weights) {
  std::vector<std::string> names;
  for (const NamedTensor& weight : weights.tensors) names.push_back(weight.name);
  return names;
}

}  // namespace resnet::torch::test
