// What a worker has computed of a chunk: FOLDER/parts/BLOCK/CHUNK, bytes that nothing here looks into and a last line about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::cli {

// What became of some inputs: bytes of the whole output, and how many of the inputs failed.
struct Computed {
  std::string bytes;
  std::size_t failed = 0;
  std::vector<double> seconds = {};  // that the command's own stages took, if it has any

  // What became of the inputs after these.
  void add(const Computed& next);
};
// Stage by stage.
void add_seconds(std::vector<double>& to, const std::vector<double>& more);

struct PartEndLine {
  std::size_t chunk = 0, inputs = 0, failed = 0, bytes = 0;
  double seconds = 0;  // that its inputs took
  std::string digest, host;
  std::string version = {};         // of the program
  std::int64_t process = 0;         // its number on the host
  std::vector<double> stages = {};  // as Computed::seconds
};

// FOLDER/KIND/BLOCK/CHUNK: no more than 1,000 names in a folder.
std::filesystem::path place_of(const std::filesystem::path& folder, std::string_view kind, std::size_t chunk);

// False where another worker was first. Throws Error(unwritable).
bool publish_part(const std::filesystem::path& folder, std::size_t chunk, std::size_t inputs, const Computed& computed,
                  double seconds);

struct Part {
  PartEndLine end;
  std::string bytes;
};
// Nothing where it is not there. Throws Error(unreadable) "FOLDER/parts/0/1: is damaged".
std::optional<Part> read_part(const std::filesystem::path& folder, std::size_t chunk);
// The last line alone; nothing where it is not there or damaged.
std::optional<PartEndLine> read_part_end(const std::filesystem::path& folder, std::size_t chunk);

std::string name_of_host();

}  // namespace resnet::cli
