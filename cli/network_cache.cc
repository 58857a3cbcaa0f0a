#include "cli/network_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "cli/parse.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/measure/machine.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* extension = ".prepared";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path folder_of_user() {
  if (const std::string folder = environment("RESNET_CLI_CACHE"); !folder.empty()) return folder;
  const std::string cache = environment("XDG_CACHE_HOME"), home = environment("HOME");
  if (!cache.empty() && fs::path(cache).is_absolute()) return fs::path(cache) / "resnet-cli" / "networks";
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "resnet-cli" / "networks";
}

std::uint64_t limit_of_user() {
  const std::string text = environment("RESNET_CLI_CACHE_MIB");
  if (text.empty()) return 2048;
  const auto limit = parse_integer(text);
  if (!limit || *limit < 0 || *limit > (std::int64_t{1} << 40))
    throw Error(ErrorKind::usage, fmt::format("RESNET_CLI_CACHE_MIB is '{}', expected a number of MiB", text));
  return static_cast<std::uint64_t>(*limit);
}

// The program that is running, which a new build replaces.
std::string this_program() {
  struct stat status {};
  if (stat("/proc/self/exe", &status) != 0) return RESNET_VERSION;
  return fmt::format("{} {} {}.{}", RESNET_VERSION, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

NetworkCache::NetworkCache() : folder_(folder_of_user()), limit_in_mib_(limit_of_user()) {}

std::string NetworkCache::key_of(const std::string& identity, const std::string& asked) {
  return fmt::format("model {}; {}; resnet-cli {}; {}", identity, asked, this_program(), this_machine().processor);
}

fs::path NetworkCache::file_of(const std::string& key) const {
  ThreadPool alone(1);
  return folder_ / (digest(std::as_bytes(std::span(key)), alone) + extension);
}

std::optional<native::PreparedNetwork> NetworkCache::find(const std::string& key, const fs::path& model, ThreadPool& pool) const {
  if (folder_.empty()) return std::nullopt;
  const fs::path file = file_of(key);
  std::error_code none;
  if (!fs::exists(file, none)) return std::nullopt;
  try {
    native::PreparedNetwork network = native::read_prepared(file, pool);
    if (network.key != key) return std::nullopt;
    for (const auto& [name, expected] : network.data_digests) {
      if (digest_of_file(model.parent_path() / name, pool) != expected) return std::nullopt;
    }
    fs::last_write_time(file, fs::file_time_type::clock::now(), none);
    return network;
  } catch (const Error&) {
    fs::remove(file, none);
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
  fs::create_directories(folder_, failed);
  if (failed) return fmt::format("{}: cannot be made: {}", folder_.string(), failed.message());
  fs::permissions(folder_, fs::perms::owner_all, failed);  // what is in it is run as it is
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

std::vector<NetworkCache::Entry> NetworkCache::entries() const {
  std::vector<Entry> entries;
  std::error_code failed;
  for (fs::directory_iterator at(folder_, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().filename().string().find(extension) == std::string::npos) continue;  // unfinished ones, too
    Entry entry;
    entry.file = at->path();
    entry.bytes = at->file_size(failed);
    if (!failed) entry.last_used = at->last_write_time(failed);
    if (std::exchange(failed, {})) continue;  // somebody else removed it
    try {
      auto [key, name] = native::read_prepared_summary(entry.file);
      entry.key = std::move(key);
      entry.model = std::move(name);
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
      throw Error(ErrorKind::output, fmt::format("{}: cannot be removed: {}", entry.file.string(), failed.message()));
    ++cleared.files;
    cleared.bytes += entry.bytes;
  }
  return cleared;
}

}  // namespace resnet::cli
