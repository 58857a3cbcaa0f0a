// Tensors are loaded when they are asked for, and what is made for them is made once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const test::View first{.size = {2}, .stride = {1}, .elements = 6}, second{.size = {2}, .stride = {1}, .offset = 2, .elements = 6},
    turned{.size = {2, 3}, .stride = {1, 2}, .elements = 6};

// Of one deflated storage.
std::string packed(const std::string& storage) {
  const std::string pickled =
      test::pickle(test::dict({{"a", test::tensor(first)}, {"b", test::tensor(second)}, {"c", test::tensor(turned)}}));
  return test::archive(pickled, {}, {{"archive/data/0", storage, true}});
}

TEST(LazyTensors, ADeflatedStorageIsInflatedOnceForAllItsTensors) {
  const Weights weights = test::parse_text(packed(test::counting(6)));
  const Tensor a = test::tensor_of(weights, "a");
  EXPECT_EQ(test::tensor_of(weights, "b").bytes().data(), a.bytes().data() + 8);
  EXPECT_THAT(test::tensor_of(weights, "c").values_as<float>(), ElementsAre(1, 3, 5, 2, 4, 6));
  // Also what is loaded again.
  EXPECT_EQ(test::tensor_of(weights, "a").bytes().data(), a.bytes().data());
}

TEST(LazyTensors, ItIsKeptUntilTheLastOfThemWasLoaded) {
  const Weights weights = test::parse_text(packed(test::counting(6)));
  const auto alive = [&](const char* name) {
    const Tensor tensor = test::tensor_of(weights, name);
    return tensor.bytes().data();
  };
  const std::byte* at = alive("a");
  EXPECT_EQ(alive("b"), at + 8);
  EXPECT_THAT(test::tensor_of(weights, "c").values_as<float>(), ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(1, 2));
}

TEST(LazyTensors, WhatDeflatedEntriesHoldIsJudgedWhenItIsRead) {
  std::string bytes = packed(test::counting(6));
  const std::size_t directory = bytes.find("PK\1\2"), entry = bytes.find("archive/data/0", directory);
  bytes[entry - 46 + 16] = static_cast<char>(bytes[entry - 46 + 16] ^ 1);  // its CRC
  const Weights weights = test::parse_text(bytes);
  const auto expect_refusal = [&](const auto& work) {
    try {
      work();
      ADD_FAILURE() << "it was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::malformed);
      EXPECT_EQ(error.role(), Role::model);
      EXPECT_THAT(error.what(), HasSubstr("x.pth: tensor 'b': is a damaged zip archive: entry 'archive/data/0' has another CRC"));
    }
  };
  ASSERT_EQ(weights.tensors[1].name, "b");
  expect_refusal([&] { weights.tensors[1].tensor.load(); });
  expect_refusal([&] { weights.tensors[1].tensor.check(); });
}

TEST(LazyTensors, WhatIsStoredIsJudgedAtOnce) {
  std::string bytes = test::archive(test::pickle(test::dict({{"a", test::tensor(first)}})), {test::counting(6)});
  bytes[bytes.find(test::counting(6))] ^= 1;
  try {
    test::parse_text(bytes);
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.pth: tensor 'a': is a damaged zip archive: entry 'archive/data/0' has another CRC"));
  }
}

// torch.hub's zip of a file of the old format: in place where it is stored.
TEST(LazyTensors, AFileInAZipIsReadWhereItLies) {
  const test::View view{.size = {4}, .stride = {1}, .elements = 4};
  const std::string inner =
      test::legacy(test::dict({{"a", test::tensor(view, true)}}), {"0"}, test::little(4, 8) + test::counting(4));
  for (const bool deflated : {false, true}) {
    const Weights weights = test::parse_text(test::zip({{"net-0123.pth", inner, deflated}}));
    EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(1, 2, 3, 4)) << deflated;
    std::string damaged = test::zip({{"net-0123.pth", inner, deflated}});
    const std::size_t entry = damaged.find("PK\1\2");
    damaged[entry + 16] = static_cast<char>(damaged[entry + 16] ^ 1);
    EXPECT_THAT(test::complaint(damaged), HasSubstr("entry 'net-0123.pth' has another CRC")) << deflated;
  }
}

}  // namespace
}  // namespace resnet::torch
