// The photos that a command is to read: files, folders, patterns and lists, one path after the other.
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "lib/base/stop.h"

namespace resnet::cli {

struct InputOptions {
  bool recursive = false;       // folders within folders, too
  bool null_separated = false;  // the list on stdin, as find -print0 writes it
};

// A path; or, with what is wrong, an argument that gave none.
struct Input {
  std::filesystem::path path;
  std::string error;  // "the folder holds no images", without the path; empty where there is nothing wrong
};

// Arguments in their order: a file (also one that is not there, for its reader to report); a folder: its images in natural order,
// each folder once however links lead to it; a pattern that the shell left as it is; "@list.txt": one path a line; "-": such a
// list on stdin, read as it comes. Lists may name folders, but neither patterns nor lists. Of a list's path that ends as a photo
// does the file system is not asked: it is a file, or its reader says why not. A list takes the memory of its text.
class Inputs {
 public:
  Inputs(std::vector<std::string> arguments, const InputOptions& options, Stop stop);
  ~Inputs();
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  // Nothing at the end. Waits for stdin where a list is read from there. Throws Error(interrupted).
  std::optional<Input> next();
  // Whether next() would not wait: false only for stdin without a further line by now.
  bool ready();
  // Whether `holds` does for every path; false while a list on stdin is not at its end.
  bool all(const std::function<bool(const std::filesystem::path&)>& holds) const;
  // How many next() gives in all; nothing while a list on stdin is not at its end.
  std::optional<std::size_t> total() const;
  // What folders held besides photos, of those that were looked into since it was asked last; empty where nothing.
  std::string take_note();

 private:
  class Lines;
  // A path or what is wrong; or, where `text` is there, lines of it that are all photos by their endings.
  struct Found {
    Input input;
    std::shared_ptr<const std::string> text = {};
    char separator = '\n';
    std::size_t begin = 0, end = 0;
  };
  static std::string take_line(const Found& lines, std::size_t& at);
  void add_input(Input input);
  void expand(const std::string& argument);
  void add_path(const std::filesystem::path& path);
  void add_folder(const std::filesystem::path& folder);
  void add_line(const std::string& line);
  void add_list(const std::string& file);
  void fail(std::string text, std::filesystem::path path);

  InputOptions options_;
  Stop stop_;
  std::vector<std::string> arguments_;   // from the first "-" on: not yet expanded
  std::size_t given_ = 0, waiting_ = 0;  // inputs; waiting: in `found_`
  std::deque<Found> found_;
  OtherFiles others_;
  std::unique_ptr<Lines> stdin_;
};

}  // namespace resnet::cli
