#include "lib/base/shared_library.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/error.h"

namespace resnet {
namespace {

TEST(SharedLibraryTest, FindsFunctionsByName) {
  const SharedLibrary library("libm.so.6", "the mathematics, which computes");
  double (*cosine)(double) = nullptr;
  library.find("cos", cosine);
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(cosine(0.0), 1.0);
  EXPECT_TRUE(folder_of_library(library.symbol("cos")).ends_with('/')) << folder_of_library(library.symbol("cos"));
}

TEST(SharedLibraryTest, WhatIsMissingIsNamedWithItsPurpose) {
  const auto text_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string missing = text_of([] { SharedLibrary("libnowhere.so.7", "libnowhere, which draws"); });
  EXPECT_TRUE(missing.starts_with("libnowhere, which draws, cannot be loaded: ")) << missing;
  EXPECT_NE(missing.find("libnowhere.so.7"), std::string::npos) << missing;
  EXPECT_EQ(text_of([] { SharedLibrary("libm.so.6", "the mathematics, which computes").symbol("no_such_function"); }),
            "the mathematics, which computes, has no function no_such_function");
}

}  // namespace
}  // namespace resnet
