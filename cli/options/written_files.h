// The files that a command writes: none may be one that it reads, and no two may be one.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lib/base/file_stamp.h"

namespace resnet::cli {

class WrittenFiles {
 public:
  // The file that `option` names; none where it is empty. What is there and no regular file (/dev/null, a pipe) is written into,
  // not replaced, and left out. Throws Error(invalid) "y.jsonl: --output and --report are one file, expected two", by whatever
  // links and spelling; - is stdout, which is one file, too.
  void add(const std::string& option, const std::string& file);
  // Where it is empty, stdout.
  void add_or_stdout(const std::string& option, const std::string& file);
  // A file that cannot be stdout, and FILE.owner beside it (lib/base/owner.h). Throws as refuse_stdout.
  void add_with_owner(const std::string& option, const std::string& file);
  // Pictures 000001_NAME.png in `folder`; nothing where it is empty. Throws Error(invalid) for what is there and no folder, and
  // as refuse_stdout.
  void add_numbered_pictures(const std::string& option, const std::string& folder);

  // Throws Error(invalid) "--output: a.onnx is one of the inputs, which would be replaced; expected another file". Only what is
  // there can be replaced: where nothing is, this costs nothing, else a look at the input's entry. What `may_replace` names, an
  // option or "", may be the same file.
  void check(const std::filesystem::path& read, const std::string& may_replace = "") const;

 private:
  struct File {
    std::string option, name;
    std::filesystem::path path;  // without links
    FileStamp stamp;
  };
  struct Folder {
    std::string option;
    FileStamp stamp;
  };
  void add_stdout(const std::string& option);

  std::string stdout_option_;  // the option that has stdout, or empty
  std::vector<File> files_;
  std::vector<Folder> folders_;
  bool any_there_ = false;
};

// Throws Error(invalid) "--output: - is standard output, expected a file" where the name is -.
void refuse_stdout(const std::string& option, const std::string& name, const char* expected = "a file");

// For a command that writes one file, and reads `inputs`. Throws as WrittenFiles::check.
void check_not_an_input(const char* option, const std::string& output, std::span<const std::string> inputs);

}  // namespace resnet::cli
