#include "cli/tasks/open/foreign_files.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/open/source.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

std::string text_of(const FileKind& kind) {
  switch (kind.group) {
    case FileGroup::onnx: return "is an ONNX model by its first bytes: --model reads one of any name";
    case FileGroup::archive: return fmt::format("is {}, neither a model nor a photo; unpack it", kind.name);
    case FileGroup::model: return fmt::format("is {}, not a model that can be read here; export it to ONNX", kind.name);
    case FileGroup::weights: return fmt::format("is {}: --model reads one of any name", kind.name);
    case FileGroup::picture:
    case FileGroup::array:
    case FileGroup::other: return fmt::format("is {}, not a model{}{}", kind.name, kind.hint.empty() ? "" : ": ", kind.hint);
  }
  __builtin_unreachable();
}

bool holds(const fs::path& folder, std::initializer_list<const char*> names) {
  std::error_code ignored;
  for (const char* name : names) {
    if (fs::exists(folder / name, ignored)) return true;
  }
  return false;
}

// "holds weights (net.pth) and no photos ...": of a folder in which photos can hardly be meant; "holds several files of weights"
// of one with a configuration.
std::optional<std::string> describe_weights_in(const fs::path& folder) {
  const bool configured = holds(folder, {"config.json"});
  std::vector<std::string> files;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (!configured && (entry->is_directory(ignored) || has_photo_ending(entry->path()))) return std::nullopt;
    if (!has_weights_ending(entry->path()) || !entry->is_regular_file(ignored)) continue;
    const auto content = kind_of_file(entry->path());
    if (content && content->group == FileGroup::weights) files.push_back(entry->path().filename().string());
  }
  if (files.empty()) return std::nullopt;
  std::sort(files.begin(), files.end(), naturally_before);
  if (configured) return fmt::format("holds several files of weights ({}); name one of them", list_of(files));
  return fmt::format("holds weights ({}) and no photos: a folder is a model by its config.json; name {}", list_of(files),
                     files.size() == 1 ? "the file itself" : "one of the files");
}

// Of a file that describes a published network and holds none.
std::optional<std::string> describe_configuration(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name != "config.json" && name != "preprocessor_config.json") return std::nullopt;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  return fmt::format("is the configuration of a network and not a model, expected the folder that has it beside its weights: {}",
                     folder.string());
}

std::optional<std::string> describe_folder(const fs::path& folder) {
  if (holds(folder, {"saved_model.pb", "saved_model.pbtxt"})) return text_of({"a TensorFlow SavedModel", FileGroup::model});
  if (holds(folder, {"config.json"}) && holds(folder, {"tf_model.h5", "flax_model.msgpack"}))
    return text_of({"the folder of a Hugging Face model without weights of PyTorch", FileGroup::model});
  const auto kind = kind_of_ending(folder);
  if (kind && kind->group == FileGroup::model && holds(folder, {"Manifest.json"})) return text_of(*kind);
  return describe_weights_in(folder);
}

}  // namespace

std::optional<std::string> describe_foreign(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return describe_folder(path);
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  const auto content = kind_of_file(path);
  if (content && (content->group == FileGroup::picture || content->group == FileGroup::array)) return std::nullopt;
  if (content && content->group != FileGroup::other) return text_of(*content);
  const auto ending = kind_of_ending(path);
  // What is there counts: a page that was saved as model.pth is a page.
  return ending ? std::optional(text_of(content.value_or(*ending))) : std::nullopt;
}

void refuse_foreign(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "-" || argument.starts_with('@')) continue;
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(argument, ignored))) {
      if (const auto why = describe_foreign(argument)) throw Error(Fault::malformed, argument + ": " + *why);
    } else if (argument.find_first_of("*?[") == std::string::npos && !has_photo_ending(argument)) {
      throw Error(Fault::invalid, argument +
                                      ": no such model or photo, expected a file *.onnx, *.resnet, *.safetensors or *.pth, a "
                                      "published or an architecture's name such as resnet50, or photos");
    }
  }
}

namespace {

// What keeps a path from being looked into; nothing where it can be.
std::optional<std::string> describe_closed(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(path, error) && !fs::exists(path, error))
    return fmt::format("is a link to {}, which is not there", fs::read_symlink(path, error).string());
  if (fs::is_directory(path, error)) {
    const fs::directory_iterator entries(path, error);
    if (error) return fmt::format("cannot be read: {}", error.message());
    if (entries == fs::directory_iterator()) return "is an empty folder";
    return std::nullopt;
  }
  if (access(path.c_str(), R_OK) != 0) return fmt::format("cannot be read: {}", std::strerror(errno));
  return std::nullopt;
}

}  // namespace

void refuse_stranger(std::span<const std::string> arguments) {
  if (arguments.size() < 2) return;
  const std::string& argument = arguments.front();
  if (argument == "-" || argument.starts_with('@')) return;  // lists
  std::error_code ignored;
  if (!has_photo_ending(argument) && fs::exists(fs::symlink_status(argument, ignored))) {
    if (const auto why = describe_closed(argument))
      throw Error(Fault::malformed, fmt::format("{}: {}, expected a model or photos", argument, *why));
  }
  if (!fs::is_regular_file(argument, ignored) || has_photo_ending(argument)) return;
  const auto kind = kind_of_file(argument);
  if (kind && (kind->group == FileGroup::picture || kind->group == FileGroup::array)) return;
  if (const auto why = describe_configuration(argument)) throw Error(Fault::malformed, argument + ": " + *why);
  const bool empty = fs::file_size(argument, ignored) == 0;
  throw Error(
      Fault::malformed,
      fmt::format("{0}: is {1}neither a model nor a photo, expected one of them; @{0} reads a list of photos, --model a model "
                  "of any name",
                  argument,
                  kind    ? fmt::format("{}, ", kind->name)
                  : empty ? "empty, "
                          : ""));
}

void refuse_foreign_model(const Source& source) {
  if (const auto why = describe_configuration(source.path())) throw Error(Fault::malformed, source.name() + ": " + *why);
  const auto kind = source.kind();
  if (kind && kind->group != FileGroup::onnx && kind->group != FileGroup::weights)
    throw Error(Fault::malformed, source.name() + ": " + text_of(*kind));
}

}  // namespace resnet::cli
