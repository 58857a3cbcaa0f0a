#include "cli/tasks/feed/photo_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "lib/base/interrupt.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 19> photo_endings = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png",  ".webp", ".gif",
                                                            ".tif", ".tiff", ".heic", ".heif", ".avif", ".bmp",  ".dib",
                                                            ".pbm", ".pgm",  ".ppm",  ".pnm",  ".npy"};

// In small letters; hidden names are not among them.
constexpr std::array<std::string_view, 18> tool_names = {"@eadir",  // Synology's thumbnails
                                                         "#recycle",
                                                         "#snapshot",  // Synology's
                                                         "@recycle",
                                                         "@recently-snapshot",
                                                         "@tmp",
                                                         "__macosx",  // ZIP archives of macOS
                                                         "$recycle.bin",
                                                         "recycler",
                                                         "system volume information",
                                                         "thumbs.db",
                                                         "ehthumbs.db",
                                                         "desktop.ini",
                                                         "found.000",
                                                         "lost+found",  // ext4's
                                                         "__pycache__",
                                                         "icon\r",
                                                         "network trash folder"};

std::string in_small_letters(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
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

using FolderKey = std::pair<dev_t, ino_t>;

std::optional<FolderKey> key_of(const fs::path& folder) {
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0) return std::nullopt;
  return FolderKey{status.st_dev, status.st_ino};
}

}  // namespace

bool is_tool_name(std::string_view name) {
  if (name.starts_with('.')) return true;
  return std::find(tool_names.begin(), tool_names.end(), in_small_letters(name)) != tool_names.end();
}

bool has_photo_ending(const fs::path& file) {
  return std::find(photo_endings.begin(), photo_endings.end(), in_small_letters(file.extension().native())) !=
         photo_endings.end();
}

void OtherFiles::add(const fs::path& file) {
  ++count_;
  ++by_ending_[in_small_letters(file.extension().native())];
}

void OtherFiles::add(const OtherFiles& others) {
  count_ += others.count_;
  for (const auto& [ending, count] : others.by_ending_) by_ending_[ending] += count;
}

std::string OtherFiles::to_string() const {
  constexpr std::size_t most_shown = 5, longest = 16;
  std::vector<std::pair<std::size_t, std::string>> endings;
  for (const auto& [ending, count] : by_ending_) {
    const std::string shown = ending.size() > longest ? fmt::format("{:.{}}...", ending, longest) : ending;
    endings.emplace_back(count, ending.empty() ? "without an ending" : shown);
  }
  std::stable_sort(endings.begin(), endings.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string list;
  std::size_t rest = count_;
  for (std::size_t i = 0; i < std::min(most_shown, endings.size()); ++i) {
    list += fmt::format("{}{} {}", i == 0 ? "" : ", ", endings[i].second, endings[i].first);
    rest -= endings[i].first;
  }
  if (rest > 0) list += fmt::format(", others {}", rest);
  return count_ == 1 ? fmt::format("1 file is not a picture ({}) and was left out", list)
                     : fmt::format("{} files are not pictures ({}) and were left out", count_, list);
}

FolderPhotos find_photos(const fs::path& top, bool recursive) {
  FolderPhotos found;
  std::set<FolderKey> seen;
  std::vector<fs::path> todo = {top};
  while (!todo.empty()) {
    throw_if_interrupted();
    const fs::path folder = std::move(todo.back());
    todo.pop_back();
    if (const auto key = key_of(folder); key && !seen.insert(*key).second) continue;
    std::error_code error;
    for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      if (is_tool_name(entry->path().filename().native())) continue;
      std::error_code ignored;
      if (entry->is_directory(ignored)) {
        ++found.folders_within;
        if (recursive) todo.push_back(entry->path());
      } else if (has_photo_ending(entry->path())) {
        found.photos.push_back(entry->path());
      } else {
        found.others.add(entry->path());
      }
    }
    if (error) found.problems.push_back({folder, "cannot be read: " + error.message()});
  }
  std::sort(found.photos.begin(), found.photos.end(),
            [](const fs::path& a, const fs::path& b) { return naturally_before(a.native(), b.native()); });
  return found;
}

ClassFolders find_class_folders(const fs::path& folder) {
  ClassFolders found;
  for (auto entry = fs::directory_iterator(folder, found.error); !found.error && entry != fs::directory_iterator();
       entry.increment(found.error)) {
    if (is_tool_name(entry->path().filename().native())) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      found.folders.push_back(entry->path());
    } else if (has_photo_ending(entry->path())) {
      ++found.stray;
    }
  }
  std::sort(found.folders.begin(), found.folders.end());
  return found;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) list += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? fmt::format("{} and {} more", list, names.size() - most) : list;
}

bool naturally_before(std::string_view a, std::string_view b) {
  const int order = compare_naturally(a, b);
  return order != 0 ? order < 0 : a < b;
}

void tell_orientations(std::size_t photos, Observer& observer) {
  if (photos == 0) return;
  observer.note(photos == 1 ? "1 photo carries an EXIF orientation that is not heeded; --exif heeds it"
                            : fmt::format("{} photos carry an EXIF orientation that is not heeded; --exif heeds it", photos));
}

}  // namespace resnet::cli
