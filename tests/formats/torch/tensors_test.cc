#include "formats/torch/tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using test::View;
using testing::ElementsAre;
using testing::HasSubstr;

// A checkpoint of one tensor 'a' and one storage.
std::string file_of(const std::string& value, const std::string& storage) {
  return test::archive(test::pickle(test::dict({{"a", value}})), {storage});
}

std::vector<double> values(const std::string& value, const std::string& storage) {
  return test::tensor_of(test::parse_text(file_of(value, storage)), "a").values_as<double>();
}

std::string complaint(const View& view, const std::string& storage = test::counting(4)) {
  return test::complaint(file_of(test::tensor(view), storage));
}

TEST(TorchTensors, ViewsWithOffsetsAndStrides) {
  const std::string six = test::counting(6);
  EXPECT_THAT(values(test::tensor({.size = {2, 3}, .stride = {3, 1}, .elements = 6}), six), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(values(test::tensor({.size = {3, 2}, .stride = {1, 3}, .elements = 6}), six), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(values(test::tensor({.size = {2}, .stride = {2}, .offset = 3, .elements = 6}), six), ElementsAre(4, 6));
  EXPECT_THAT(values(test::tensor({.size = {2, 2}, .stride = {0, 1}, .offset = 4, .elements = 6}), six), ElementsAre(5, 6, 5, 6));
  EXPECT_THAT(values(test::tensor({.size = {}, .stride = {}, .offset = 5, .elements = 6}), six), ElementsAre(6));
  EXPECT_THAT(values(test::tensor({.size = {0, 3}, .stride = {3, 1}, .offset = 6, .elements = 6}), six), ElementsAre());
  // Overlapping windows, as unfold() makes them.
  EXPECT_THAT(values(test::tensor({.size = {3, 2}, .stride = {1, 1}, .elements = 6}), six), ElementsAre(1, 2, 2, 3, 3, 4));
  // Channels last: NxCxHxW of 1x2x1x3.
  EXPECT_THAT(values(test::tensor({.size = {1, 2, 1, 3}, .stride = {6, 1, 6, 2}, .elements = 6}), six),
              ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(TorchTensors, RowMajorViewsShareTheBytes) {
  const std::string pickled =
      test::pickle(test::dict({{"a", test::tensor({.size = {2, 3}, .stride = {3, 1}, .elements = 6})},
                               {"b", test::tensor({.size = {3}, .stride = {1}, .offset = 3, .elements = 6})},
                               {"c", test::tensor({.size = {1, 6}, .stride = {77, 1}, .elements = 6})}}));
  const auto file = test::buffer_of(test::archive(pickled, {test::counting(6)}));
  const Weights weights = parse(file, "x.pth");
  const std::byte* first = test::tensor_of(weights, "a").bytes().data();
  EXPECT_TRUE(first > file->bytes().data() && first < file->bytes().data() + file->bytes().size());
  EXPECT_EQ(test::tensor_of(weights, "b").bytes().data(), first + 12);
  EXPECT_EQ(test::tensor_of(weights, "c").bytes().data(), first);
  EXPECT_EQ(test::tensor_of(weights, "c").shape(), (Shape{1, 6}));
}

TEST(TorchTensors, TheFileMayGo) {
  Weights weights;
  { weights = test::parse_text(file_of(test::tensor(), test::counting(4))); }
  EXPECT_THAT(test::tensor_of(weights, "a").values_as<float>(), ElementsAre(1, 2, 3, 4));
}

TEST(TorchTensors, EveryElementTypeStaysWhatItIs) {
  const auto type_of = [](const std::string& type, const std::string& storage) {
    const View view{.size = {2}, .stride = {1}, .type = type, .elements = 2};
    const Weights weights = test::parse_text(file_of(test::tensor(view), storage));
    const Tensor tensor = test::tensor_of(weights, "a");
    EXPECT_THAT(tensor.values_as<double>(), ElementsAre(1, type == "BoolStorage" ? 1 : 2)) << type;
    return tensor.dtype();
  };
  using test::bytes_of;
  EXPECT_EQ(type_of("FloatStorage", bytes_of({1.f, 2.f})), DType::float32);
  EXPECT_EQ(type_of("DoubleStorage", bytes_of({1., 2.})), DType::float64);
  EXPECT_EQ(type_of("HalfStorage", bytes_of({Float16(1).bits, Float16(2).bits})), DType::float16);
  EXPECT_EQ(type_of("BFloat16Storage", bytes_of({BFloat16(1).bits, BFloat16(2).bits})), DType::bfloat16);
  EXPECT_EQ(type_of("LongStorage", bytes_of<std::int64_t>({1, 2})), DType::int64);
  EXPECT_EQ(type_of("IntStorage", bytes_of<std::int32_t>({1, 2})), DType::int32);
  EXPECT_EQ(type_of("ShortStorage", bytes_of<std::int16_t>({1, 2})), DType::int16);
  EXPECT_EQ(type_of("CharStorage", bytes_of<std::int8_t>({1, 2})), DType::int8);
  EXPECT_EQ(type_of("ByteStorage", bytes_of<std::uint8_t>({1, 2})), DType::uint8);
  EXPECT_EQ(type_of("BoolStorage", bytes_of<std::uint8_t>({1, 2})), DType::boolean);
}

TEST(TorchTensors, WhatTensorsAreRebuiltBy) {
  const std::string storage = test::counting(4);
  const std::string parameter = test::reduce(test::global("torch._utils", "_rebuild_parameter"), {test::tensor(), "\x88", "}"});
  const std::string with_state =
      test::reduce(test::global("torch._utils", "_rebuild_parameter_with_state"), {test::tensor(), "\x88", "}", "}"});
  const std::string old = test::reduce(test::global("torch._utils", "_rebuild_tensor"),
                                       {test::storage({}), test::number(0), test::numbers({4}), test::numbers({1})});
  const std::string subclass =
      test::reduce(test::global("torch._tensor", "_rebuild_from_type_v2"),
                   {test::global("torch._utils", "_rebuild_tensor_v2"), test::global("torch.nn.parameter", "Parameter"),
                    test::tuple({test::storage({}), test::number(0), test::numbers({4}), test::numbers({1}), "\x89", "}"}), "}"});
  const std::string untyped = test::tuple({test::text("storage"), test::global("torch.storage", "UntypedStorage"),
                                           test::text("0"), test::text("cpu"), test::number(16)}) +
                              "Q";
  const std::string third = test::reduce(
      test::global("torch._utils", "_rebuild_tensor_v3"),
      {untyped, test::number(0), test::numbers({4}), test::numbers({1}), "\x89", "}", test::global("torch", "float32")});
  const std::string cuda = test::reduce(
      test::global("torch._utils", "_rebuild_tensor_v2"),
      {test::tuple({test::text("storage"), test::global("torch.cuda", "FloatStorage"), test::text("0"), test::text("cuda:0"),
                    test::number(4)}) +
           "Q",
       test::number(0), test::reduce(test::global("torch", "Size"), {test::numbers({4})}), test::numbers({1}), "\x89", "}"});
  for (const std::string& value : {parameter, with_state, old, subclass, third, cuda}) {
    EXPECT_THAT(values(value, storage), ElementsAre(1, 2, 3, 4));
  }
}

TEST(TorchTensors, OthersAreNamed) {
  const auto made_by = [](const std::string& name) {
    return test::complaint(file_of(test::reduce(test::global("torch._utils", name), {test::tensor()}), test::counting(4)));
  };
  EXPECT_THAT(made_by("_rebuild_qtensor"),
              HasSubstr("tensor 'a': is made by torch._utils._rebuild_qtensor, expected a dense tensor"));
  EXPECT_THAT(made_by("_rebuild_sparse_tensor"), HasSubstr("_rebuild_sparse_tensor"));
  EXPECT_THAT(made_by("_rebuild_tensor_v2"), HasSubstr("has 1 arguments"));
  std::string nested = test::tensor();
  for (int i = 0; i < 20; ++i) nested = test::reduce(test::global("torch._utils", "_rebuild_parameter"), {nested});
  EXPECT_THAT(test::complaint(file_of(nested, test::counting(4))), HasSubstr("is wrapped too often"));
}

TEST(TorchTensors, ViewsStayWithinTheirStorage) {
  EXPECT_EQ(complaint({}), "");
  EXPECT_THAT(complaint({.offset = 1}),
              HasSubstr("tensor 'a': its size is 4, its strides are 1 from element 1 on, and its storage has 4"));
  EXPECT_THAT(complaint({.size = {2, 2}, .stride = {3, 1}}), HasSubstr("its storage has 4 elements"));
  EXPECT_THAT(complaint({.size = {0}, .offset = 5}), HasSubstr("its storage has 4 elements"));
  EXPECT_THAT(complaint({.size = {INT64_MAX, INT64_MAX}, .stride = {0, 0}}), HasSubstr("its storage has 4 elements"));
  EXPECT_THAT(complaint({.size = {2}, .stride = {INT64_MAX}, .offset = INT64_MAX}), HasSubstr("its storage has 4 elements"));
  EXPECT_THAT(complaint({.size = {2}, .stride = {1, 1}}), HasSubstr("1 sizes and 2 strides"));
  EXPECT_THAT(complaint({.size = {-1}}), HasSubstr("a number of its size is -1"));
  EXPECT_THAT(complaint({.stride = {-1}, .offset = 3}), HasSubstr("a number of its strides is -1"));
  EXPECT_THAT(complaint({.size = std::vector<std::int64_t>(65, 1), .stride = std::vector<std::int64_t>(65, 1)}),
              HasSubstr("has 65 dimensions, expected at most 64"));
}

TEST(TorchTensors, StoragesHaveTheBytesThatTheyShould) {
  EXPECT_THAT(complaint({}, test::counting(3)), HasSubstr("storage '0' has 12 bytes in the archive, expected 16"));
  EXPECT_THAT(complaint({}, test::counting(5)), HasSubstr("storage '0' has 20 bytes in the archive, expected 16"));
  EXPECT_THAT(complaint({.key = "../../etc/hostname"}), HasSubstr("storage '../../etc/hostname' is not in the archive"));
  EXPECT_THAT(complaint({.elements = -4}), HasSubstr("number of elements is -4"));
  EXPECT_THAT(complaint({.elements = INT64_MAX}), HasSubstr("is too large for any file"));
  EXPECT_THAT(complaint({.type = "ComplexFloatStorage"}), HasSubstr("its elements are of torch.ComplexFloatStorage"));
}

TEST(TorchTensors, CopiesDoNotMultiply) {
  const std::string storage(4 << 20, '\0');
  test::Pairs pairs;
  for (int i = 0; i < 30; ++i)
    pairs.emplace_back("t" + std::to_string(i), test::tensor({.size = {1024, 1024}, .stride = {1, 1024}, .elements = 1 << 20}));
  EXPECT_THAT(test::complaint(test::zip({{"a/data.pkl", test::pickle(test::dict(pairs))}, {"a/data/0", storage, true}})),
              HasSubstr("copies would take far more memory than the file"));
  EXPECT_THAT(complaint({.size = {1 << 30, 1 << 30}, .stride = {0, 0}}), HasSubstr("copies would take far more memory"));
}

TEST(TorchTensors, BigEndianByItsRecord) {
  const std::string turned("\x3f\x80\0\0\x40\0\0\0", 8);
  const std::string pickled = test::pickle(test::dict({{"a", test::tensor({.size = {2}, .elements = 2})}}));
  const Weights big = test::parse_text(test::archive(pickled, {turned}, {{"archive/byteorder", "big"}}));
  EXPECT_THAT(test::tensor_of(big, "a").values_as<float>(), ElementsAre(1, 2));
  const Weights little = test::parse_text(test::archive(pickled, {test::counting(2)}, {{"archive/byteorder", "little"}}));
  EXPECT_THAT(test::tensor_of(little, "a").values_as<float>(), ElementsAre(1, 2));
  EXPECT_THAT(test::complaint(test::archive(pickled, {turned}, {{"archive/byteorder", "middle"}})),
              HasSubstr("byte order 'middle'"));
}

}  // namespace
}  // namespace resnet::torch
