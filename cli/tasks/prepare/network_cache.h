// Networks as they run, kept in the user's cache folder so that the next process maps them and neither parses nor packs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/task.h"
#include "formats/native/prepared.h"
#include "lib/base/threads.h"

namespace resnet::cli {

// Several processes may use one folder at a time: files appear whole, and whoever has one mapped keeps it when it is removed.
// What is kept is run as it is: a folder or a file that another user owns, or that others may write to, is not read, whoever runs
// the program. Only files that this program has made are listed, counted and removed: their names say so, and their first bytes.
class NetworkCache {
 public:
  // RESNET_CLI_CACHE, else resnet-cli/networks in XDG_CACHE_HOME or ~/.cache; RESNET_CLI_CACHE_MIB, else 2048. Throws
  // Error(invalid) for a limit that is no number.
  NetworkCache();

  const std::filesystem::path& folder() const { return folder_; }
  std::uint64_t limit_in_mib() const { return limit_in_mib_; }

  // Why the folder is not used: another user owns it, or others may write to it. Empty where it is, or where it is not there.
  std::string distrust() const;

  // The key of a network: `identity`, what it is (text_of_prepared), and `asked`, what it is made ready for. It also names this
  // program, down to the executable, and the processor.
  static std::string key_of(const std::string& identity, const std::string& asked);

  // Nothing where it is not there, is not to be trusted, is damaged or was made of other weights: keep() replaces it.
  std::optional<native::PreparedNetwork> find(const std::string& key, const std::filesystem::path& model, ThreadPool& pool) const;

  // Written for the next time; the files that were not used for the longest time go where there are more bytes than the limit.
  // The folder is made for this user alone where it is not there; one that is there stays as it is. What cannot be written is not
  // kept; returns why.
  std::string keep(const native::PreparedNetwork& network, ThreadPool& pool) const;

  struct Entry {
    std::filesystem::path file;
    std::string model, key;
    std::uint64_t bytes = 0;
    std::chrono::system_clock::time_point last_used;
  };
  // The one that was used last comes first.
  std::vector<Entry> entries() const;
  // How many files, and how many bytes they had.
  struct Cleared {
    std::size_t files = 0;
    std::uint64_t bytes = 0;
  };
  // Throws Error(unwritable) where one cannot be removed.
  Cleared clear() const;

 private:
  std::filesystem::path file_of(const std::string& key) const;

  std::filesystem::path folder_;
  std::uint64_t limit_in_mib_;
};

// The cache, or, with a note that says why, none where its folder is not to be trusted.
std::optional<NetworkCache> open_cache(Observer& observer);

}  // namespace resnet::cli
