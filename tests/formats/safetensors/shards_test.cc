#include "formats/safetensors/shards.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/support/observe.h"

namespace resnet::safetensors {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

const std::string good = R"({
  "metadata": {"total_size": 1.5, "total_parameters": [7]},
  "weight_map": {
    "b": "model-00002-of-00002.safetensors",
    "a": "model-00001-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors"
  }
}
)";

std::string complaint_of_index(const std::string& text) {
  const auto [fault, line] = test::error_of([&] { parse_index(text, "i.json"); });
  return fault == Fault::malformed && line.starts_with("i.json: ") ? line.substr(8) : line;
}

Weights weights_of(std::initializer_list<const char*> names) {
  Weights weights;
  for (const char* name : names) weights.tensors.push_back({name, Tensor::scalar(1.0f)});
  weights.format = "safetensors";
  return weights;
}

TEST(Shards, AnIndexIsReadAndItsFilesAreListedOnce) {
  const Index index = parse_index(good, "i.json");
  EXPECT_THAT(index.shards, ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"));
  EXPECT_THAT(index.shard_of,
              ElementsAre(Pair("a", "model-00001-of-00002.safetensors"), Pair("b", "model-00002-of-00002.safetensors"),
                          Pair("c", "model-00002-of-00002.safetensors")));
  EXPECT_EQ(parse_index(R"({"weight_map":{"a":"pytorch_model.bin"}})", "i.json").shards.size(), 1u);
}

TEST(Shards, FilesElsewhereAreRefused) {
  const auto said = [](const std::string& file) { return complaint_of_index(R"({"weight_map":{"a":")" + file + "\"}}"); };
  for (const char* file :
       {"/etc/hostname", "../../etc/hostname", "a/b", "..", ".", "", "a\\\\b", "a\\u0000", "a\\nb", "a\\u001b"}) {
    EXPECT_THAT(said(file), StartsWith("tensor 'a': is in '")) << file;
    EXPECT_THAT(said(file), EndsWith("', expected the name of a file in the same folder")) << file;
  }
  EXPECT_THAT(said(std::string(256, 'x')), HasSubstr("expected the name of a file"));
  EXPECT_EQ(said("model.safetensors.index.json"),
            "tensor 'a': is in 'model.safetensors.index.json', expected a file of weights, not an index");
  EXPECT_EQ(said("..x.safetensors"), "no error");
}

TEST(Shards, BrokenIndexes) {
  EXPECT_EQ(complaint_of_index(""), "the index is broken at byte 0: it ends, expected '{'");
  EXPECT_EQ(complaint_of_index("[]"), "the index is broken at byte 0: found '[', expected '{'");
  EXPECT_EQ(complaint_of_index("{}"), "has no 'weight_map', expected an index of weights in several files");
  EXPECT_EQ(complaint_of_index(R"({"weight_map":{}})"), "lists no tensor in its 'weight_map'");
  EXPECT_EQ(complaint_of_index(R"({"weight_map":{"a":1}})"),
            "the index is broken at byte 19: found '1', expected a text in quotes");
  EXPECT_EQ(complaint_of_index(R"({"weight_map":{"a":"x","a":"x"}})"), "lists the tensor 'a' twice");
  EXPECT_EQ(complaint_of_index(R"({"weight_map":{"a":"x"},"weight_map":{"a":"x"}})"), "has 'weight_map' twice");
  EXPECT_EQ(complaint_of_index(R"({"weight_map":{"a":"x"}} x)"),
            "the index is broken at byte 25: found 'x', expected nothing after the last brace");
  std::string many = R"({"weight_map":{"a":"x")";
  for (int i = 0; i < 70'000; ++i) many += fmt::format(R"(,"{}":"x")", i);
  EXPECT_EQ(complaint_of_index(many + "}}"), "lists more than 16384 tensors");
}

TEST(Shards, JoinedInTheirOrder) {
  const Index index = parse_index(good, "i.json");
  Weights first = weights_of({"a"}), second = weights_of({"c", "b"});
  first.metadata = {{"format", "pt"}};
  second.metadata = {{"format", "np"}, {"x", "y"}};
  second.notes = {"a note"};
  const Weights all = join(index, {first, second});
  ASSERT_EQ(all.tensors.size(), 3u);
  EXPECT_EQ(all.tensors[0].name, "a");
  EXPECT_EQ(all.tensors[1].name, "c");
  EXPECT_EQ(all.tensors[2].name, "b");
  EXPECT_EQ(all.format, "safetensors");
  EXPECT_THAT(all.metadata, ElementsAre(Pair("format", "pt"), Pair("x", "y")));
  EXPECT_THAT(all.notes, ElementsAre("a note"));
}

TEST(Shards, EachTensorIsWhereTheIndexSays) {
  const Index index = parse_index(good, "i.json");
  const auto said = [&](const Weights& first, const Weights& second) {
    return test::error_of([&] { join(index, {first, second}); }).second;
  };
  EXPECT_EQ(said(weights_of({"a"}), weights_of({"b"})),
            "i.json: tensor 'c': is not in 'model-00002-of-00002.safetensors', where the index lists it");
  EXPECT_EQ(
      said(weights_of({"a", "b"}), weights_of({"c"})),
      "i.json: tensor 'b': is in 'model-00001-of-00002.safetensors', expected it in 'model-00002-of-00002.safetensors' as the "
      "index says");
  EXPECT_EQ(said(weights_of({"a"}), weights_of({"b", "c", "d"})),
            "i.json: tensor 'd': is in 'model-00002-of-00002.safetensors', expected it in the index, too");
}

}  // namespace
}  // namespace resnet::safetensors
