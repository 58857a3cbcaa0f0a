#include "formats/onnx/skeleton.h"

#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "lib/base/threads.h"

namespace resnet::onnx {

namespace {

// The low three bits of a tag in Protobuf's encoding.
constexpr std::uint64_t varint_type = 0, fixed64_type = 1, length_delimited_type = 2, fixed32_type = 5;

// Smaller weights are left to Protobuf.
constexpr std::size_t large = 4096;

// What the walk has no use for; it ends the walk.
struct Unexpected {};

// A file, by the small pieces that the walk wants of it.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}

  std::uint64_t varint(std::size_t& at, std::size_t end) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte(at, end);
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if ((next & 0x80) == 0) return value;
    }
    throw Unexpected();
  }

  void append(std::string& to, std::size_t begin, std::size_t end) {
    while (begin < end) {
      fill(begin);
      const std::size_t count = std::min(end, start_ + count_) - begin;
      to.append(window_.data() + (begin - start_), count);
      begin += count;
    }
  }

 private:
  std::uint8_t byte(std::size_t& at, std::size_t end) {
    if (at >= end) throw Unexpected();
    fill(at);
    return static_cast<std::uint8_t>(window_[at++ - start_]);
  }

  void fill(std::size_t at) {
    if (at >= start_ && at < start_ + count_) return;
    const ssize_t got = pread(fd_, window_.data(), window_.size(), static_cast<off_t>(at));
    if (got <= 0) throw Unexpected();
    start_ = at;
    count_ = static_cast<std::size_t>(got);
  }

  int fd_;
  std::array<char, 16384> window_{};
  std::size_t start_ = 0, count_ = 0;
};

void append_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>(value | 0x80));
  to.push_back(static_cast<char>(value));
}

// One message inside of another, down to the weights.
enum class Level : std::uint8_t { model, graph, tensor };

class Walk {
 public:
  explicit Walk(File& file) : file_(file) {}

  // The message in [at, end), without its large weights.
  std::string message(Level level, std::size_t at, std::size_t end) {
    std::string result;
    bool taken = false;
    while (at < end) {
      const std::size_t begin = at;
      const std::uint64_t tag = file_.varint(at, end);
      const auto number = static_cast<int>(tag >> 3);
      switch (tag & 7) {
        case varint_type: file_.varint(at, end); break;
        case fixed64_type: skip(at, end, 8); break;
        case fixed32_type: skip(at, end, 4); break;
        case length_delimited_type: {
          const std::uint64_t size = file_.varint(at, end);
          const std::size_t inner = at;
          skip(at, end, size);
          if (level == Level::tensor && number == ::onnx::TensorProto::kRawDataFieldNumber && size >= large) {
            if (taken) throw Unexpected();
            taken = true;
            weights_.push_back(
                {.index = initializers_, .offset = inner, .size = static_cast<std::size_t>(size), .bytes = nullptr});
            continue;
          }
          const bool graph = level == Level::model && number == ::onnx::ModelProto::kGraphFieldNumber;
          const bool initializer = level == Level::graph && number == ::onnx::GraphProto::kInitializerFieldNumber;
          if (!graph && !initializer) break;
          const std::string rest = message(graph ? Level::graph : Level::tensor, inner, at);
          append_varint(result, tag);
          append_varint(result, rest.size());
          result += rest;
          if (initializer) ++initializers_;
          continue;
        }
        default: throw Unexpected();
      }
      // A second raw_data would be the one that counts.
      if (taken && number == ::onnx::TensorProto::kRawDataFieldNumber) throw Unexpected();
      file_.append(result, begin, at);
    }
    return result;
  }

  std::vector<LargeWeight>& weights() { return weights_; }

 private:
  static void skip(std::size_t& at, std::size_t end, std::uint64_t count) {
    if (count > end - at) throw Unexpected();
    at += static_cast<std::size_t>(count);
  }

  File& file_;
  std::size_t initializers_ = 0;
  std::vector<LargeWeight> weights_;
};

}  // namespace

std::optional<Skeleton> read_skeleton(int fd, std::size_t size) {
  File file(fd);
  Walk walk(file);
  try {
    Skeleton skeleton;
    skeleton.proto = walk.message(Level::model, 0, size);
    skeleton.weights = std::move(walk.weights());
    return skeleton;
  } catch (const Unexpected&) {
    return std::nullopt;
  }
}

int read_weights(int fd, std::vector<LargeWeight>& weights) {
  struct Part {
    std::byte* to;
    std::size_t offset, size;
  };
  constexpr std::size_t part_bytes = 2 << 20;
  std::vector<Part> parts;
  std::size_t all = 0;
  for (LargeWeight& weight : weights) {
    weight.bytes = Buffer::allocate(weight.size);
    for (std::size_t at = 0; at < weight.size; at += part_bytes) {
      parts.push_back({weight.bytes->mutable_bytes().data() + at, weight.offset + at, std::min(part_bytes, weight.size - at)});
    }
    all += weight.size;
  }
  std::atomic<int> failure = 0;
  const auto read_parts = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && failure == 0; ++i) {
      for (Part part = parts[i]; part.size > 0;) {
        const ssize_t got = pread(fd, part.to, part.size, static_cast<off_t>(part.offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
          failure = got < 0 ? errno : EIO;
          break;
        }
        part = {part.to + got, part.offset + static_cast<std::size_t>(got), part.size - static_cast<std::size_t>(got)};
      }
    }
  };
  // Threads are worth their start for many bytes only.
  ThreadPool pool(all >= 8 * part_bytes ? std::min<std::size_t>(physical_cores(), 4) : 1);
  pool.parallel_for(parts.size(), 1, read_parts);
  return failure;
}

}  // namespace resnet::onnx
