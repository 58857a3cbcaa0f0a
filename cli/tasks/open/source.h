// A model's name looked up once: what has it is opened here, and nothing further down sees the name again but for messages.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "lib/base/file_kind.h"
#include "lib/base/file_stamp.h"
#include "lib/base/threads.h"

namespace resnet::cli {

// The file in a folder that holds a published network's weights, by the names that timm, transformers and the hub give it;
// beside a config.json the only one of its ending, too. Nothing where there is none, or several of other names.
std::optional<std::filesystem::path> weights_in(const std::filesystem::path& folder);
// Whether it ends as people's files of weights do: .safetensors, .pth, .pth.tar, .bin, ...
bool has_weights_ending(const std::filesystem::path& file);
// Whether it is a folder with such weights, or with the configuration of some.
bool is_published_folder(const std::filesystem::path& path);

// The network that is built in, an open file, or neither: an architecture's name, or what its reader complains about. A file that
// is replaced meanwhile stays the one that was opened; one that is written to is known to have changed.
class Source {
 public:
  // Throws Error(unreadable) where a configuration beside published weights cannot be read, or is too large.
  explicit Source(std::string name);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return name_; }
  // What was opened: the name; of a folder the weights in it or, where it has none, the folder with a slash after it.
  const std::string& path() const { return path_; }
  // Of published weights: the texts of config.json and preprocessor_config.json beside them, by these names, as far as there are.
  const std::map<std::string, std::string>& configurations() const { return configurations_; }
  // Where one of them is, or would be.
  std::filesystem::path configuration_file(const std::string& name) const;
  bool is_built_in() const { return is_built_in_; }
  // Something has this name: a file, a folder, a pipe.
  bool is_there() const { return is_there_; }
  // A regular file, which is open.
  bool is_file() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  // By its first bytes or, where nobody knows them, by its name.
  bool is_native() const;
  const std::string& head() const { return head_; }  // its first bytes
  // By its first bytes.
  std::optional<FileKind> kind() const { return kind_of_content(head_); }

  // Of the file and the configurations beside it, or of what is built in. Throws Error(malformed) "FILE: ..." where it cannot be
  // read.
  std::string digest(ThreadPool& pool) const;
  bool has_changed() const;

 private:
  std::string name_, path_, head_;
  std::map<std::string, std::string> configurations_;
  bool is_built_in_, is_there_ = false;
  int descriptor_ = -1;
  FileStamp stamp_;
};

}  // namespace resnet::cli
