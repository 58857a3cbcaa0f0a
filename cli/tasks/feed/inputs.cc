#include "cli/tasks/feed/inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t most_list_bytes = std::uintmax_t{256} << 20;

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

// What a list is not; empty for what may be one. `begin`: its first bytes.
std::string objection_to_list(std::string_view begin, bool null_separated) {
  if (const auto kind = kind_of_content(begin)) return fmt::format("is not a list of paths (it looks like {})", kind->name);
  if (!null_separated && begin.find('\0') != begin.npos)
    return "is not a list of paths, one a line (it holds NULs; -0 reads what find -print0 writes)";
  return "";
}

}  // namespace

// Lines of stdin as they come.
class Inputs::Lines {
 public:
  Lines(char separator, Stop stop) : separator_(separator), stop_(stop), past_mark_(separator == '\0') {}

  bool ready() {
    if (at_end_ || has_line()) return true;
    pollfd descriptor = {STDIN_FILENO, POLLIN, 0};
    while (!at_end_ && poll(&descriptor, 1, 0) > 0) {
      read_more();
      if (has_line()) return true;
    }
    return at_end_;
  }

  std::optional<std::string> next() {
    while (!has_line() && !at_end_) read_more();
    const std::size_t end = std::min(pending_.find(separator_, taken_), pending_.size());
    if (taken_ == pending_.size()) return std::nullopt;
    std::string line = pending_.substr(taken_, end - taken_);
    taken_ = std::min(end + 1, pending_.size());
    return line;
  }

 private:
  bool has_line() const { return pending_.find(separator_, taken_) != std::string::npos; }
  void read_more() {
    pending_.erase(0, taken_);
    taken_ = 0;
    std::array<char, 65536> bytes;
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    stop_.check();
    if (count > 0) {
      if (!std::exchange(began_, true)) {
        const std::string_view begin(bytes.data(), std::min(kind_bytes, static_cast<std::size_t>(count)));
        if (const std::string why = objection_to_list(begin, separator_ == '\0'); !why.empty())
          throw Error(Fault::invalid, "standard input " + why);
      }
      if (pending_.size() > longest_line)
        throw Error(Fault::invalid, "standard input: a line of over 1 MiB, expected a list of paths");
      pending_.append(bytes.data(), static_cast<std::size_t>(count));
      drop_byte_order_mark();
    } else if (count == 0) {
      at_end_ = true;
    } else if (errno == EAGAIN) {
      pollfd descriptor = {STDIN_FILENO, POLLIN, 0};
      poll(&descriptor, 1, 100);
    } else if (errno != EINTR) {
      throw Error(Fault::unreadable, Frame::file(Role::input),
                  std::string("standard input: cannot be read: ") + std::strerror(errno));
    }
  }

  // Three bytes, which may come one by one.
  void drop_byte_order_mark() {
    if (past_mark_ || (mark.starts_with(pending_) && pending_.size() < mark.size())) return;
    past_mark_ = true;
    if (pending_.starts_with(mark)) pending_.erase(0, mark.size());
  }

  static constexpr std::string_view mark = "\xef\xbb\xbf";
  static constexpr std::size_t longest_line = 1 << 20;
  char separator_;
  Stop stop_;
  std::string pending_;
  std::size_t taken_ = 0;  // of its bytes: lines that were given
  bool began_ = false, at_end_ = false;
  bool past_mark_;  // the byte order mark, which only a text begins with
};

Inputs::Inputs(std::vector<std::string> arguments, const InputOptions& options, Stop stop)
    : options_(options), stop_(stop), arguments_(std::move(arguments)) {
  if (std::count(arguments_.begin(), arguments_.end(), "-") > 1)
    throw Error(Fault::invalid, "-: is given twice, but the list on standard input is read once; expected one -");
  while (!arguments_.empty() && arguments_.front() != "-") {
    expand(arguments_.front());
    arguments_.erase(arguments_.begin());
  }
}

Inputs::~Inputs() = default;

std::optional<Input> Inputs::next() {
  while (true) {
    if (!found_.empty()) {
      Found& front = found_.front();
      Input input = front.text ? Input{take_line(front, front.begin), ""} : std::move(front.input);
      if (!front.text || front.begin == front.end) found_.pop_front();
      ++given_;
      --waiting_;
      return input;
    }
    if (arguments_.empty()) return std::nullopt;
    if (arguments_.front() == "-") {
      if (!stdin_) stdin_ = std::make_unique<Lines>(options_.null_separated ? '\0' : '\n', stop_);
      if (auto line = stdin_->next()) {
        if (!options_.null_separated && !line->empty() && line->back() == '\r') line->pop_back();
        if (!line->empty()) add_line(*line);
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
  return given_ + waiting_;
}

bool Inputs::all(const std::function<bool(const fs::path&)>& holds) const {
  const auto holds_all = [&](const Found& found) {
    if (!found.text) return holds(found.input.path);
    for (std::size_t at = found.begin; at < found.end;) {
      if (!holds(take_line(found, at))) return false;
    }
    return true;
  };
  return arguments_.empty() && std::all_of(found_.begin(), found_.end(), holds_all);
}

// The next one that is not empty; `at` becomes where the one after it begins, or the end.
std::string Inputs::take_line(const Found& lines, std::size_t& at) {
  std::string line;
  while (line.empty() && at < lines.end) {
    const std::size_t end = std::min(lines.text->find(lines.separator, at), lines.end);
    line = lines.text->substr(at, end - at);
    at = std::min(end + 1, lines.end);
    if (lines.separator == '\n' && line.ends_with('\r')) line.pop_back();
  }
  return line;
}

void Inputs::add_input(Input input) {
  found_.push_back({std::move(input)});
  ++waiting_;
}

void Inputs::fail(std::string text, fs::path path) { add_input({std::move(path), std::move(text)}); }

void Inputs::expand(const std::string& argument) {
  stop_.check();
  std::error_code ignored;
  if (argument.size() > 1 && argument[0] == '@') return add_list(argument.substr(1));
  if (!is_pattern(argument) || fs::exists(fs::symlink_status(argument, ignored))) return add_path(argument);
  glob_t matches = {};
  std::vector<std::string> paths;
  if (glob(argument.c_str(), GLOB_NOSORT, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  globfree(&matches);
  std::erase_if(paths, [](const std::string& path) { return is_tool_name(fs::path(path).filename().native()); });
  if (paths.empty()) return fail("no file matches", argument);
  std::sort(paths.begin(), paths.end(), naturally_before);
  for (const std::string& path : paths) add_path(path);
}

void Inputs::add_path(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return add_folder(path);
  add_input({path, ""});
}

void Inputs::add_line(const std::string& line) {
  if (has_photo_ending(line)) return add_input({line, ""});
  add_path(line);
}

void Inputs::add_folder(const fs::path& top) {
  FolderPhotos found = find_photos(top, options_.recursive, stop_);
  for (FolderProblem& problem : found.problems) {
    fail(problem.folder == top ? std::move(problem.reason) : fmt::format("{}: {}", problem.folder.string(), problem.reason), top);
  }
  others_.add(found.others);
  if (found.photos.empty() && found.problems.empty()) {
    const bool deeper = found.folders_within > 0 && !options_.recursive;
    return fail(deeper ? "the folder itself holds no images (--recursive looks into those within)" : "the folder holds no images",
                top);
  }
  for (fs::path& photo : found.photos) add_input({std::move(photo), ""});
}

std::string Inputs::take_note() {
  const OtherFiles others = std::exchange(others_, {});
  return others.empty() ? "" : others.to_string();
}

void Inputs::add_list(const std::string& file) {
  std::string text;
  try {
    text = read_file(file, Role::input, {.most_bytes = most_list_bytes, .expected = "a list of paths", .stop = stop_});
  } catch (const Error& error) {
    const char* hint = file == "-" ? "; - reads a list on standard input" : "";
    return fail(error.without_file() + hint, "@" + file);
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  const char separator = text.find('\0') != std::string::npos ? '\0' : '\n';
  if (std::string why = objection_to_list(std::string_view(text).substr(0, kind_bytes), separator == '\0'); !why.empty())
    return fail(std::move(why), "@" + file);
  Found all{{}, std::make_shared<const std::string>(std::move(text)), separator, 0, 0};
  all.end = all.text->size();
  Found photos = all;  // those that follow each other
  std::size_t count = 0;
  const auto add_photos = [&] {
    if (count > 0) found_.push_back(photos);
    waiting_ += std::exchange(count, 0);
  };
  bool any = false;
  for (std::size_t at = 0; at < all.end;) {
    const std::size_t begin = at;
    const std::string line = take_line(all, at);
    if (line.empty()) continue;
    any = true;
    if (has_photo_ending(line)) {
      if (count++ == 0) photos.begin = begin;
      photos.end = at;
      continue;
    }
    add_photos();
    add_path(line);
  }
  add_photos();
  if (!any) fail("the list names no files", "@" + file);
}

}  // namespace resnet::cli
