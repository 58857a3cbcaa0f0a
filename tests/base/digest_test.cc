#include "lib/base/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

std::vector<std::byte> bytes_of(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * i / 977 & 0xff);
  return bytes;
}

TEST(Digest, OfAFileIsThatOfItsBytesWhateverTheThreads) {
  const test::TemporaryFolder folder;
  ThreadPool one(1), three(3);
  for (const std::size_t size : {0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5'000'001}) {
    const auto bytes = bytes_of(size);
    const auto file = folder.write("bytes", std::string(reinterpret_cast<const char*>(bytes.data()), size));
    const std::string expected = digest(bytes, one);
    EXPECT_EQ(expected.size(), 32u);
    EXPECT_EQ(digest(bytes, three), expected);
    EXPECT_EQ(digest_of_file(file, one), expected);
    EXPECT_EQ(digest_of_file(file, three), expected);
  }
}

TEST(Digest, EachBitAndTheLengthMatter) {
  ThreadPool pool(2);
  auto bytes = bytes_of(3'000'000);
  std::set<std::string> seen = {digest(bytes, pool), digest(std::span(bytes).first(bytes.size() - 1), pool)};
  for (const std::size_t at : {0u, 999'999u, 1'048'575u, 1'048'576u, 2'999'999u}) {
    bytes[at] ^= std::byte{1};
    seen.insert(digest(bytes, pool));
    bytes[at] ^= std::byte{1};
  }
  EXPECT_EQ(seen.size(), 7u);
  // Blocks that change places.
  std::swap_ranges(bytes.begin(), bytes.begin() + (1 << 20), bytes.begin() + (1 << 20));
  EXPECT_TRUE(seen.insert(digest(bytes, pool)).second);
}

TEST(Digest, OfTextIsThatOfItsBytes) {
  ThreadPool pool(2);
  for (const std::string& text : {std::string(), std::string("a"), std::string(3 << 20, 'x')})
    EXPECT_EQ(digest(text), digest(std::as_bytes(std::span(text)), pool));
  EXPECT_EQ(hash_of("a"), hash_of(std::string("a")));
  EXPECT_NE(hash_of("a"), hash_of("b"));
  EXPECT_NE(hash_of(""), hash_of(std::string(1, '\0')));
}

TEST(Digest, WhatIsNoFileIsSaid) {
  ThreadPool pool(1);
  const test::TemporaryFolder folder;
  const auto error_of = [&](const std::filesystem::path& path) -> std::string {
    try {
      return digest_of_file(path, pool);
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_THAT(error_of(folder.path() / "none"), testing::HasSubstr("none: cannot be opened: No such file"));
  EXPECT_THAT(error_of(folder.path()), testing::HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace resnet
