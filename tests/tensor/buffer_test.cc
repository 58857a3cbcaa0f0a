#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "lib/base/error.h"
#include "lib/tensor/tensor.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::Each;
using ::testing::HasSubstr;

TEST(Buffer, IsZeroedAndAligned) {
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 100'000u}) {
    const auto buffer = Buffer::allocate(size);
    ASSERT_EQ(buffer->bytes().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->bytes().data()) % Buffer::alignment, 0u) << size;
    EXPECT_THAT(buffer->bytes(), Each(std::byte{0}));
  }
}

// The address sanitizer watches this one.
TEST(Buffer, MayBeReadPastItsEnd) {
  const auto buffer = Buffer::allocate(5);
  const std::byte* end = buffer->bytes().data() + buffer->bytes().size();
  int sum = 0;
  for (std::size_t i = 0; i < Buffer::tail; ++i) sum += std::to_integer<int>(end[i]);
  EXPECT_EQ(sum, 0);
}

TEST(Buffer, RefusesMoreThanThereIs) {
  for (const std::size_t size : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() - Buffer::tail,
                                 std::numeric_limits<std::size_t>::max() / 2}) {
    const auto [kind, line] = error_of([&] { Buffer::allocate(size); });
    EXPECT_EQ(kind, Fault::malformed);
    EXPECT_EQ(line, std::to_string(size) + " bytes do not fit into memory");
  }
}

// Below what a process can address, but nobody has it: not the model's fault, and another exit code.
TEST(Buffer, TellsOfTooLittleMemory) {
  const std::size_t size = std::size_t{1} << 46;
  const auto [kind, line] = error_of([&] { Buffer::allocate(size); });
  EXPECT_EQ(kind, Fault::exhausted);
  EXPECT_EQ(line, "not enough memory: " + std::to_string(size) + " bytes more are needed");
}

TEST(Buffer, MapsAFile) {
  const TemporaryFolder folder;
  const std::string content("mapped\0bytes", 12);
  const auto file = folder.write("weights.bin", content);
  const auto buffer = Buffer::map_file(file);
  std::filesystem::remove(file);  // the mapping outlives the name
  const auto bytes = buffer->bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), content);
}

TEST(Buffer, MapsAnEmptyFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(Buffer::map_file(folder.write("empty", ""))->bytes().size(), 0u);
}

TEST(Buffer, NamesWhatCannotBeMapped) {
  const TemporaryFolder folder;
  const auto none = folder.path() / "none.bin";
  auto [kind, line] = error_of([&] { Buffer::map_file(none); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_EQ(line, none.string() + ": cannot be opened: No such file or directory");
  std::tie(kind, line) = error_of([&] { Buffer::map_file(folder.path()); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_THAT(line, HasSubstr(folder.path().string() + ": is a folder"));
  std::tie(kind, line) = error_of([&] { Buffer::map_file("/dev/null"); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_EQ(line, "/dev/null: is not a regular file");
}

TEST(Buffer, ViewKeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::vector<std::byte>>(4, std::byte{7});
  const std::weak_ptr<std::vector<std::byte>> watch = owner;
  auto view = Buffer::view(*owner, owner);
  owner.reset();
  ASSERT_FALSE(watch.expired());
  EXPECT_THAT(view->bytes(), Each(std::byte{7}));
  view.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Buffer, MutableViewWritesToItsOwner) {
  auto owner = std::make_shared<std::vector<std::byte>>(2, std::byte{0});
  const auto view = Buffer::mutable_view(*owner, owner);
  view->mutable_bytes()[1] = std::byte{9};
  EXPECT_EQ((*owner)[1], std::byte{9});
}

}  // namespace
}  // namespace resnet
