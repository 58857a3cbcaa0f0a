#include "formats/torch/legacy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string block(std::int64_t elements, const std::string& bytes) {
  return test::little(static_cast<std::uint64_t>(elements), 8) + bytes;
}

std::string two_tensors() {
  return test::dict({{"a", test::tensor({.key = "94"}, true)},
                     {"b", test::tensor({.size = {2}, .type = "HalfStorage", .key = "17", .elements = 2}, true)}});
}

TEST(LegacyTorch, StoragesInTheOrderOfTheirList) {
  const std::string halves = test::bytes_of({Float16(5).bits, Float16(6).bits});
  const Weights weights =
      test::parse_text(test::legacy(two_tensors(), {"17", "94"}, block(2, halves) + block(4, test::counting(4))));
  EXPECT_EQ(weights.format, "PyTorch (legacy)");
  EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(test::tensor_of(weights, "b").values_as<float>(), ElementsAre(5, 6));
}

TEST(LegacyTorch, ViewsOfStorages) {
  const std::string view = test::tuple({test::text("95"), test::number(2), test::number(2)});
  const std::string value =
      test::reduce(test::global("torch._utils", "_rebuild_tensor"),
                   {test::storage({.key = "94"}, true, view), test::number(1), test::numbers({1}), test::numbers({1})});
  const std::string storages = block(4, test::counting(4));
  const Weights weights = test::parse_text(test::legacy(test::dict({{"a", value}}), {"94"}, storages));
  EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(4));
  const std::string beyond = test::tuple({test::text("95"), test::number(3), test::number(2)});
  const std::string wrong =
      test::reduce(test::global("torch._utils", "_rebuild_tensor"),
                   {test::storage({.key = "94"}, true, beyond), test::number(0), test::numbers({1}), test::numbers({1})});
  EXPECT_THAT(test::complaint(test::legacy(test::dict({{"a", wrong}}), {"94"}, storages)),
              HasSubstr("beyond the end of another"));
}

TEST(LegacyTorch, StoragesAreWhatThePicklesSay) {
  const std::string one = test::dict({{"a", test::tensor({.key = "94"}, true)}});
  const auto complaint = [&](const std::vector<std::string>& keys, const std::string& storages) {
    return test::complaint(test::legacy(one, keys, storages));
  };
  EXPECT_EQ(complaint({"94"}, block(4, test::counting(4))), "");
  EXPECT_THAT(complaint({"94"}, block(4, test::counting(3))),
              HasSubstr("was cut: its storage '94' has 4 elements, 12 bytes follow"));
  EXPECT_THAT(complaint({"94"}, "1234"), HasSubstr("was cut before its storage '94'"));
  EXPECT_THAT(complaint({"94"}, block(5, test::counting(5))), HasSubstr("has 5 elements in its storage '94', expected 4"));
  EXPECT_THAT(complaint({"94"}, block(-4, test::counting(4))), HasSubstr("has -4 elements"));
  EXPECT_THAT(complaint({}, ""), HasSubstr("tensor 'a': its storage '94' is not in the file"));
  EXPECT_THAT(complaint({"9"}, block(4, test::counting(4))), HasSubstr("a storage '9' that no tensor refers to"));
  EXPECT_THAT(complaint({"94", "94"}, block(4, test::counting(4)) + block(4, test::counting(4))), HasSubstr("twice"));
}

TEST(LegacyTorch, AStorageIsTheSameInEveryTensor) {
  // What the file's block is compared with is the first reference; the weight has the second.
  const std::string value =
      test::dict({{"other", test::dict({{"x", test::tensor({.key = "94"}, true)}})},
                  {"state_dict", test::dict({{"a", test::tensor({.size = {40}, .key = "94", .elements = 40}, true)}})}});
  EXPECT_THAT(test::complaint(test::legacy(value, {"94"}, block(4, test::counting(4)))),
              HasSubstr("tensor 'a': its storage '94' has 16 bytes in the file, expected 160"));
}

TEST(LegacyTorch, EveryBeginningIsAnError) {
  const std::string whole = test::legacy(two_tensors(), {"94", "17"}, block(4, test::counting(4)) + block(2, "1234"));
  EXPECT_EQ(test::complaint(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(test::complaint(whole.substr(0, size)), "") << size;
}

TEST(LegacyTorch, OtherPicklesAndMachines) {
  EXPECT_THAT(test::complaint(test::pickle(test::dict({}))), HasSubstr("is a Python pickle that PyTorch did not save"));
  std::string whole = test::legacy(two_tensors(), {}, "");
  whole.replace(whole.find("little_endian") + 13, 1, "\x89");
  EXPECT_THAT(test::complaint(whole), HasSubstr("big-endian machine"));
  whole = test::legacy(two_tensors(), {}, "");
  whole.replace(whole.find("M\xe9\3") + 1, 1, "\xea");
  EXPECT_THAT(test::complaint(whole), HasSubstr("unknown version"));
}

TEST(LegacyTorch, ZippedByTorchHub) {
  const std::string inner =
      test::legacy(test::dict({{"a", test::tensor({.key = "94"}, true)}}), {"94"}, block(4, test::counting(4)));
  const Weights weights = test::parse_text(test::zip({{"resnet18.pth", inner, true}}));
  EXPECT_EQ(weights.format, "PyTorch (legacy)");
  EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(test::complaint(test::zip({{"photo.jpg", inner, true}})), HasSubstr("is a ZIP archive"));
}

}  // namespace
}  // namespace resnet::torch
