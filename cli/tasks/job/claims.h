// Who computes which chunk: hints, so that two do not do the same. Nothing is wrong where they are old or missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace resnet::cli {

// What the folder's listings say of a chunk.
struct ChunkState {
  bool is_done = false;
  bool was_given_back = false;   // by whoever claimed it last
  std::uint32_t generation = 0;  // how often it was claimed
};
// Of all chunks. Nothing is opened, nothing is asked of a file: a listing of names.
std::vector<ChunkState> look(const std::filesystem::path& folder, std::size_t chunks);

// FOLDER/claims/BLOCK/CHUNK.GENERATION, as long as this process computes the chunk; it stays where the process is killed.
class Claim {
 public:
  // Nothing where another process has it. Throws Error(unwritable).
  static std::optional<Claim> take(const std::filesystem::path& folder, std::size_t chunk, std::uint32_t generation);
  // For whoever comes next: another process may begin with it at once.
  void give_back() const;
  // From the third generation on: this input, counted in the chunk, is begun.
  void note(std::size_t input) const;

  std::size_t chunk() const { return chunk_; }
  std::uint32_t generation() const { return generation_; }

 private:
  Claim(std::filesystem::path file, std::size_t chunk, std::uint32_t generation);
  std::filesystem::path file_;
  std::size_t chunk_;
  std::uint32_t generation_;
};

// Whether the process that claimed it ran on this machine and does not run any more.
bool is_of_dead_process(const std::filesystem::path& folder, std::size_t chunk, std::uint32_t generation);
// The inputs of the chunk at which two workers or more ended, of the generations before this one.
std::vector<std::size_t> deadly_inputs(const std::filesystem::path& folder, std::size_t chunk, std::uint32_t generation);

inline constexpr std::uint32_t first_noting_generation = 3;

}  // namespace resnet::cli
