#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "formats/safetensors/safetensors.h"
#include "lib/base/error.h"
#include "tests/formats/safetensors/files.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet::safetensors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Weights of_every_type() {
  Weights weights;
  weights.tensors = {{"bool", Tensor::from<bool>(Shape{3}, {true, false, true})},
                     {"u8", Tensor::from<std::uint8_t>(Shape{1}, {255})},
                     {"i8", Tensor::from<std::int8_t>(Shape{1}, {-128})},
                     {"i16", Tensor::from<std::int16_t>(Shape{1}, {-32768})},
                     {"u16", Tensor::from<std::uint16_t>(Shape{1}, {65535})},
                     {"f16", Tensor::from<Float16>(Shape{1}, {Float16(1.5f)})},
                     {"bf16", Tensor::from<BFloat16>(Shape{1}, {BFloat16(-3.0f)})},
                     {"i32", Tensor::from<std::int32_t>(Shape{1}, {-7})},
                     {"u32", Tensor::from<std::uint32_t>(Shape{1}, {7})},
                     {"z", Tensor::from<float>(Shape{1, 2}, {1.0f, -2.0f})},
                     {"b", Tensor::from<float>(Shape{0, 5}, {})},
                     {"f64", Tensor::scalar(0.5)},
                     {"i64", Tensor::scalar(std::int64_t{-1})},
                     {"u64", Tensor::scalar(std::uint64_t{1})}};
  return weights;
}

// The header of a file of ours.
std::string header_of(const std::string& bytes) {
  return bytes.substr(8, static_cast<std::uint8_t>(bytes[0]) + 256u * static_cast<std::uint8_t>(bytes[1]));
}

TEST(WriteSafetensors, TheBytesOfTheFormatsOwnLibrary) {
  // As its documentation and tests have them.
  Weights weights;
  EXPECT_EQ(to_bytes(weights), std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  weights.metadata = {{"framework", "pt"}};
  EXPECT_EQ(to_bytes(weights), file_of("{\"__metadata__\":{\"framework\":\"pt\"}}     "));
  weights.metadata.clear();
  weights.tensors = {{"attn0", Tensor::from<float>(Shape{1, 1, 2, 3}, {0, 1, 2, 3, 4, 5})}};
  const Tensor tensor = weights.tensors[0].tensor.load();
  const auto data = tensor.bytes();
  EXPECT_EQ(to_bytes(weights), file_of("{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ",
                                       {reinterpret_cast<const char*>(data.data()), data.size()}));
}

TEST(WriteSafetensors, TheWidestTypesAreFirstAndThenNamesDecide) {
  Weights weights = of_every_type();
  weights.metadata = {{"z", "1"}, {"a", "2"}};
  const std::string bytes = to_bytes(weights), header = header_of(bytes);
  EXPECT_EQ(header.size() % 8, 0u);
  std::size_t before = header.find(R"({"__metadata__":{"a":"2","z":"1"},)");
  EXPECT_EQ(before, 0u);
  for (const char* name : {"u64", "i64", "f64", "b", "z", "u32", "i32", "bf16", "f16", "u16", "i16", "i8", "u8", "bool"}) {
    const std::size_t at = header.find("\"" + std::string(name) + "\":{\"dtype\"");
    EXPECT_GT(at, before) << name;
    before = at;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(weights.tensors.begin(), weights.tensors.end(), random);
    EXPECT_EQ(to_bytes(weights), bytes);
  }
}

TEST(WriteSafetensors, WhatIsReadBackIsTheSame) {
  const Weights weights = of_every_type(), back = parse_text(to_bytes(weights));
  ASSERT_EQ(back.tensors.size(), weights.tensors.size());
  for (const NamedTensor& written : weights.tensors) {
    const auto found =
        std::find_if(back.tensors.begin(), back.tensors.end(), [&](const NamedTensor& t) { return t.name == written.name; });
    ASSERT_NE(found, back.tensors.end()) << written.name;
    if (is_floating_point(written.tensor.dtype())) {
      EXPECT_EQ(found->tensor.dtype(), DType::float32) << written.name;
      EXPECT_EQ(found->tensor.shape(), written.tensor.shape()) << written.name;
      EXPECT_EQ(found->tensor.load().values_as<float>(), written.tensor.load().values_as<float>()) << written.name;
    } else {
      EXPECT_EQ(found->tensor.load(), written.tensor.load()) << written.name;
    }
  }
  const std::string bytes = to_bytes(back);
  EXPECT_EQ(to_bytes(parse_text(bytes)), bytes);
}

TEST(WriteSafetensors, NamesAndMetadataOfAnyTextSurvive) {
  Weights weights;
  const std::string strange("\0\x1b\"\\/\b\f\n\r\t\x7f é€😀", 22);
  weights.metadata = {{strange, strange}, {"", ""}};
  weights.tensors = {
      {strange, Tensor::scalar(1.0f)}, {"", Tensor::scalar(2.0f)}, {std::string(100'000, 'x'), Tensor::scalar(3.0f)}};
  const std::string bytes = to_bytes(weights);
  EXPECT_THAT(bytes, HasSubstr(R"("\u0000\u001b\"\\/\b\f\n\r\t)"
                               "\x7f é€"));
  const Weights back = parse_text(bytes);
  EXPECT_EQ(back.metadata, weights.metadata);
  EXPECT_EQ(back.tensors[0].name, "");
  EXPECT_EQ(back.tensors[1].name, strange);
  EXPECT_EQ(back.tensors[2].name.size(), 100'000u);
}

TEST(WriteSafetensors, WhatTheFormatCannotHold) {
  const auto said = [](const std::string& name, const std::map<std::string, std::string>& metadata) {
    Weights weights;
    weights.tensors = {{name, Tensor::scalar(1.0f)}};
    weights.metadata = metadata;
    return test::error_of([&] { to_bytes(weights); });
  };
  EXPECT_EQ(said("\xff", {}),
            std::pair(Fault::unsupported, std::string(R"('\xff' is not UTF-8 text, which safetensors demands)")));
  EXPECT_EQ(said("a", {{"x", "\xed\xa0\x80"}}).first, Fault::unsupported);
  EXPECT_EQ(said("__metadata__", {}).second, "a tensor cannot have the name '__metadata__' in safetensors");
}

TEST(WriteSafetensors, AFileIsWholeOrAbsent) {
  const test::TemporaryFolder folder;
  const Weights weights = of_every_type();
  write(weights, folder.path() / "w.safetensors");
  EXPECT_EQ(test::content(folder.path() / "w.safetensors"), to_bytes(weights));
  // Over the file that it is mapped from.
  Weights mapped = read(folder.path() / "w.safetensors");
  mapped.metadata = {{"format", "pt"}};
  write(mapped, folder.path() / "w.safetensors");
  EXPECT_EQ(to_bytes(read(folder.path() / "w.safetensors")), to_bytes(mapped));

  Weights bad;
  bad.tensors = {{"\xff", Tensor::scalar(1.0f)}};
  const auto [fault, line] = test::error_of([&] { write(bad, folder.path() / "bad.safetensors"); });
  EXPECT_EQ(fault, Fault::unsupported);
  EXPECT_THAT(line, HasSubstr("bad.safetensors: '\\xff' is not UTF-8"));
  EXPECT_THAT(test::names_in(folder.path()), ElementsAre("w.safetensors"));
  EXPECT_EQ(test::error_of([&] { write(weights, "/nowhere/w.safetensors"); }).first, Fault::unwritable);
}

}  // namespace
}  // namespace resnet::safetensors
