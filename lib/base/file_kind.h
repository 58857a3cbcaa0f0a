// What a file is, by its first bytes or by its name: for messages about files that are not what was expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace resnet {

enum class FileGroup : std::uint8_t {
  picture,  // of a format that is read here
  array,    // NumPy's
  onnx,     // under whatever name
  weights,  // without a graph, of a format that is read here
  model,    // of another framework
  archive,
  other,  // pictures that are not read here among them
};

struct FileKind {
  std::string_view name;  // with its article: "a PyTorch checkpoint"
  FileGroup group;
  std::string_view hint = {};  // how it came there, or what to do about it
  friend bool operator==(const FileKind&, const FileKind&) = default;
};

// How many of the first bytes are looked at.
constexpr std::size_t kind_bytes = 512;

// Nothing for bytes that nobody knows, such as text.
std::optional<FileKind> kind_of_content(std::string_view first_bytes);
// Of the regular file, read and not waited for; nothing where it cannot be read.
std::optional<FileKind> kind_of_file(const std::filesystem::path& file);
// By the ending alone, in any case: models of other frameworks and archives; nothing for endings that say neither.
std::optional<FileKind> kind_of_ending(const std::filesystem::path& file);

}  // namespace resnet
