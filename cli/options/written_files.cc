#include "cli/options/written_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Where the file is, or will be.
fs::path place_of(const fs::path& file) {
  std::error_code failed;
  const fs::path whole = fs::absolute(file_behind_links(file), failed);
  fs::path place = fs::weakly_canonical(whole, failed);
  return failed ? whole.lexically_normal() : place;
}

// As write_activation_map names them: six digits or more, and the photo's own name.
bool is_numbered_picture(const std::string& name) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits >= 6 && name.substr(digits, 1) == "_" && name.ends_with(".png");
}

[[noreturn]] void refuse(const std::string& option, const fs::path& file, const char* expected) {
  throw Error(Fault::invalid, fmt::format("{}: {} is one of the inputs, which would be replaced; expected another {}", option,
                                          table::printable(file.string()), expected));
}

}  // namespace

void WrittenFiles::add_stdout(const std::string& option) {
  if (!stdout_option_.empty())
    throw Error(Fault::invalid, fmt::format("standard output: {} and {} are one file, expected two", stdout_option_, option));
  stdout_option_ = option;
}

void WrittenFiles::add_or_stdout(const std::string& option, const std::string& file) {
  if (file.empty()) return add_stdout(option + " (which is not given)");
  add(option, file);
}

void WrittenFiles::add(const std::string& option, const std::string& file) {
  if (file.empty()) return;
  if (file == "-") return add_stdout(option);
  std::error_code none;
  const fs::file_status status = fs::status(file, none);
  if (fs::exists(status) && !fs::is_regular_file(status)) return;
  File added{option, file, place_of(file), stamp_of(file)};
  for (const File& other : files_) {
    if (other.path == added.path || other.stamp.is_same_file(added.stamp)) {
      throw Error(Fault::invalid,
                  fmt::format("{}: {} and {} are one file, expected two", table::printable(file), other.option, option));
    }
  }
  any_there_ = any_there_ || added.stamp.is_there();
  files_.push_back(std::move(added));
}

void WrittenFiles::add_with_owner(const std::string& option, const std::string& file) {
  refuse_stdout(option, file);
  const std::size_t before = files_.size();
  add(option, file);
  if (files_.size() > before) add("the owner file of " + option, files_.back().path.string() + ".owner");
}

void WrittenFiles::add_numbered_pictures(const std::string& option, const std::string& folder) {
  if (folder.empty()) return;
  refuse_stdout(option, folder, "a folder");
  std::error_code none;
  const fs::file_status status = fs::status(folder, none);
  if (fs::exists(status) && !fs::is_directory(status))
    throw Error(Fault::invalid, fmt::format("{}: {} is not a folder", option, table::printable(folder)));
  folders_.push_back({option, stamp_of(folder)});
  any_there_ = any_there_ || folders_.back().stamp.is_there();
}

void WrittenFiles::check(const fs::path& read, const std::string& may_replace) const {
  if (!any_there_) return;
  const FileStamp stamp = stamp_of(read.native());
  if (!stamp.is_there()) return;
  for (const File& file : files_) {
    if (file.stamp.is_same_file(stamp) && file.option != may_replace) refuse(file.option, file.name, "file");
  }
  if (folders_.empty() || !is_numbered_picture(read.filename().native())) return;
  const FileStamp parent = stamp_of(read.has_parent_path() ? read.parent_path().native() : ".");
  for (const Folder& folder : folders_) {
    if (folder.stamp.is_same_file(parent)) refuse(folder.option, read, "folder");
  }
}

void refuse_stdout(const std::string& option, const std::string& name, const char* expected) {
  if (name == "-") throw Error(Fault::invalid, fmt::format("{}: - is standard output, expected {}", option, expected));
}

void check_not_an_input(const char* option, const std::string& output, std::span<const std::string> inputs) {
  WrittenFiles written;
  written.add(option, output);
  for (const std::string& input : inputs) written.check(input);
}

}  // namespace resnet::cli
