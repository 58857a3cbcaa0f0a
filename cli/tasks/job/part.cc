#include "cli/tasks/job/part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/tasks/job/new_file.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t per_folder = 1'000;
constexpr std::size_t longest_end = 16'384;  // a stage takes some twenty bytes

std::optional<PartEndLine> parse_end(std::string_view line) {
  try {
    const Json json = Json::parse(line).at("part_end");
    PartEndLine end{json.at("chunk").get<std::size_t>(),  json.at("inputs").get<std::size_t>(),
                    json.at("failed").get<std::size_t>(), json.at("bytes").get<std::size_t>(),
                    json.at("seconds").get<double>(),     json.at("digest").get<std::string>(),
                    json.at("host").get<std::string>()};
    end.version = json.value("version", "");
    end.process = json.value("process", std::int64_t{0});
    if (json.contains("stages")) end.stages = json.at("stages").get<std::vector<double>>();
    return end;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

// Where the last line of it begins; its end where it has none.
std::size_t last_line_of(std::string_view bytes) {
  if (bytes.empty() || bytes.back() != '\n') return bytes.size();
  const std::size_t before = bytes.substr(0, bytes.size() - 1).rfind('\n');
  return before == bytes.npos ? 0 : before + 1;
}

}  // namespace

void add_seconds(std::vector<double>& to, const std::vector<double>& more) {
  to.resize(std::max(to.size(), more.size()), 0);
  for (std::size_t i = 0; i < more.size(); ++i) to[i] += more[i];
}

void Computed::add(const Computed& next) {
  bytes += next.bytes;
  failed += next.failed;
  add_seconds(seconds, next.seconds);
}

fs::path place_of(const fs::path& folder, std::string_view kind, std::size_t chunk) {
  return folder / kind / fmt::format("{}", chunk / per_folder) / fmt::format("{}", chunk);
}

std::string name_of_host() {
  std::array<char, 65> name = {};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

bool publish_part(const fs::path& folder, std::size_t chunk, std::size_t inputs, const Computed& computed, double seconds) {
  Json end = {{"chunk", chunk},
              {"inputs", inputs},
              {"failed", computed.failed},
              {"bytes", computed.bytes.size()},
              {"seconds", seconds},
              {"digest", digest(computed.bytes)},
              {"host", name_of_host()},
              {"process", getpid()},
              {"version", RESNET_VERSION}};
  if (!computed.seconds.empty()) end["stages"] = computed.seconds;
  const std::string line = Json{{"part_end", end}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return publish(place_of(folder, "parts", chunk), computed.bytes + line);
}

std::optional<Part> read_part(const fs::path& folder, std::size_t chunk) {
  const fs::path file = place_of(folder, "parts", chunk);
  auto bytes = read_published(file);
  if (!bytes) return std::nullopt;
  const std::size_t last = last_line_of(*bytes);
  auto end = parse_end(std::string_view(*bytes).substr(last));
  bytes->resize(last);
  if (!end || end->chunk != chunk || end->bytes != bytes->size() || end->digest != digest(*bytes))
    throw Error(Fault::unreadable, Frame::file(Role::argument, file.string()), "is damaged");
  return Part{std::move(*end), std::move(*bytes)};
}

std::optional<PartEndLine> read_part_end(const fs::path& folder, std::size_t chunk) {
  const int descriptor = open(place_of(folder, "parts", chunk).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  const off_t size = lseek(descriptor, 0, SEEK_END);
  std::string bytes(longest_end, '\0');
  const ssize_t count = pread(descriptor, bytes.data(), bytes.size(), std::max<off_t>(0, size - static_cast<off_t>(longest_end)));
  close(descriptor);
  if (count <= 0) return std::nullopt;
  const std::string_view tail(bytes.data(), static_cast<std::size_t>(count));
  return parse_end(tail.substr(last_line_of(tail)));
}

}  // namespace resnet::cli
