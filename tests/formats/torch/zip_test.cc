#include "formats/torch/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using testing::HasSubstr;

const std::string sixteen = "0123456789abcdef", zeros(5000, '\0');

std::string sample(const test::ZipOptions& options = {}) {
  return test::zip({{"a/data.pkl", "N."}, {"a/data/0", sixteen}, {"a/data/1", zeros, true}, {"a/empty", ""}}, options);
}

std::string read(const Archive& archive, std::string_view name) {
  const Archive::Entry* entry = archive.find(name);
  if (entry == nullptr) return "not there";
  std::string out(entry->size, '?');
  archive.read(*entry, std::as_writable_bytes(std::span(out)));
  return out;
}

// Of the directory, or of reading all that is in it.
std::string complaint(const std::string& bytes) {
  try {
    const Archive archive(File{test::buffer_of(bytes)});
    for (const Archive::Entry& entry : archive.entries()) read(archive, entry.name);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.what();
  }
  return "";
}

std::string with(std::string bytes, std::size_t at, const std::string& change) {
  return bytes.replace(at, change.size(), change);
}

TEST(Zip, StoredAndDeflatedInEveryLayout) {
  for (const bool aligned : {true, false}) {
    for (const bool descriptors : {true, false}) {
      for (const bool zip64 : {true, false}) {
        for (const bool wide_sizes : {true, false}) {
          const std::string bytes =
              sample({.aligned = aligned, .descriptors = descriptors, .zip64 = zip64, .wide_sizes = wide_sizes});
          const Archive archive(File{test::buffer_of(bytes)});
          ASSERT_EQ(archive.entries().size(), 4u);
          EXPECT_EQ(archive.entries()[0].name, "a/data.pkl");
          EXPECT_EQ(read(archive, "a/data/0"), sixteen);
          EXPECT_EQ(read(archive, "a/data/1"), zeros);
          EXPECT_EQ(read(archive, "a/empty"), "");
          EXPECT_EQ(archive.find("a/data/2"), nullptr);
          if (aligned) {
            EXPECT_EQ(archive.find("a/data/0")->offset % 64, 0u);
          }
        }
      }
    }
  }
}

// Also where an entry is longer than what is looked at in one go.
TEST(Zip, CheckingSaysWhatReadingSays) {
  std::string large(700'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * i >> 7);
  const std::string whole = test::zip({{"a/stored", large}, {"a/deflated", large, true}});
  const std::size_t stored = whole.find(large), deflated = whole.find("a/deflated") + 100, directory = whole.find("PK\1\2");
  ASSERT_NE(stored, whole.npos);
  const auto checked = [](const std::string& bytes) {
    std::string all;
    const Archive archive(File{test::buffer_of(bytes)});
    for (const Archive::Entry& entry : archive.entries()) {
      const auto line_of = [](const auto& work) {
        try {
          work();
        } catch (const Error& error) {
          return std::string(error.what());
        }
        return std::string();
      };
      const std::string checking = line_of([&] { archive.check(entry); });
      EXPECT_EQ(checking, line_of([&] { read(archive, entry.name); }));
      all += checking;
    }
    return all;
  };
  EXPECT_EQ(checked(whole), "");
  EXPECT_THAT(checked(with(whole, stored + 600'000, "??")), HasSubstr("entry 'a/stored' has another CRC"));
  for (std::size_t at = deflated; at < directory - 100; at += (directory - deflated) / 50)
    EXPECT_THAT(checked(with(whole, at, "\xaa\x55\xaa")), HasSubstr("entry 'a/deflated' ")) << at;
}

TEST(Zip, EveryBeginningIsAnError) {
  const std::string whole = sample();
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(complaint(whole.substr(0, size)), "") << size;
  EXPECT_EQ(complaint(whole), "");
}

TEST(Zip, ACommentMayFollow) {
  std::string bytes = sample();
  bytes.replace(bytes.size() - 2, 2, test::little(7, 2));
  EXPECT_EQ(complaint(bytes + "PK\5\6..."), "");
}

TEST(Zip, DamageIsNamed) {
  const std::string plain = sample({.aligned = false, .descriptors = false, .zip64 = false});
  ASSERT_EQ(complaint(plain), "");
  const std::size_t directory = plain.find("PK\1\2"), end = plain.rfind("PK\5\6"), data = plain.find(sixteen);
  EXPECT_THAT(complaint(with(plain, data, "X")), HasSubstr("entry 'a/data/0' has another CRC than the directory says"));
  EXPECT_THAT(complaint(with(plain, 30, "b")), HasSubstr("'a/data.pkl' is named 'b/data.pkl' in its own header"));
  EXPECT_THAT(complaint(with(plain, 18, "\3")), HasSubstr("contradict each other"));
  EXPECT_THAT(complaint(with(plain, 0, "PK\3\5")), HasSubstr("no header at byte 0"));
  EXPECT_THAT(complaint(with(plain, directory + 42, "\xff\xff\xff\x7f")), HasSubstr("is at byte 2147483647"));
  EXPECT_THAT(complaint(with(plain, end + 16, "\xff\xff\xff\x7f")), HasSubstr("its directory is at byte 2147483647"));
  EXPECT_THAT(complaint(with(plain, end + 8, std::string("\5\0\5", 3))), HasSubstr("cannot have 5 entries"));
  EXPECT_THAT(complaint(with(plain, end + 8, "\5")), HasSubstr("several parts"));
  EXPECT_THAT(complaint(with(with(plain, 6, "\1"), directory + 8, "\1")), HasSubstr("is encrypted"));
  EXPECT_THAT(complaint(with(with(plain, 8, "\x63"), directory + 10, "\x63")), HasSubstr("method 99"));
  // What was deflated is longer or shorter than it says.
  const std::size_t packed = plain.find("PK\3\4", data), listed = plain.find("PK\1\2", plain.find("PK\1\2", directory + 1) + 1);
  EXPECT_THAT(complaint(with(with(plain, packed + 22, "\1"), listed + 24, "\1")), HasSubstr("'a/data/1' is longer"));
  EXPECT_THAT(complaint(with(with(plain, packed + 22, "\xff"), listed + 24, "\xff")), HasSubstr("'a/data/1' is shorter"));
  EXPECT_THAT(complaint(with(with(plain, packed + 25, "\1"), listed + 27, "\1")), HasSubstr("inflated of"));
  EXPECT_THAT(complaint(test::zip({{"a", "1"}, {"a", "2"}})), HasSubstr("two entries named 'a'"));
}

TEST(Zip, EndsThatContradictEachOther) {
  const std::string wide = sample();
  const std::size_t end64 = wide.rfind("PK\6\6"), locator = wide.rfind("PK\6\7"), end = wide.rfind("PK\5\6");
  EXPECT_THAT(complaint(with(wide, end64 + 32, "\x03")), HasSubstr("contradict each other"));
  EXPECT_THAT(complaint(with(wide, end64, "PK\6\5")), HasSubstr("zip64 end is not where it should be"));
  EXPECT_THAT(complaint(with(wide, locator + 8, std::string(8, '\xff'))),
              HasSubstr("its zip64 end is at byte 18446744073709551615"));
  const std::string saturated = with(wide, end + 8, std::string(12, '\xff'));
  EXPECT_EQ(complaint(saturated), "");
  EXPECT_THAT(complaint(with(with(saturated, end64 + 24, std::string(8, '\xff')), end64 + 32, std::string(8, '\xff'))),
              HasSubstr("cannot have 18446744073709551615 entries"));
}

TEST(Zip, OverlappingEntriesAreRefused) {
  // The second's record in the directory points at the first.
  const std::string both =
      test::zip({{"a", "12345678"}, {"b", "12345678"}}, {.aligned = false, .descriptors = false, .zip64 = false});
  const std::size_t second = both.rfind("PK\1\2"), first = both.find("PK\1\2");
  std::string bytes = with(both, second + 42, std::string(4, '\0'));
  bytes = with(bytes, second + 46, "a");
  EXPECT_THAT(complaint(bytes), HasSubstr("two entries named 'a'"));
  ASSERT_NE(first, second);
  // A second header within the first's data.
  const std::string inner = test::zip({{"b", "x"}}, {.aligned = false, .descriptors = false, .zip64 = false});
  const std::string header = inner.substr(0, inner.find("PK\1\2"));
  std::string nested = test::zip({{"a", header}, {"b", "x"}}, {.aligned = false, .descriptors = false, .zip64 = false});
  nested = with(nested, nested.rfind("PK\1\2") + 42, test::little(31, 4));
  EXPECT_THAT(complaint(nested), HasSubstr("its entries overlap"));
}

}  // namespace
}  // namespace resnet::torch
