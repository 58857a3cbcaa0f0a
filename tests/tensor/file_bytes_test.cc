#include "lib/tensor/file_bytes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/observe.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string copied(const FileBytes& file, std::uint64_t offset, std::size_t size) {
  std::string out(size, '?');
  file.copy(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

TEST(FileBytes, MappedAndInMemoryAreTheSame) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("f", "0123456789");
  const auto mapping = Buffer::map_file(path);
  for (const FileBytes& file : {FileBytes::map(path), FileBytes(mapping), FileBytes::map(path).part(0, 10)}) {
    EXPECT_EQ(file.text(), "0123456789");
    EXPECT_EQ(copied(file, 3, 4), "3456");
    EXPECT_EQ(copied(file, 10, 0), "");
    EXPECT_EQ(text_of(file.view(8, 2)->bytes()), "89");
    const FileBytes part = file.part(2, 6), inner = part.part(1, 3);
    EXPECT_EQ(part.text(), "234567");
    EXPECT_EQ(inner.text(), "345");
    EXPECT_EQ(copied(inner, 1, 2), "45");
    EXPECT_EQ(text_of(inner.view(2, 1)->bytes()), "5");
  }
}

TEST(FileBytes, ViewsKeepTheMapping) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("f", "0123456789");
  std::shared_ptr<const Buffer> view = FileBytes::map(path).view(1, 3), other = FileBytes::map(path).part(4, 6).view(0, 2);
  EXPECT_EQ(text_of(view->bytes()), "123");
  EXPECT_EQ(text_of(other->bytes()), "45");
}

TEST(FileBytes, AnEmptyFileAndNone) {
  const test::TemporaryFolder folder;
  const FileBytes file = FileBytes::map(folder.write("f", ""));
  EXPECT_EQ(file.text(), "");
  EXPECT_EQ(file.view(0, 0)->bytes().size(), 0u);
  const auto [fault, line] = test::error_of([&] { FileBytes::map(folder.path() / "none"); });
  EXPECT_EQ(fault, Fault::unreadable);
  EXPECT_TRUE(line.ends_with("cannot be opened: No such file or directory")) << line;
}

TEST(FileBytes, AFileThatBecameShorter) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("f", std::string(10'000, 'x'));
  const FileBytes file = FileBytes::map(path);
  ASSERT_EQ(truncate(path.c_str(), 5000), 0);
  EXPECT_EQ(copied(file, 4000, 1000), std::string(1000, 'x'));
  const auto [fault, line] = test::error_of([&] { copied(file, 4000, 1001); });
  EXPECT_EQ(fault, Fault::unreadable);
  EXPECT_EQ(line, "became shorter while it was read");
}

#ifndef RESNET_SANITIZED
std::size_t resident() {
  std::size_t whole = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> whole >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(FileBytes, WhatIsNotUsedAnyMoreIsNotMemory) {
  constexpr std::size_t size = 32 << 20, little = 4 << 20;
  const test::TemporaryFolder folder;
  const std::string path = folder.write("f", std::string(size, 'x'));
  const FileBytes file = FileBytes::map(path);
  const std::size_t before = resident();
  const auto sum = [](const Buffer& buffer) {
    std::size_t all = 0;
    for (const std::byte byte : buffer.bytes()) all += static_cast<std::size_t>(byte);
    return all;
  };
  for (int i = 0; i < 2; ++i) {
    std::shared_ptr<const Buffer> view = file.view(0, size);
    EXPECT_EQ(sum(*view), size * 'x');
    EXPECT_GT(resident(), before + size - little);
    view = nullptr;
    EXPECT_LT(resident(), before + little);
  }
  // What another still uses comes again.
  const std::shared_ptr<const Buffer> rest = file.view(1000, size - 1000);
  EXPECT_EQ(sum(*rest), (size - 1000) * 'x');
  EXPECT_EQ(sum(*file.view(0, size)), size * 'x');
  EXPECT_EQ(sum(*rest), (size - 1000) * 'x');
}
#endif

}  // namespace
}  // namespace resnet
