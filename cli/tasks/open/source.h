// A model's name looked up once: what has it is opened here, and nothing further down sees the name again but for messages.
#pragma once

#include <optional>
#include <string>

#include "lib/base/file_kind.h"
#include "lib/base/file_stamp.h"
#include "lib/base/threads.h"

namespace resnet::cli {

// The network that is built in, an open file, or neither: an architecture's name, or what its reader complains about. A file that
// is replaced meanwhile stays the one that was opened; one that is written to is known to have changed.
class Source {
 public:
  explicit Source(std::string name);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return name_; }
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

  // Of the file, or of what is built in. Throws Error(malformed) "FILE: ..." where it cannot be read.
  std::string digest(ThreadPool& pool) const;
  bool has_changed() const;

 private:
  std::string name_, head_;
  bool is_built_in_, is_there_ = false;
  int descriptor_ = -1;
  FileStamp stamp_;
};

}  // namespace resnet::cli
