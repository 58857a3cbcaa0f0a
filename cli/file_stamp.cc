#include "cli/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

FileStamp stamp_of(const std::string& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return {};
  // Unsigned: a file may have any time.
  const auto nanoseconds = [](const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  };
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

void check_not_an_input(const char* option, const std::string& output, std::span<const std::string> inputs) {
  if (output.empty() || output == "-") return;
  struct stat status {};
  if (stat(output.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;  // nothing there would be replaced
  const FileStamp stamp = stamp_of(output);
  for (const std::string& input : inputs) {
    if (stamp.is_same_file(stamp_of(input))) {
      throw Error(ErrorKind::usage, fmt::format("{}: {} is one of the inputs, which would be replaced; expected another file",
                                                option, table::printable(output)));
    }
  }
}

}  // namespace resnet::cli
