// What an owner file says, and whether the process that it names still runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace resnet {

struct OwnerRecord {
  std::string host, boot, pid_namespace;  // boot and pid namespace: empty where /proc does not say
  pid_t pid = 0;
  std::uint64_t start = 0;  // of the process, in ticks since the boot; 0 where /proc does not say
  std::string token;
  std::uint64_t beat = 0;

  // This process, with a new token.
  static OwnerRecord of_this_process();
  std::string to_text() const;
  // Where the digits of the count begin in to_text(), and those digits: always as many.
  std::size_t beat_offset() const;
  std::string beat_text() const;
  static std::optional<OwnerRecord> parse(const std::string& text);
  // "process 17 on host a".
  std::string describe() const;
};

enum class Life { runs, is_gone, unknown };
// Unknown: of another boot or pid namespace, or one that may not be looked at.
Life life_of(const OwnerRecord& owner);

// What has the name of an owner file. `text` is empty where nothing is there.
struct OwnerFile {
  std::string text;
  std::optional<OwnerRecord> record;  // none: nothing, or no file of ours
};
// Read afresh each time, never through a link. Throws Error(unwritable) where it cannot be read.
OwnerFile read_owner_file(const std::filesystem::path& file);

}  // namespace resnet
