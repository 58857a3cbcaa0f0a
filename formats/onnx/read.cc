#include "formats/onnx/read.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>

#include "formats/onnx/graph_reader.h"
#include "formats/onnx/identify.h"
#include "formats/onnx/tensors.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

// Of one Protobuf message.
constexpr std::size_t most_bytes = std::numeric_limits<std::int32_t>::max();

Model read_named(::onnx::ModelProto& proto, std::vector<LargeWeight> weights, const std::string& name, ExternalFiles external,
                 const ReadOptions& options) {
  try {
    return read_model(proto, std::move(weights), std::move(external), options);
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
}

[[noreturn]] void refuse(const std::string& name, const std::string& what, Role role = Role::model) {
  throw Error(Fault::malformed, Frame::file(role, name), what);
}

[[noreturn]] void refuse_unread(const std::string& name, const std::string& what) {
  throw Error(Fault::unreadable, Frame::file(Role::model, name), what);
}

// Of a file that Protobuf does not parse as a rule: graphs within graphs are bounded there, which is not damage.
[[noreturn]] void refuse_unparsed(const std::string& name, std::span<const std::byte> bytes) {
  constexpr int usual_depth = 100, deepest = 3000, messages_of_a_graph = 3;  // node, attribute, graph
  ::onnx::ModelProto proto;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(deepest);
  if (proto.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage()) {
    refuse_unread(name, fmt::format("has graphs within graphs (If, Loop) that are nested too deep, expected at most {} levels",
                                    (usual_depth - 2) / messages_of_a_graph));
  }
  refuse(name, diagnose(bytes));
}

// What can be told before anything is parsed.
void check_head(const std::string& name, std::string_view head, std::size_t size) {
  if (size == 0) refuse(name, "is empty");
  if (const std::string what = identify(head); !what.empty()) refuse(name, what);
  if (size > most_bytes) {
    refuse(name,
           fmt::format("is {} bytes, more than the 2 GiB that a Protobuf message can have: its weights belong in external data",
                       size));
  }
}

// Protobuf complains to stderr by itself; what went wrong is in our own error.
void silence_protobuf() {
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}

}  // namespace

Model read(const std::filesystem::path& file, const ReadOptions& options) {
  // O_NONBLOCK: a pipe is refused, not waited for.
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) refuse_unread(file.string(), fmt::format("cannot be opened: {}", std::strerror(errno)));
  // It closes the file, whatever happens.
  google::protobuf::io::FileInputStream closing(fd);
  closing.SetCloseOnDelete(true);
  return read(fd, file, options);
}

Model read(int fd, const std::filesystem::path& file, const ReadOptions& options) {
  silence_protobuf();
  const std::string name = file.string();
  const auto fail = [&] { refuse_unread(name, fmt::format("cannot be opened: {}", std::strerror(errno))); };
  struct stat status {};
  if (fstat(fd, &status) != 0) fail();
  if (S_ISDIR(status.st_mode)) refuse_unread(name, "is a folder, expected a model file");
  if (!S_ISREG(status.st_mode)) refuse_unread(name, "is not a regular file");
  std::array<char, 512> head{};
  const ssize_t got = pread(fd, head.data(), head.size(), 0);
  if (got < 0) fail();
  check_head(name, {head.data(), static_cast<std::size_t>(got)}, static_cast<std::size_t>(status.st_size));
  ::onnx::ModelProto proto;
  auto skeleton = read_skeleton(fd, static_cast<std::size_t>(status.st_size));
  if (skeleton && proto.ParseFromString(skeleton->proto)) {
    if (const int failure = read_weights(fd, skeleton->weights); failure != 0)
      refuse_unread(name, fmt::format("cannot be read: {}", std::strerror(failure)));
  } else {
    skeleton.emplace();
    proto.Clear();
    // Read as a stream, not from a mapped file: each weight is then in memory once, in the string that its tensor keeps.
    lseek(fd, 0, SEEK_SET);
    google::protobuf::io::FileInputStream stream(fd, 1 << 20);
    if (!proto.ParseFromZeroCopyStream(&stream)) refuse_unparsed(name, Buffer::map_file(file)->bytes());
  }
  return read_named(proto, std::move(skeleton->weights), name, external_files_of(file), options);
}

Model read(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
           const ReadOptions& options) {
  silence_protobuf();
  check_head(name, {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 512)}, bytes.size());
  ::onnx::ModelProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) refuse_unparsed(name, bytes);
  const std::filesystem::path file = std::filesystem::path(name).filename();
  return read_named(proto, {}, name, external_files_of(folder / file), options);
}

Tensor read_tensor(const std::filesystem::path& file) {
  silence_protobuf();
  const auto buffer = Buffer::map_file(file, Role::input);
  ::onnx::TensorProto proto;
  const std::string name = file.string();
  if (buffer->bytes().size() > most_bytes ||
      !proto.ParseFromArray(buffer->bytes().data(), static_cast<int>(buffer->bytes().size())) || proto.data_type() == 0) {
    refuse(name, "is not an ONNX tensor", Role::input);
  }
  try {
    return import_tensor(proto, nullptr);
  } catch (Error& error) {
    error.in(Frame::file(Role::input, name));
    throw;
  }
}

Model read_text(const std::string& text) {
  ::onnx::ModelProto proto;
  const auto status = ::onnx::OnnxParser::Parse(proto, text.c_str());
  if (!status.IsOK()) throw Error(Fault::malformed, Frame::file(Role::model, "text"), status.ErrorMessage());
  return read_named(proto, {}, "text", {}, {});
}

}  // namespace resnet::onnx
