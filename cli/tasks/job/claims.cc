#include "cli/tasks/job/claims.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/tasks/job/new_file.h"
#include "cli/tasks/job/part.h"
#include "lib/base/owner_record.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// A file's name may say any number.
constexpr std::uint32_t most_generations = 1'000'000, most_asked = 100;

fs::path with(const fs::path& file, std::uint32_t generation, const char* ending = "") {
  return file.string() + fmt::format(".{}{}", generation, ending);
}

// Calls `each` with every name in FOLDER/KIND/*/. What goes meanwhile is not there.
template <typename Each>
void list(const fs::path& folder, const Each& each) {
  std::error_code failed;
  for (fs::directory_iterator block(folder, failed), end; !failed && block != end; block.increment(failed)) {
    std::error_code gone;
    for (fs::directory_iterator entry(block->path(), gone); !gone && entry != end; entry.increment(gone))
      each(entry->path().filename().string());
  }
}

std::optional<std::size_t> number_of(std::string_view text) {
  const auto number = parse_integer(std::string(text));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

}  // namespace

std::vector<ChunkState> look(const fs::path& folder, std::size_t chunks) {
  std::vector<ChunkState> states(chunks);
  std::vector<std::uint32_t> given_back(chunks, 0);
  list(folder / "parts", [&](const std::string& name) {
    const auto chunk = number_of(name);
    if (chunk && *chunk < chunks) states[*chunk].is_done = true;
  });
  list(folder / "claims", [&](const std::string& name) {
    const std::size_t dot = name.find('.');
    if (dot == name.npos) return;
    const std::size_t second = std::min(name.find('.', dot + 1), name.size());
    const auto chunk = number_of(name.substr(0, dot)), generation = number_of(name.substr(dot + 1, second - dot - 1));
    if (!chunk || !generation || *chunk >= chunks) return;
    const std::string ending = name.substr(second);
    if (*generation > most_generations) return;
    std::uint32_t& latest = ending.empty() ? states[*chunk].generation : given_back[*chunk];
    if (ending.empty() || ending == ".back") latest = std::max(latest, static_cast<std::uint32_t>(*generation));
  });
  for (std::size_t i = 0; i < chunks; ++i)
    states[i].was_given_back = states[i].generation > 0 && given_back[i] >= states[i].generation;
  return states;
}

Claim::Claim(fs::path file, std::size_t chunk, std::uint32_t generation)
    : file_(std::move(file)), chunk_(chunk), generation_(generation) {}

std::optional<Claim> Claim::take(const fs::path& folder, std::size_t chunk, std::uint32_t generation) {
  Claim claim(place_of(folder, "claims", chunk), chunk, generation);
  const fs::path file = with(claim.file_, generation);
  const std::string text = OwnerRecord::of_this_process().to_text();
  if (publish(file, text, false)) return claim;
  // A server's reply that is lost turns success into a failure: the file says whose it is.
  if (read_published(file) == text) return claim;
  return std::nullopt;
}

void Claim::give_back() const { publish(with(file_, generation_, ".back"), "", false); }

void Claim::note(std::size_t input) const {
  const int descriptor = open(with(file_, generation_, ".at").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0) return;  // a note that is missing harms nobody
  const std::string text = fmt::format("{:<20}", input);
  static_cast<void>(!pwrite(descriptor, text.data(), text.size(), 0));
  close(descriptor);
}

bool is_of_dead_process(const fs::path& folder, std::size_t chunk, std::uint32_t generation) {
  const auto text = read_published(with(place_of(folder, "claims", chunk), generation));
  if (!text) return false;
  const auto owner = OwnerRecord::parse(*text);
  return owner && life_of(*owner) == Life::is_gone;
}

std::vector<std::size_t> deadly_inputs(const fs::path& folder, std::size_t chunk, std::uint32_t generation) {
  std::map<std::size_t, int> ended;
  for (std::uint32_t i = std::max(first_noting_generation, generation - std::min(generation, most_asked)); i < generation; ++i) {
    const fs::path claim = place_of(folder, "claims", chunk);
    if (is_published(with(claim, i, ".back"))) continue;
    const auto owner = OwnerRecord::parse(read_published(with(claim, i)).value_or(""));
    if (owner && life_of(*owner) == Life::runs) continue;
    const auto text = read_published(with(claim, i, ".at"));
    if (!text) continue;
    if (const auto input = number_of(text->substr(0, text->find(' ')))) ++ended[*input];
  }
  std::vector<std::size_t> inputs;
  for (const auto& [input, count] : ended) {
    if (count > 1) inputs.push_back(input);
  }
  return inputs;
}

}  // namespace resnet::cli
