#include "cli/inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/interrupt.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// What a folder's files must end in to be taken; files that are named themselves may have any name.
constexpr std::array<std::string_view, 13> extensions = {"jpg", "jpeg", "jpe",  "jfif", "png",  "webp", "gif",
                                                         "tif", "tiff", "heic", "heif", "avif", "npy"};

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  if (extension.empty()) return false;
  extension.erase(0, 1);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// -1, 0 or 1; runs of digits by their value, '/' before everything else, letters in lower case.
int compare_naturally(std::string_view a, std::string_view b) {
  const auto order = [](char c) { return c == '/' ? -1 : std::tolower(static_cast<unsigned char>(c)); };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (order(a[i]) != order(b[j])) return order(a[i]) < order(b[j]) ? -1 : 1;
      ++i, ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    std::size_t end_i = i, end_j = j;
    while (end_i < a.size() && is_digit(a[end_i])) ++end_i;
    while (end_j < b.size() && is_digit(b[end_j])) ++end_j;
    if (end_i - i != end_j - j) return end_i - i < end_j - j ? -1 : 1;
    if (const int order_of_digits = a.substr(i, end_i - i).compare(b.substr(j, end_j - j)); order_of_digits != 0) {
      return order_of_digits < 0 ? -1 : 1;
    }
    i = end_i, j = end_j;
  }
  if (i < a.size()) return 1;
  return j < b.size() ? -1 : 0;
}

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

using FolderKey = std::pair<dev_t, ino_t>;

std::optional<FolderKey> key_of(const fs::path& folder) {
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0) return std::nullopt;
  return FolderKey{status.st_dev, status.st_ino};
}

}  // namespace

bool naturally_before(std::string_view a, std::string_view b) {
  const int order = compare_naturally(a, b);
  return order != 0 ? order < 0 : a < b;
}

// Lines of stdin as they come.
class Inputs::Lines {
 public:
  explicit Lines(char separator) : separator_(separator) {}

  bool ready() {
    if (at_end_ || pending_.find(separator_) != std::string::npos) return true;
    pollfd descriptor = {STDIN_FILENO, POLLIN, 0};
    while (!at_end_ && poll(&descriptor, 1, 0) > 0) {
      read_more();
      if (pending_.find(separator_) != std::string::npos) return true;
    }
    return at_end_;
  }

  std::optional<std::string> next() {
    std::size_t end;
    while ((end = pending_.find(separator_)) == std::string::npos && !at_end_) read_more();
    if (end == std::string::npos && pending_.empty()) return std::nullopt;
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end == std::string::npos ? end : end + 1);
    return line;
  }

 private:
  void read_more() {
    std::array<char, 65536> bytes;
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    throw_if_interrupted();
    if (count > 0) {
      if (pending_.size() > longest_line)
        throw Error(ErrorKind::usage, "standard input: a line of over 1 MiB, expected a list of paths");
      pending_.append(bytes.data(), static_cast<std::size_t>(count));
    } else if (count == 0) {
      at_end_ = true;
    } else if (errno == EAGAIN) {
      pollfd descriptor = {STDIN_FILENO, POLLIN, 0};
      poll(&descriptor, 1, 100);
    } else if (errno != EINTR) {
      throw Error(ErrorKind::bad_input, std::string("standard input: cannot be read: ") + std::strerror(errno));
    }
  }

  static constexpr std::size_t longest_line = 1 << 20;
  char separator_;
  std::string pending_;
  bool at_end_ = false;
};

Inputs::Inputs(std::vector<std::string> arguments, const InputOptions& options)
    : options_(options), arguments_(std::move(arguments)) {
  while (!arguments_.empty() && arguments_.front() != "-") {
    expand(arguments_.front());
    arguments_.erase(arguments_.begin());
  }
}

Inputs::~Inputs() = default;

std::optional<Input> Inputs::next() {
  while (true) {
    if (!found_.empty()) {
      Input input = std::move(found_.front());
      found_.pop_front();
      ++given_;
      return input;
    }
    if (arguments_.empty()) return std::nullopt;
    if (arguments_.front() == "-") {
      if (!stdin_) stdin_ = std::make_unique<Lines>(options_.null_separated ? '\0' : '\n');
      if (auto line = stdin_->next()) {
        if (!options_.null_separated && !line->empty() && line->back() == '\r') line->pop_back();
        if (!line->empty()) add_path(*line);
        continue;
      }
    } else {
      expand(arguments_.front());
    }
    arguments_.erase(arguments_.begin());
  }
}

bool Inputs::ready() {
  if (!found_.empty() || arguments_.empty() || arguments_.front() != "-") return true;
  return stdin_ && stdin_->ready();
}

std::optional<std::size_t> Inputs::total() const {
  if (!arguments_.empty()) return std::nullopt;
  return given_ + found_.size();
}

bool Inputs::all(const std::function<bool(const fs::path&)>& holds) const {
  return arguments_.empty() && std::all_of(found_.begin(), found_.end(), [&](const Input& input) { return holds(input.path); });
}

void Inputs::fail(std::string text, fs::path path) { found_.push_back({std::move(path), std::move(text)}); }

void Inputs::expand(const std::string& argument) {
  throw_if_interrupted();
  std::error_code ignored;
  if (argument.size() > 1 && argument[0] == '@') return add_list(argument.substr(1));
  if (!is_pattern(argument) || fs::exists(fs::symlink_status(argument, ignored))) return add_path(argument);
  glob_t matches = {};
  std::vector<std::string> paths;
  if (glob(argument.c_str(), GLOB_NOSORT, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  globfree(&matches);
  if (paths.empty()) return fail("no file matches", argument);
  std::sort(paths.begin(), paths.end(), naturally_before);
  for (const std::string& path : paths) add_path(path);
}

void Inputs::add_path(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return add_folder(path);
  found_.push_back({path, ""});
}

void Inputs::add_folder(const fs::path& top) {
  std::vector<fs::path> images;
  std::vector<std::string> problems;
  std::set<FolderKey> seen;
  std::size_t folders_within = 0;
  std::vector<fs::path> todo = {top};
  while (!todo.empty()) {
    throw_if_interrupted();
    const fs::path folder = std::move(todo.back());
    todo.pop_back();
    if (const auto key = key_of(folder); key && !seen.insert(*key).second) continue;
    std::error_code error;
    for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      if (entry->path().filename().native().starts_with('.')) continue;
      std::error_code ignored;
      if (entry->is_directory(ignored)) {
        ++folders_within;
        if (options_.recursive) todo.push_back(entry->path());
      } else if (is_image_name(entry->path())) {
        images.push_back(entry->path());
      }
    }
    if (error)
      problems.push_back(folder == top ? "cannot be read: " + error.message()
                                       : fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  }
  for (std::string& problem : problems) fail(std::move(problem), top);
  if (images.empty() && problems.empty()) {
    const bool deeper = folders_within > 0 && !options_.recursive;
    return fail(deeper ? "the folder itself holds no images (--recursive looks into those within)" : "the folder holds no images",
                top);
  }
  std::sort(images.begin(), images.end(),
            [](const fs::path& a, const fs::path& b) { return naturally_before(a.native(), b.native()); });
  for (fs::path& image : images) found_.push_back({std::move(image), ""});
}

void Inputs::add_list(const std::string& file) {
  std::string text;
  try {
    text = read_file(file, ErrorKind::bad_input);
  } catch (const Error& error) {
    std::string text_of_error = error.what();
    if (text_of_error.starts_with(file + ": ")) text_of_error.erase(0, file.size() + 2);
    return fail(std::move(text_of_error), "@" + file);
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  const char separator = text.find('\0') != std::string::npos ? '\0' : '\n';
  std::size_t paths = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (separator == '\n' && !line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    ++paths;
    add_path(line);
  }
  if (paths == 0) fail("the list names no files", "@" + file);
}

}  // namespace resnet::cli
