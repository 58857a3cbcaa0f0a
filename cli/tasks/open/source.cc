#include "cli/tasks/open/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/open/built_in.h"
#include "formats/hubconfig/hubconfig.h"
#include "formats/native/native.h"
#include "lib/base/digest.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// In the order in which they are looked for, as transformers does.
constexpr std::array<std::string_view, 4> published_names = {"model.safetensors", "model.safetensors.index.json",
                                                             "pytorch_model.bin", "pytorch_model.bin.index.json"};
// Of files of other names, in timm's order and then others that PyTorch's users give them.
constexpr std::array<std::string_view, 7> weights_endings = {".safetensors", ".pth", ".pth.tar", ".bin", ".pt", ".th", ".ckpt"};
constexpr std::array<const char*, 2> configuration_names = {"config.json", "preprocessor_config.json"};

}  // namespace

std::optional<fs::path> weights_in(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : published_names) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  if (!fs::is_regular_file(folder / "config.json", ignored)) return std::nullopt;
  for (const std::string_view name : {"pytorch_model.pth", "model.pth"}) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  for (const std::string_view ending : weights_endings) {
    std::optional<fs::path> only;
    std::size_t count = 0;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
      if (!entry->path().native().ends_with(ending) || !entry->is_regular_file(ignored)) continue;
      only = entry->path();
      ++count;
    }
    if (count > 0) return count == 1 ? only : std::nullopt;
  }
  return std::nullopt;
}

bool has_weights_ending(const fs::path& file) {
  return std::any_of(weights_endings.begin(), weights_endings.end(),
                     [&](std::string_view ending) { return file.native().ends_with(ending); });
}

bool is_published_folder(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return false;
  if (weights_in(path)) return true;
  // A folder of photos may hold a file of that name, too.
  return fs::is_regular_file(path / "config.json", ignored) &&
         std::none_of(fs::directory_iterator(path, ignored), fs::directory_iterator(),
                      [](const fs::directory_entry& entry) { return has_photo_ending(entry.path()); });
}

Source::Source(std::string name) : name_(std::move(name)), path_(name_), is_built_in_(cli::is_built_in(name_)) {
  if (is_built_in_) return;
  std::error_code ignored;
  is_there_ = fs::exists(name_, ignored);
  const bool is_folder = fs::is_directory(name_, ignored);
  if (is_folder) path_ = weights_in(name_).value_or(fs::path(name_) / "").string();
  const bool is_published =
      std::find(published_names.begin(), published_names.end(), fs::path(path_).filename().string()) != published_names.end();
  if (is_folder || is_published) {
    for (const char* known : configuration_names) {
      const fs::path file = configuration_file(known);
      if (fs::is_regular_file(file, ignored))
        configurations_.emplace(
            known, read_file(file, Role::model, {.most_bytes = hubconfig::most_bytes, .expected = "a configuration"}));
    }
  }
  const int opened = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // a pipe is not waited for
  if (opened < 0) return;
  struct stat status {};
  if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(opened);
    return;
  }
  descriptor_ = opened;
  stamp_ = stamp_of(descriptor_);
  head_.resize(kind_bytes);
  const ssize_t got = pread(descriptor_, head_.data(), head_.size(), 0);
  head_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

fs::path Source::configuration_file(const std::string& name) const { return fs::path(path_).parent_path() / name; }

Source::~Source() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool Source::is_native() const {
  if (native::is_native(head_)) return true;
  const std::optional<FileKind> known = kind();
  return name_.ends_with(".resnet") && !(known && known->group == FileGroup::onnx);
}

std::string Source::digest(ThreadPool& pool) const {
  if (is_built_in_) return resnet::digest(built_in_model(), pool);
  const std::string own = is_file() ? digest_of_file(descriptor_, name_, pool) : digest_of_file(name_, pool);
  if (configurations_.empty()) return own;
  std::string all = own;
  for (const auto& [file, text] : configurations_) all += '\n' + file + ' ' + resnet::digest(text);
  return resnet::digest(all);
}

bool Source::has_changed() const {
  if (!is_file()) return false;
  FileStamp now = stamp_of(descriptor_);
  now.changed = stamp_.changed;  // also where only its name went to another file
  return now != stamp_;
}

}  // namespace resnet::cli
