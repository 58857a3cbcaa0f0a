// Where tests find real models and photos, and the project's own test data.
#pragma once

#include <filesystem>
#include <optional>

namespace resnet::test {

// RESNET_TEST_ASSETS, else ../shared beside the repository; nothing where neither is there. Use with RESNET_REQUIRE_ASSETS.
std::optional<std::filesystem::path> assets();

// The repository's testdata folder.
std::filesystem::path testdata();

}  // namespace resnet::test

// Skips the test, visibly, where the assets are not there.
#define RESNET_REQUIRE_ASSETS() \
  if (!::resnet::test::assets()) GTEST_SKIP() << "no test assets: RESNET_TEST_ASSETS is not set and ../shared is not there"
