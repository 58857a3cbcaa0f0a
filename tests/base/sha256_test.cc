#include "lib/base/sha256.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

std::string sum_of(const std::string& text, std::size_t piece) {
  Sha256 sum;
  for (std::size_t at = 0; at < text.size(); at += piece) sum.add(std::string_view(text).substr(at, piece));
  return sum.digits();
}

TEST(Sha256, TheStandardsExamples) {
  EXPECT_EQ(sum_of("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sum_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sum_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sum_of(std::string(1'000'000, 'a'), 4096), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesOfAnySizeGiveTheSame) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string part = text.substr(0, size);
    EXPECT_EQ(sum_of(part, 1), sum_of(part, 1000)) << size;
    EXPECT_EQ(sum_of(part, 63), sum_of(part, 64)) << size;
  }
}

TEST(Sha256, OfAFile) {
  const test::TemporaryFolder folder;
  const std::string text(3'000'000, 'x');
  const int descriptor = open(folder.write("file", text).c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(sha256_of_file(descriptor), sum_of(text, 100'000));
  close(descriptor);
}

}  // namespace
}  // namespace resnet
