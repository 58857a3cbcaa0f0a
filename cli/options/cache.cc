#include "cli/options/cache.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

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
    throw Error(Fault::invalid, fmt::format("RESNET_CLI_CACHE_MIB is '{}', expected a number of MiB", text));
  return static_cast<std::uint64_t>(*limit);
}

}  // namespace

CacheSettings cache_settings() { return {folder_of_user(), limit_of_user()}; }

}  // namespace resnet::cli
