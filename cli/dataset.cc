#include "cli/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "cli/inputs.h"
#include "cli/parse.h"
#include "formats/labels/labels.h"
#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t cifar_pixels = 32 * 32, cifar_record = 1 + 3 * cifar_pixels;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::usage, what); }

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
    const std::int64_t first = classes == imagenet + 1 ? 1 : 0;  // behind a background class
    if (classes == imagenet || classes == imagenet + 1) {
      for (std::size_t i = 0; i < wnids.size(); ++i) by_name_.emplace(wnids[i], static_cast<std::int64_t>(i) + first);
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

 private:
  std::int64_t count_;
  std::map<std::string, std::int64_t> by_name_;
  std::set<std::string> ambiguous_;  // names that two classes have, such as ImageNet's two cranes
};

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) refuse(fmt::format("{}: cannot be read", file.string()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\""), end = text.find_last_not_of(" \t\"");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

// "file,class" a line; the last comma parts them, so that a file's name may hold one. A first line that is no file is a header.
Dataset read_csv(const fs::path& csv, const Classes& classes) {
  Dataset dataset;
  std::size_t number = 0;
  for (const std::string& line : lines_of(csv)) {
    ++number;
    if (trimmed(line).empty()) continue;
    const std::size_t comma = line.rfind(',');
    const auto where = [&] { return fmt::format("{}: line {}", csv.string(), number); };
    if (comma == std::string::npos) refuse(fmt::format("{}: expected a file and its class, as in 'dog.jpg,207'", where()));
    const std::string file = trimmed(line.substr(0, comma)), name = trimmed(line.substr(comma + 1));
    const auto truth = classes.find(name);
    if (!truth) {
      if (number == 1 && !fs::exists(csv.parent_path() / file)) continue;
      refuse(fmt::format("{}: '{}' is no class of the model, expected a number from 0 to {}, a label or a WordNet id", where(),
                         table::printable(name), classes.count() - 1));
    }
    dataset.samples.push_back({csv.parent_path() / file, {*truth}});
  }
  return dataset;
}

std::vector<fs::path> photos_in(const fs::path& folder, bool recursive) {
  Inputs inputs({folder.string()}, {.recursive = recursive, .null_separated = false});
  std::vector<fs::path> photos;
  while (const auto input = inputs.next()) {
    if (input->error.empty()) photos.push_back(input->path);
  }
  return photos;
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

Dataset read_with_ground_truth(const DatasetOptions& options, const Classes& classes) {
  Dataset dataset;
  const std::vector<fs::path> photos = photos_in(options.data, false);
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
        fmt::format("{}: numbers are taken as the model's own, from 0; --class-map says otherwise", options.ground_truth));
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string text = trimmed(lines[i]);
    std::optional<std::int64_t> truth;
    const auto number = parse_integer(text);
    if (number && !options.class_map.empty()) {
      if (const auto found = map.find(*number); found != map.end()) truth = found->second;
    } else {
      truth = classes.find(text);
    }
    if (!truth)
      refuse(fmt::format("{}: line {}: '{}' is no class of the model", options.ground_truth, i + 1, table::printable(text)));
    dataset.samples.push_back({photos[i], {*truth}});
  }
  return dataset;
}

Dataset read_folders(const DatasetOptions& options, const std::vector<fs::path>& folders, const Classes& classes) {
  Dataset dataset;
  std::vector<std::optional<std::int64_t>> found;
  std::size_t known = 0;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    auto index = classes.find_name(name);
    if (!index) index = classes.find(name);
    found.push_back(index);
    known += index ? 1 : 0;
  }
  if (known == 0 && static_cast<std::int64_t>(folders.size()) == classes.count()) {
    dataset.notes.push_back(fmt::format("{}: its folders are no classes by name and are taken in their order", options.data));
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = static_cast<std::int64_t>(i);
  }
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (!found[i]) {
      refuse(fmt::format("{}: is no class of the model by its name, expected a label, a WordNet id or a number from 0 to {}",
                         folders[i].string(), classes.count() - 1));
    }
    for (const fs::path& photo : photos_in(folders[i], true)) dataset.samples.push_back({photo, {*found[i]}});
  }
  return dataset;
}

// A byte of class, then 32x32 levels of red, green and blue.
void for_each_cifar_record(const fs::path& file, const std::function<void(std::span<const char>)>& take) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> record(cifar_record);
  bool any = false;
  for (; stream.read(record.data(), static_cast<std::streamsize>(record.size())); any = true) take(record);
  if (stream.gcount() == 0 && any) return;
  throw Error(ErrorKind::bad_input,
              fmt::format("{}: is no CIFAR-10 batch: its size is no multiple of {} bytes", file.string(), cifar_record));
}

}  // namespace

bool is_cifar_batch(const fs::path& file) {
  std::error_code ignored;
  return file.extension() == ".bin" && fs::is_regular_file(file, ignored);
}

std::vector<image::Pixels> read_cifar_batch(const fs::path& file) {
  std::vector<image::Pixels> photos;
  if (!is_cifar_batch(file)) return photos;
  for_each_cifar_record(file, [&photos](std::span<const char> record) {
    image::Pixels& photo = photos.emplace_back(image::Pixels{32, 32, std::vector<std::uint8_t>(3 * cifar_pixels)});
    for (std::size_t i = 0; i < cifar_pixels; ++i) {
      for (std::size_t c = 0; c < 3; ++c) photo.rgb[i * 3 + c] = static_cast<std::uint8_t>(record[1 + c * cifar_pixels + i]);
    }
  });
  return photos;
}

std::size_t Dataset::photos() const {
  std::size_t count = 0;
  for (const Sample& sample : samples) count += sample.truths.size();
  return count;
}

Dataset load_dataset(const DatasetOptions& options, std::span<const std::string> labels, std::int64_t count) {
  const Classes classes(labels, count);
  const fs::path data = options.data;
  std::error_code ignored;
  Dataset dataset;
  if (fs::is_directory(data, ignored)) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(data)) {
      if (entry.is_directory()) folders.push_back(entry.path());
    }
    std::sort(folders.begin(), folders.end());
    if (!options.ground_truth.empty()) {
      dataset = read_with_ground_truth(options, classes);
    } else if (!folders.empty()) {
      dataset = read_folders(options, folders, classes);
    } else if (fs::exists(data / "labels.csv")) {
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
