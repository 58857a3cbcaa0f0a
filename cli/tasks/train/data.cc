#include "cli/tasks/train/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/feed/photo_files.h"
#include "formats/labels/labels.h"
#include "lib/base/error.h"
#include "lib/base/random.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t cifar_classes = 10;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// data_batch_1.bin and so on; none where the folder holds none.
std::vector<fs::path> cifar_batches(const fs::path& folder) {
  std::vector<fs::path> batches;
  std::error_code error;  // of what is not a folder, or cannot be read, which is said later
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with("data_batch") && is_cifar_batch(entry->path()))
      batches.push_back(entry->path());
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

void add_cifar(const fs::path& batch, std::int64_t classes, const Stop& stop, std::vector<train::Example>& examples) {
  const Dataset dataset = load_dataset({.data = batch.string(), .ground_truth = {}, .class_map = {}}, {}, classes, stop);
  std::vector<image::Pixels> photos = read_cifar_batch(batch);
  for (std::size_t i = 0; i < photos.size(); ++i) examples.push_back({{}, dataset.samples[0].truths[i], std::move(photos[i])});
}

class Loader {
 public:
  Loader(std::optional<std::span<const std::string>> labels, std::int64_t classes, const Stop& stop)
      : labels_(labels), classes_(classes), stop_(stop) {}

  std::vector<train::Example> load(const fs::path& data) {
    std::vector<train::Example> examples;
    std::vector<fs::path> batches = cifar_batches(data);
    if (is_cifar_batch(data)) batches = {data};
    if (!batches.empty()) {
      if (!labels_ && names.empty()) names = *labels::find("cifar10");
      for (const fs::path& batch : batches) add_cifar(batch, labels_ ? classes_ : cifar_classes, stop_, examples);
      files.insert(files.end(), batches.begin(), batches.end());
      return examples;
    }
    if (!labels_ && names.empty()) {
      if (!is_folder(data)) refuse(fmt::format("{}: expected a folder with a folder for each class", data.string()));
      const ClassFolders found = find_class_folders(data);
      if (found.error) refuse(fmt::format("{}: cannot be read: {}", data.string(), found.error.message()));
      for (const fs::path& folder : found.folders) names.push_back(folder.filename().string());
      if (names.empty()) refuse(fmt::format("{}: holds no folders, expected one for each class", data.string()));
    }
    const auto known = labels_ ? *labels_ : std::span<const std::string>(names);
    Dataset dataset = load_dataset({.data = data.string(), .ground_truth = {}, .class_map = {}}, known,
                                   labels_ ? classes_ : static_cast<std::int64_t>(names.size()), stop_);
    // Not as one that is empty: the pictures are there, and a run that continues without them would learn something else.
    if (!dataset.unreadable.empty()) throw Error(Fault::unreadable, Frame::file(Role::input), dataset.unreadable);
    for (std::string& note : dataset.notes) notes.push_back(std::move(note));
    for (std::string& failure : dataset.failures) notes.push_back(std::move(failure));
    others.add(dataset.others);
    if (!dataset.list.empty()) files.push_back(dataset.list);
    for (Sample& sample : dataset.samples) examples.push_back({std::move(sample.file), sample.truths.at(0), {}});
    return examples;
  }

  std::vector<std::string> names, notes;
  std::vector<fs::path> files;
  OtherFiles others;

 private:
  [[noreturn]] static void refuse(std::string what) { throw Error(Fault::invalid, std::move(what)); }

  std::optional<std::span<const std::string>> labels_;
  std::int64_t classes_;
  Stop stop_;
};

// The folder's own division, where it has one. `tested`: what is tested on lies elsewhere.
std::pair<fs::path, fs::path> divided(const fs::path& data, bool tested) {
  if (!is_folder(data / "train")) return {data, {}};
  if (tested) return {data / "train", {}};
  for (const char* name : {"val", "validation", "valid", "test"}) {
    if (is_folder(data / name)) return {data / "train", data / name};
  }
  return {data, {}};
}

void check_classes(const TrainingData& data, const fs::path& folder, bool named_by_folders) {
  const std::set<std::int64_t> seen = train::truths_of(data.training);
  if (named_by_folders && is_folder(folder)) {
    for (std::size_t i = 0; i < data.classes.size(); ++i) {
      if (seen.contains(static_cast<std::int64_t>(i)) || !is_folder(folder / data.classes[i])) continue;
      throw Error(Fault::unreadable, Frame::file(Role::input),
                  fmt::format("{}: holds no pictures; add some, or remove the folder", (folder / data.classes[i]).string()));
    }
  }
  if (seen.size() < 2) {
    throw Error(Fault::unreadable, Frame::file(Role::input),
                fmt::format("{}: all pictures are of one class, expected at least two classes", folder.string()));
  }
}

// The same share of each class, and what is left for training, both in the order that they had.
void hold_out(double share, std::uint64_t seed, TrainingData& data) {
  std::map<std::int64_t, std::vector<std::size_t>> of_class;
  for (std::size_t i = 0; i < data.training.size(); ++i) of_class[data.training[i].truth].push_back(i);
  std::vector<bool> is_held_out(data.training.size());
  for (auto& [truth, places] : of_class) {
    const auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(places.size())));
    Draws draws(stream_key(seed, fmt::format("held out of class {}", truth)));
    for (std::size_t i = 0; i < std::min(count, places.size() - 1); ++i) {
      std::swap(places[i], places[i + draws.below(places.size() - i)]);
      is_held_out[places[i]] = true;
    }
  }
  std::vector<train::Example> kept;
  for (std::size_t i = 0; i < data.training.size(); ++i)
    (is_held_out[i] ? data.test : kept).push_back(std::move(data.training[i]));
  data.training = std::move(kept);
  if (data.test.empty()) {
    throw Error(Fault::invalid,
                fmt::format("--validation {:g}: is less than one picture of any class, expected a larger share", share));
  }
}

}  // namespace

TrainingData load_training_data(const std::string& data, const TestOn& test_on,
                                std::optional<std::span<const std::string>> labels, std::int64_t classes, const Stop& stop) {
  auto [training, test] = divided(data, test_on.share || !test_on.data.empty());
  if (!test_on.data.empty()) test = test_on.data;
  std::error_code ignored;
  if (test.empty() && !test_on.share && !cifar_batches(training).empty() && fs::exists(training / "test_batch.bin", ignored))
    test = training / "test_batch.bin";
  Loader loader(labels, classes, stop);
  TrainingData result;
  result.training = loader.load(training);
  if (!test.empty()) result.test = loader.load(test);
  result.classes = labels ? std::vector<std::string>(labels->begin(), labels->end()) : loader.names;
  result.notes = std::move(loader.notes);
  result.files = std::move(loader.files);
  if (!loader.others.empty()) result.notes.push_back(loader.others.to_string());
  check_classes(result, training, !labels);
  if (test_on.share) hold_out(*test_on.share, test_on.seed, result);
  return result;
}

}  // namespace resnet::cli
