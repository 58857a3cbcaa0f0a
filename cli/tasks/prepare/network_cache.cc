#include "cli/tasks/prepare/network_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/measure/machine.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view extension = ".prepared";
constexpr std::size_t digest_digits = 32;

class Descriptor {
 public:
  explicit Descriptor(int opened) : opened_(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (opened_ >= 0) close(opened_);
  }
  int get() const { return opened_; }
  explicit operator bool() const { return opened_ >= 0; }

 private:
  int opened_;
};

Descriptor open_folder(const fs::path& folder) {
  return Descriptor(folder.empty() ? -1 : open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}
// Without waiting for a pipe, and never through a link.
Descriptor open_in(const Descriptor& folder, const std::string& name) {
  return Descriptor(openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

bool is_own(const struct stat& status) { return status.st_uid == geteuid(); }
bool others_may_write(const struct stat& status) { return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0; }

std::string distrust_of(const Descriptor& folder) {
  struct stat status {};
  if (fstat(folder.get(), &status) != 0) return std::strerror(errno);
  if (!is_own(status)) return fmt::format("belongs to another user ({})", status.st_uid);
  if (others_may_write(status)) return fmt::format("others may write to it (mode {:o})", status.st_mode & 07777u);
  return "";
}

// DIGEST.prepared, and DIGEST.prepared.XXXXXX, which version 0.1.0 left where it was killed.
bool is_entry_name(std::string_view name) {
  const std::size_t whole = digest_digits + extension.size();
  if (name.size() != whole && (name.size() != whole + 7 || name[whole] != '.')) return false;
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::all_of(name.begin(), name.begin() + digest_digits, is_digit) &&
         name.substr(digest_digits, extension.size()) == extension;
}

// Whether this program has made it, as far as its owner and its first bytes show.
bool is_entry(const Descriptor& file, struct stat& status) {
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || !is_own(status)) return false;
  std::array<char, 8> head{};
  const ssize_t got = pread(file.get(), head.data(), head.size(), 0);
  return got >= 0 && native::is_prepared({head.data(), static_cast<std::size_t>(got)});
}

// The program that is running, which a new build replaces.
std::string this_program() {
  struct stat status {};
  if (stat("/proc/self/exe", &status) != 0) return RESNET_VERSION;
  return fmt::format("{} {} {}.{}", RESNET_VERSION, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

std::string NetworkCache::key_of(const std::string& identity, const std::string& asked) {
  return fmt::format("model {}; {}; resnet-cli {}; {}", identity, asked, this_program(), this_machine().processor);
}

fs::path NetworkCache::file_of(const std::string& key) const {
  ThreadPool alone(1);
  return folder_ / (digest(std::as_bytes(std::span(key)), alone) + std::string(extension));
}

std::optional<native::PreparedNetwork> NetworkCache::find(const std::string& key, const fs::path& model, ThreadPool& pool) const {
  if (folder_.empty()) return std::nullopt;
  const fs::path file = file_of(key);
  const Descriptor folder = open_folder(folder_);
  if (!folder || !distrust_of(folder).empty()) return std::nullopt;
  const Descriptor opened = open_in(folder, file.filename().string());
  struct stat status {};
  if (!is_entry(opened, status) || others_may_write(status)) return std::nullopt;
  try {
    native::PreparedNetwork network = native::read_prepared(opened.get(), file, pool);
    if (network.key != key) return std::nullopt;
    for (const auto& [name, expected] : network.data_digests) {
      if (digest_of_file(model.parent_path() / name, pool) != expected) return std::nullopt;
    }
    futimens(opened.get(), nullptr);  // used now
    return network;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string NetworkCache::keep(const native::PreparedNetwork& network, ThreadPool& pool) const {
  if (folder_.empty()) return "no folder for it: neither XDG_CACHE_HOME nor HOME is set";
  const std::uint64_t limit = limit_in_mib_ << 20;
  std::uint64_t size = 0;
  for (const auto& [node, packed] : network.packed_weights) size += packed->bytes().size();
  if (size > limit) return fmt::format("{} MiB are more than the cache's {}", size >> 20, limit >> 20);
  std::error_code failed;
  if (folder_.has_parent_path()) fs::create_directories(folder_.parent_path(), failed);
  if (failed) return fmt::format("{}: cannot be made: {}", folder_.parent_path().string(), failed.message());
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
    return fmt::format("{}: cannot be made: {}", folder_.string(), std::strerror(errno));
  if (const std::string why = distrust(); !why.empty()) return why;
  const fs::path file = file_of(network.key);
  try {
    native::write_prepared(network, file, pool);
  } catch (const Error& error) {
    return error.what();
  }
  std::uint64_t total = 0;
  for (const Entry& entry : entries()) {
    total += entry.bytes;
    if (total > limit && entry.file != file) fs::remove(entry.file, failed);
  }
  return "";
}

std::string NetworkCache::distrust() const {
  const Descriptor folder = open_folder(folder_);
  if (!folder) return "";
  const std::string why = distrust_of(folder);
  return why.empty() ? "" : fmt::format("{}: {}, so no networks are kept or read there", folder_.string(), why);
}

std::vector<NetworkCache::Entry> NetworkCache::entries() const {
  std::vector<Entry> entries;
  const Descriptor folder = open_folder(folder_);
  if (!folder) return entries;
  const int listed = fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);  // readdir closes its own
  const std::unique_ptr<DIR, void (*)(DIR*)> names(listed >= 0 ? fdopendir(listed) : nullptr, [](DIR* d) { closedir(d); });
  while (const dirent* found = names ? readdir(names.get()) : nullptr) {
    const std::string name = found->d_name;
    if (!is_entry_name(name)) continue;
    const Descriptor opened = open_in(folder, name);
    struct stat status {};
    if (!is_entry(opened, status)) continue;
    Entry entry;
    entry.file = folder_ / name;
    entry.bytes = static_cast<std::uint64_t>(status.st_size);
    entry.last_used = std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
    try {
      auto [key, model] = native::read_prepared_summary(opened.get(), entry.file);
      entry.key = std::move(key);
      entry.model = std::move(model);
    } catch (const Error&) {
      // Damaged: it is listed, without a name.
    }
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(b.last_used, a.file) < std::pair(a.last_used, b.file); });
  return entries;
}

NetworkCache::Cleared NetworkCache::clear() const {
  Cleared cleared;
  for (const Entry& entry : entries()) {
    std::error_code failed;
    if (!fs::remove(entry.file, failed) && failed)
      throw Error(Fault::unwritable, fmt::format("{}: cannot be removed: {}", entry.file.string(), failed.message()));
    ++cleared.files;
    cleared.bytes += entry.bytes;
  }
  return cleared;
}

std::optional<NetworkCache> open_cache(const CacheSettings& settings, Observer& observer) {
  NetworkCache cache(settings);
  const std::string why = cache.distrust();
  if (why.empty()) return cache;
  observer.note(why);
  return std::nullopt;
}

}  // namespace resnet::cli
