#include "cli/tasks/feed/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "formats/labels/labels.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/files.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t cifar_pixels = 32 * 32, cifar_record = 1 + 3 * cifar_pixels;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::invalid, what); }

std::string lower(std::string text) {
  for (char& c : text) {
    if (c == '_') c = ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// What a class may be called, and its index.
class Classes {
 public:
  Classes(std::span<const std::string> labels, std::int64_t classes) : count_(classes) {
    const auto wnids = labels::imagenet1k_wnids();
    const auto imagenet = static_cast<std::int64_t>(wnids.size());
    first_ = classes == imagenet + 1 ? 1 : 0;
    if (classes == imagenet || classes == imagenet + 1) {
      for (std::size_t i = 0; i < wnids.size(); ++i) by_name_.emplace(wnids[i], static_cast<std::int64_t>(i) + first_);
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto [entry, is_new] = by_name_.emplace(lower(labels[i]), static_cast<std::int64_t>(i));
      if (!is_new && entry->second != static_cast<std::int64_t>(i)) ambiguous_.insert(lower(labels[i]));
    }
  }

  // By its number, its name or its WordNet id.
  std::optional<std::int64_t> find(const std::string& text) const {
    if (const auto number = parse_integer(text)) {
      return *number >= 0 && *number < count_ ? number : std::nullopt;
    }
    return find_name(text);
  }
  std::optional<std::int64_t> find_name(const std::string& text) const {
    const std::string key = lower(text);
    const auto found = by_name_.find(key);
    if (found == by_name_.end() || ambiguous_.contains(key)) return std::nullopt;
    return found->second;
  }
  std::int64_t count() const { return count_; }
  // 1 after a background class, which photos have no folder for.
  std::int64_t first() const { return first_; }

 private:
  std::int64_t count_, first_ = 0;
  std::map<std::string, std::int64_t> by_name_;
  std::set<std::string> ambiguous_;  // names that two classes have, such as ImageNet's two cranes
};

constexpr std::uintmax_t most_list_bytes = std::uintmax_t{256} << 20;

// Without a byte order mark. What is not text is refused.
std::vector<std::string> lines_of(const fs::path& file) {
  std::string text = read_file(file, Role::argument, {.most_bytes = most_list_bytes, .expected = "a list of files and classes"});
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    refuse(fmt::format("{}: is UTF-16, expected UTF-8", file.string()));
  if (const auto kind = kind_of_content(std::string_view(text).substr(0, kind_bytes)))
    refuse(fmt::format("{}: is {}, expected a list of files and classes", file.string(), kind->name));
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (std::string& line : lines) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
  }
  return lines;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\""), end = text.find_last_not_of(" \t\"");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

// "file,class": in quotes as RFC 4180 has them, or else parted by the last comma, so that a file's name may hold one.
std::optional<std::pair<std::string, std::string>> parse_row(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin != std::string::npos && line[begin] == '"') {
    std::string file;
    std::size_t i = begin + 1;
    for (; i < line.size(); ++i) {
      if (line[i] == '"' && line.substr(i + 1, 1) != "\"") break;
      file += line[i];
      if (line[i] == '"') ++i;
    }
    const std::size_t comma = line.find_first_not_of(" \t", i + 1);
    if (i < line.size() && comma != std::string::npos && line[comma] == ',')
      return std::pair(file, trimmed(line.substr(comma + 1)));
    if (i == line.size()) return std::nullopt;  // a quote that nothing closes
  }
  const std::size_t comma = line.rfind(',');
  if (comma == std::string::npos) return std::nullopt;
  return std::pair(trimmed(line.substr(0, comma)), trimmed(line.substr(comma + 1)));
}

// Whether a first line names columns: none of them is a number.
bool is_header(const std::string& line) {
  const std::vector<std::string> words = split(line, ',');
  return std::none_of(words.begin(), words.end(),
                      [](const std::string& word) { return parse_integer(trimmed(word)).has_value(); });
}

// A line for each file. A first line whose class and file are neither there is a header.
Dataset read_csv(const fs::path& csv, const Classes& classes) {
  constexpr std::size_t longest_header = 4096;
  Dataset dataset;
  dataset.list = csv;
  std::size_t number = 0;
  for (const std::string& line : lines_of(csv)) {
    ++number;
    if (trimmed(line).empty()) continue;
    const auto where = [&] { return fmt::format("{}: line {}", csv.string(), number); };
    const auto row = parse_row(line);
    if (!row) {
      refuse(fmt::format("{}: expected a file and its class{}, as in 'dog.jpg,207'", where(),
                         line.find_first_of(";\t") == std::string::npos ? "" : " parted by a comma"));
    }
    const fs::path file = csv.parent_path() / row->first;
    const auto truth = classes.find(row->second);
    if (!truth) {
      std::error_code none;
      const bool may_be_header = number == 1 && line.size() <= longest_header && is_header(line);
      if (may_be_header && !fs::exists(fs::symlink_status(file, none))) continue;
      refuse(fmt::format("{}: '{}' is not a class of the model, expected a number from 0 to {}, a label or a WordNet id", where(),
                         table::printable(row->second.substr(0, 100)), classes.count() - 1));
    }
    dataset.samples.push_back({file, {*truth}});
  }
  return dataset;
}

// ILSVRC's own numbers (1 to 1000, in another order than the classes of a network): lines of a WordNet id and a number.
std::map<std::int64_t, std::int64_t> read_class_map(const std::string& file, const Classes& classes) {
  std::map<std::int64_t, std::int64_t> map;
  std::size_t number = 0;
  for (const std::string& line : lines_of(file)) {
    ++number;
    std::optional<std::int64_t> ilsvrc, index;
    for (const std::string& word : split(line, line.find(',') != std::string::npos ? ',' : ' ')) {
      const std::string text = trimmed(word);
      if (!ilsvrc) {
        ilsvrc = parse_integer(text);
        if (ilsvrc) continue;
      }
      if (!index && !text.empty() && text[0] == 'n') index = classes.find_name(text);
    }
    if (trimmed(line).empty()) continue;
    if (!ilsvrc || !index)
      refuse(fmt::format("{}: line {}: expected a WordNet id and a number, as in 'n02119789 1'", file, number));
    map[*ilsvrc] = *index;
  }
  return map;
}

Dataset read_with_ground_truth(const DatasetOptions& options, const Classes& classes, Stop stop) {
  Dataset dataset;
  FolderPhotos found = find_photos(options.data, false, stop);
  if (!found.problems.empty()) refuse(fmt::format("{}: {}", options.data, found.problems.front().reason));
  dataset.others = std::move(found.others);
  const std::vector<fs::path>& photos = found.photos;
  std::vector<std::string> lines = lines_of(options.ground_truth);
  while (!lines.empty() && trimmed(lines.back()).empty()) lines.pop_back();
  if (lines.size() != photos.size()) {
    refuse(fmt::format("{}: {} lines for the {} photos of {}", options.ground_truth, lines.size(), photos.size(), options.data));
  }
  std::map<std::int64_t, std::int64_t> map;
  if (!options.class_map.empty()) {
    map = read_class_map(options.class_map, classes);
  } else {
    dataset.notes.push_back(
        fmt::format("{}: numbers are taken as the model's own, from 0; override with --class-map", options.ground_truth));
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string text = trimmed(lines[i]);
    std::optional<std::int64_t> truth;
    const auto number = parse_integer(text);
    if (number && !options.class_map.empty()) {
      if (const auto known = map.find(*number); known != map.end()) truth = known->second;
    } else {
      truth = classes.find(text);
    }
    if (!truth)
      refuse(fmt::format("{}: line {}: '{}' is not a class of the model", options.ground_truth, i + 1, table::printable(text)));
    dataset.samples.push_back({photos[i], {*truth}});
  }
  return dataset;
}

// The classes of folders, by their names or in their order.
std::vector<std::int64_t> classes_of(const std::vector<fs::path>& folders, const std::string& data, const Classes& classes,
                                     std::vector<std::string>& notes) {
  std::vector<std::optional<std::int64_t>> found;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const auto index = classes.find_name(name);
    found.push_back(index ? index : classes.find(name));
  }
  const bool none_known = std::none_of(found.begin(), found.end(), [](const auto& index) { return index.has_value(); });
  const bool in_order = none_known && static_cast<std::int64_t>(folders.size()) == classes.count();
  if (in_order) notes.push_back(fmt::format("{}: its folders are not classes by name and are taken in their order", data));
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (!in_order && !found[i]) {
      refuse(fmt::format("{}: is not a class of the model by its name, expected a label, a WordNet id or a number from 0 to {}",
                         folders[i].string(), classes.count() - 1));
    }
    result.push_back(in_order ? static_cast<std::int64_t>(i) : *found[i]);
  }
  return result;
}

// Says which classes have no folder.
void note_missing(const std::vector<std::int64_t>& with_folder, const std::string& data, const Classes& classes,
                  std::span<const std::string> labels, std::vector<std::string>& failures) {
  const std::set<std::int64_t> known(with_folder.begin(), with_folder.end());
  std::vector<std::string> missing;
  for (std::int64_t i = classes.first(); i < classes.count(); ++i) {
    if (!known.contains(i)) missing.push_back(labels::label_or_number(labels, i));
  }
  if (missing.empty()) return;
  failures.push_back(fmt::format("{}: {} of {} classes {} no folder: {}", data, missing.size(), classes.count() - classes.first(),
                                 missing.size() == 1 ? "has" : "have", list_of(missing)));
}

Dataset read_folders(const DatasetOptions& options, const ClassFolders& within, const Classes& classes,
                     std::span<const std::string> labels, Stop stop) {
  Dataset dataset;
  const std::vector<std::int64_t> truths = classes_of(within.folders, options.data, classes, dataset.notes);
  std::vector<std::string> empty;
  for (std::size_t i = 0; i < within.folders.size(); ++i) {
    FolderPhotos found = find_photos(within.folders[i], true, stop);
    for (const FolderProblem& problem : found.problems) {
      dataset.failures.push_back(fmt::format("{}: {}", problem.folder.string(), problem.reason));
      if (dataset.unreadable.empty()) dataset.unreadable = dataset.failures.back();
    }
    if (found.photos.empty() && found.problems.empty()) empty.push_back(within.folders[i].filename().string());
    for (fs::path& photo : found.photos) dataset.samples.push_back({std::move(photo), {truths[i]}});
    dataset.others.add(found.others);
  }
  if (empty.size() == 1)
    dataset.failures.push_back(fmt::format("{}: holds no photos", (fs::path(options.data) / empty[0]).string()));
  if (empty.size() > 1)
    dataset.failures.push_back(
        fmt::format("{}: {} class folders hold no photos: {}", options.data, empty.size(), list_of(empty)));
  note_missing(truths, options.data, classes, labels, dataset.failures);
  if (within.stray > 0)
    dataset.notes.push_back(fmt::format("{}: photos beside the class folders are left out ({})", options.data, within.stray));
  return dataset;
}

// A byte of class, then 32x32 levels of red, green and blue.
void for_each_cifar_record(const fs::path& file, const std::function<void(std::span<const char>)>& take) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> record(cifar_record);
  bool any = false;
  for (; stream.read(record.data(), static_cast<std::streamsize>(record.size())); any = true) take(record);
  if (stream.gcount() == 0 && any) return;
  throw Error(Fault::unreadable, Frame::file(Role::input),
              fmt::format("{}: is not a CIFAR-10 batch: its size is not a multiple of {} bytes", file.string(), cifar_record));
}

image::Pixels pixels_of(std::span<const char> record) {
  image::Pixels photo{32, 32, std::vector<std::uint8_t>(3 * cifar_pixels)};
  for (std::size_t i = 0; i < cifar_pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) photo.rgb[i * 3 + c] = static_cast<std::uint8_t>(record[1 + c * cifar_pixels + i]);
  }
  return photo;
}

}  // namespace

bool is_cifar_batch(const fs::path& file) {
  std::error_code ignored;
  return file.extension() == ".bin" && fs::is_regular_file(file, ignored);
}

std::vector<image::Pixels> read_cifar_batch(const fs::path& file) {
  std::vector<image::Pixels> photos;
  if (!is_cifar_batch(file)) return photos;
  for_each_cifar_record(file, [&photos](std::span<const char> record) { photos.push_back(pixels_of(record)); });
  return photos;
}

std::vector<image::Pixels> read_cifar_photos(const fs::path& file, std::span<const std::size_t> numbers) {
  std::vector<image::Pixels> photos;
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> record(cifar_record);
  for (const std::size_t number : numbers) {
    stream.seekg(static_cast<std::streamoff>(number * cifar_record));
    if (!stream.read(record.data(), static_cast<std::streamsize>(record.size()))) break;
    photos.push_back(pixels_of(record));
  }
  if (photos.empty() && !numbers.empty())
    throw Error(Fault::unreadable, Frame::file(Role::input),
                fmt::format("{}: cannot be read, or has none of the images that were listed", file.string()));
  return photos;
}

std::size_t Dataset::photos() const {
  std::size_t count = 0;
  for (const Sample& sample : samples) count += sample.truths.size();
  return count;
}

Dataset load_dataset(const DatasetOptions& options, std::span<const std::string> labels, std::int64_t count, Stop stop) {
  const Classes classes(labels, count);
  const fs::path data = options.data;
  std::error_code ignored;
  Dataset dataset;
  if (fs::is_directory(data, ignored)) {
    const ClassFolders within = find_class_folders(data);
    if (within.error) refuse(fmt::format("{}: cannot be read: {}", options.data, within.error.message()));
    if (!options.ground_truth.empty()) {
      dataset = read_with_ground_truth(options, classes, stop);
    } else if (!within.folders.empty()) {
      dataset = read_folders(options, within, classes, labels, stop);
    } else if (fs::exists(data / "labels.csv", ignored)) {
      dataset = read_csv(data / "labels.csv", classes);
    } else {
      refuse(fmt::format("{}: expected a folder per class, a labels.csv, or --ground-truth", options.data));
    }
  } else if (is_cifar_batch(data)) {
    Sample sample{data, {}};
    for_each_cifar_record(data, [&](std::span<const char> record) {
      const int truth = static_cast<unsigned char>(record[0]);
      if (truth >= count)
        refuse(
            fmt::format("{}: image {} is of class {}, expected 0 to {}", options.data, sample.truths.size(), truth, count - 1));
      sample.truths.push_back(truth);
    });
    dataset.samples.push_back(std::move(sample));
  } else if (fs::exists(data, ignored)) {
    dataset = read_csv(data, classes);
  } else {
    refuse(fmt::format("{}: there is no such file or folder", options.data));
  }
  if (dataset.samples.empty()) refuse(fmt::format("{}: holds no photos", options.data));
  return dataset;
}

}  // namespace resnet::cli
