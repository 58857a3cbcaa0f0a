#include "formats/hub/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <system_error>

#include "formats/hub/name.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/temporaries.h"

namespace resnet::hub {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view models = "models--";

std::string folder_of(const std::string& repository) {
  std::string name(models);
  for (const char c : repository) name += c == '/' ? "--" : std::string(1, c);
  return name;
}

// Whether `path`, of which the links are followed, is `folder` or within it.
bool is_within(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path inner = fs::canonical(path, error);
  if (error) return false;
  const fs::path outer = fs::canonical(folder, error);
  if (error) return false;
  const auto [end, at] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

// `work` writes a file of the cache: whatever is wrong is told of the path.
void fail(const fs::path& path, const std::string& problem) {
  throw Error(Fault::unwritable, Frame::file(Role::output, path.string()), problem);
}

void write_small(const fs::path& path, const std::string& text) {
  AtomicFile file(path, {.follow_link = false});
  file.stream() << text;
  file.commit();
}

}  // namespace

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error && !fs::is_directory(folder, error)) {
    std::error_code why;
    fs::create_directories(folder, why);
    fail(folder, "the folder cannot be made: " + why.message());
  }
}

Repository::Repository(fs::path cache, const std::string& name) : cache_(std::move(cache)), name_(folder_of(name)) {}

std::optional<std::string> Repository::commit_of(const std::string& revision) const {
  const std::string asked = revision.empty() ? "main" : revision;
  if (is_commit(asked)) return asked;
  if (!is_revision(asked)) return std::nullopt;
  const fs::path file = cache_ / name_ / "refs" / asked;
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(file, ignored)) && asked == "main") return only_commit();
  if (!fs::is_regular_file(file, ignored) || !is_within(file, cache_)) return std::nullopt;
  try {
    std::string text = read_file(file, Role::model, {.most_bytes = 100, .expected = "a commit"});
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    if (is_commit(text)) return text;
  } catch (const Error&) {  // damaged: as if it were not there
  }
  return std::nullopt;
}

// The hub's client for JavaScript writes down no branch.
std::optional<std::string> Repository::only_commit() const {
  std::vector<std::string> commits;
  std::error_code error;
  for (fs::directory_iterator entry(cache_ / name_ / "snapshots", error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (is_commit(name)) commits.push_back(std::move(name));
    if (commits.size() > 1) return std::nullopt;
  }
  return commits.empty() ? std::nullopt : std::optional(commits.front());
}

fs::path Repository::snapshot(const std::string& commit) const { return cache_ / name_ / "snapshots" / commit; }

std::optional<fs::path> Repository::find(const std::string& commit, const std::string& file) const {
  if (!is_commit(commit) || !is_inner_path(file)) return std::nullopt;
  fs::path path = snapshot(commit) / file;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return std::nullopt;
  if (!fs::is_regular_file(status)) {
    throw Error(Fault::malformed, Frame::file(Role::model, path.string()), "is not a regular file, expected one in a cache");
  }
  if (!is_within(path, cache_)) {
    throw Error(Fault::malformed, Frame::file(Role::model, path.string()),
                fmt::format("is a link that leads out of the cache {}, which is not followed", cache_.string()));
  }
  return path;
}

bool Repository::is_known_missing(const std::string& commit, const std::string& file) const {
  if (!is_commit(commit) || !is_inner_path(file)) return false;
  std::error_code ignored;
  return fs::exists(cache_ / name_ / ".no_exist" / commit / file, ignored);
}

// A folder within the cache, made part by part: what is there and leads out of the cache is refused before anything is made in
// it.
fs::path Repository::folder(const fs::path& within) const {
  make_folders(cache_);
  std::error_code error;
  const fs::path tag = cache_ / "CACHEDIR.TAG";
  if (!fs::exists(fs::symlink_status(tag, error))) {
    write_small(tag,
                "Signature: 8a477f597d28d172789f06886806bc55\n# This file marks a cache: what is in it can be fetched again.\n");
  }
  fs::path path = cache_;
  for (const fs::path& part : within) {
    path /= part;
    std::error_code why;
    fs::create_directory(path, why);
    if (!fs::is_directory(path, error)) fail(path, "the folder cannot be made: " + why.message());
    if (!is_within(path, cache_)) fail(path, fmt::format("is a link that leads out of the cache {}", cache_.string()));
  }
  return path;
}

fs::path Repository::blob(const std::string& etag) const { return folder(fs::path(name_) / "blobs") / etag; }

fs::path Repository::lock(const std::string& etag) const { return folder(fs::path(".locks") / name_) / (etag + ".lock"); }

void Repository::add(const std::string& commit, const std::string& file, const std::string& etag) const {
  const fs::path inner = fs::path("snapshots") / commit / file;
  const fs::path path = folder(fs::path(name_) / inner.parent_path()) / inner.filename();
  fs::path target;
  for (const fs::path& part : inner.parent_path()) {
    if (!part.empty()) target /= "..";
  }
  target = target / "blobs" / etag;
  std::error_code error;
  if (fs::read_symlink(path, error) == target && !error) return;
  const fs::path temporary = path.parent_path() / temporary_name();
  fs::create_symlink(target, temporary, error);
  // Where links are not to be had, the file is a copy.
  if (error) fs::copy_file(blob(etag), temporary, error);
  if (!error) fs::rename(temporary, path, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  fail(path, "cannot be written: " + error.message());
}

void Repository::set_commit(const std::string& revision, const std::string& commit) const {
  const std::string asked = revision.empty() ? "main" : revision;
  const fs::path inner = fs::path("refs") / asked;
  std::error_code ignored;
  const bool written = fs::exists(fs::symlink_status(cache_ / name_ / inner, ignored));
  if (is_commit(asked) || (written && commit_of(asked) == commit)) return;
  write_small(folder(fs::path(name_) / inner.parent_path()) / inner.filename(), commit);
}

void Repository::set_missing(const std::string& commit, const std::string& file) const {
  if (is_known_missing(commit, file)) return;
  const fs::path inner = fs::path(".no_exist") / commit / file;
  write_small(folder(fs::path(name_) / inner.parent_path()) / inner.filename(), "");
}

std::vector<std::string> cached_repositories(const fs::path& cache, std::size_t most) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(cache, error), end; !error && entry != end && names.size() < most; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with(models)) continue;
    name.erase(0, models.size());
    if (const std::size_t at = name.find("--"); at != std::string::npos) name.replace(at, 2, "/");
    if (is_repository(name) && Repository(cache, name).commit_of("")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace resnet::hub
