// Outputs that are compared with files of the repository, byte by byte.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/assets.h"

namespace resnet::test {

// Compares with testdata/NAME; RESNET_WRITE_GOLDEN=1 writes it instead, to be looked at.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path file = testdata() / name;
  if (std::getenv("RESNET_WRITE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  std::ifstream stream(file, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(text == golden) << name << " is not what was written: RESNET_WRITE_GOLDEN=1 writes " << file
                              << ", and git shows the difference";
}

}  // namespace resnet::test
