#include "tests/support/assets.h"

#include <cstdlib>

namespace resnet::test {

namespace fs = std::filesystem;

std::optional<fs::path> assets() {
  if (const char* given = std::getenv("RESNET_TEST_ASSETS"); given != nullptr && *given != '\0') return fs::path(given);
  fs::path beside = fs::path(RESNET_SOURCE_DIR).parent_path() / "shared";
  if (fs::is_directory(beside / "models")) return beside;
  return std::nullopt;
}

fs::path testdata() { return fs::path(RESNET_SOURCE_DIR) / "testdata"; }

}  // namespace resnet::test
