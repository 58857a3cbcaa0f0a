#include "cli/tasks/quantize/photos.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/progress.h"
#include "formats/npy/npy.h"
#include "lib/base/error.h"
#include "lib/base/prefetch.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Some of them, evenly spread, in their order.
template <typename T>
std::vector<T> spread(std::vector<T> all, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<T> some;
  for (std::size_t i = 0; i < most; ++i) some.push_back(std::move(all[i * all.size() / most]));
  return some;
}

}  // namespace

Photos::Photos(const std::vector<std::string>& arguments, std::size_t most, const Network& network, const NetworkOptions& options,
               const TaskContext& context)
    : network_(network), options_(options), context_(context) {
  add_arguments(arguments);
  files_ = spread(std::move(files_), most);
  if (!files_.empty()) most_per_file_ = (most + files_.size() - 1) / files_.size();
}

Photos::Photos(std::vector<fs::path> files, const Network& network, const NetworkOptions& options, const TaskContext& context)
    : network_(network), options_(options), context_(context), files_(std::move(files)) {}

void Photos::add_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> others;
  for (const std::string& argument : arguments) {
    if (fs::path(argument).extension() != ".csv") {
      if (argument.starts_with('@')) context_.before_reading(argument.substr(1));
      others.push_back(argument);
      continue;
    }
    context_.before_reading(argument);
    const Dataset listed = load_dataset({.data = argument}, network_.labels, network_.scores.classes.value_or(1), context_.stop);
    for (const Sample& sample : listed.samples) files_.push_back(sample.file);
  }
  Inputs inputs(std::move(others), {.recursive = true}, context_.stop);
  while (const auto next = inputs.next()) {
    if (!next->error.empty()) {
      context_.observer.error(fmt::format("{}: {}", next->path.string(), next->error));
      ++failed_;
      continue;
    }
    files_.push_back(next->path);
  }
  if (const std::string note = inputs.take_note(); !note.empty()) context_.observer.note(note);
  for (const fs::path& file : files_) context_.before_reading(file);
}

std::vector<PreparedImage> Photos::images_of(const fs::path& file) const {
  const Preprocessing& preprocessing = network_.preprocessing.preprocessing;
  std::vector<PreparedImage> images;
  if (file.extension() == ".npy") {
    for (Values& values : split(npy::read(file), network_.input)) images.emplace_back(std::move(values));
    return images;
  }
  std::vector<image::Pixels> photos = read_cifar_batch(file);
  if (photos.empty()) {
    photos.push_back(image::decode(file, {.exif = preprocessing.exif,
                                          .max_pixels = options_.max_pixels,
                                          .unheeded_orientations = &turned_,
                                          .stop = context_.stop}));
  }
  if (most_per_file_) photos = spread(std::move(photos), *most_per_file_);
  for (const image::Pixels& photo : photos) images.emplace_back(image::prepare(photo, preprocessing));
  return images;
}

Photos::Loaded Photos::load(const fs::path& file) const {
  Loaded loaded;
  try {
    loaded.images = images_of(file);
    if (most_per_file_) loaded.images = spread(std::move(loaded.images), *most_per_file_);
    for (const PreparedImage& image : loaded.images) {
      if (not_finite(image) > 0) throw Error(Fault::unreadable, Frame::file(Role::input), "holds values that are not finite");
      const auto wrong = wrong_size(network_.input, network_.preprocessing.preprocessing, width_of(image), height_of(image));
      if (wrong) throw Error(Fault::unreadable, Frame::file(Role::input), *wrong);
    }
  } catch (const Error& error) {
    if (error.role() != Role::input) throw;
    loaded.images.clear();
    loaded.error = error.without_file();
  } catch (const std::bad_alloc&) {
    loaded.images.clear();
    loaded.error = "is too large for the memory";
  }
  return loaded;
}

void Photos::for_each(std::size_t batch, const std::string& progress, const Take& take) {
  const std::size_t threads = context_.threads.decoding();
  Prefetch<Loaded> ahead(
      files_.size(), [this](std::size_t index) { return load(files_[index]); }, threads, 2 * threads + 2);
  Progress line(context_.observer, progress);
  std::vector<PreparedImage> waiting;
  std::vector<PhotoPlace> places;
  const auto flush = [&] {
    if (!waiting.empty()) take(waiting, places);
    waiting.clear();
    places.clear();
  };
  const auto cancelled = [this] { return context_.stop.requested(); };
  std::size_t failed = 0;
  for (std::size_t file = 0; file < files_.size(); ++file) {
    std::optional<Loaded> loaded = ahead.next(cancelled);
    context_.stop.check();
    if (!loaded->error.empty()) {
      ++failed;
      if (!has_told_) context_.observer.error(fmt::format("{}: {}", files_[file].string(), loaded->error));
    }
    for (std::size_t i = 0; i < loaded->images.size(); ++i) {
      const PreparedImage& image = loaded->images[i];
      if (!waiting.empty() && (!have_same_size(waiting[0], image) || waiting.size() == batch)) flush();
      waiting.push_back(image);
      places.push_back({file, i});
      context_.stop.check();
    }
    line.update(file + 1, files_.size());
  }
  flush();
  if (!has_told_) {
    failed_ += failed;
    tell_orientations(turned_, context_.observer);
  }
  has_told_ = true;
}

}  // namespace resnet::cli
