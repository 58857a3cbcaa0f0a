// Files of other programs: a trained ResNet-20 in three forms, and hostile files with the verdict that each must have. Skipped
// where the test assets are not there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <numeric>

#include "formats/safetensors/safetensors.h"
#include "formats/safetensors/shards.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "tests/support/assets.h"
#include "tests/support/observe.h"
#include "tests/support/sanitized.h"

namespace resnet::safetensors {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path hub() { return *test::assets() / "models" / "hub"; }

#define RESNET_REQUIRE_HUB() \
  RESNET_REQUIRE_ASSETS();   \
  if (!fs::exists(hub())) GTEST_SKIP() << "the test assets have no models/hub"

Tensor tensor_of(const Weights& weights, const std::string& name) {
  const auto found =
      std::find_if(weights.tensors.begin(), weights.tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
  if (found == weights.tensors.end()) throw Error(Fault::internal, name + " is not there");
  return found->tensor.load();
}

double sum_of(const Tensor& tensor) {
  const auto values = tensor.data<float>();
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// As a caller does it who has opened the folder.
Weights read_folder(const fs::path& folder) {
  const fs::path file = folder / "model.safetensors.index.json";
  const Index index = parse_index(read_file(file, Role::model, {.most_bytes = most_index_bytes}), file.string());
  std::vector<Weights> shards;
  for (const std::string& shard : index.shards) shards.push_back(read(folder / shard));
  return join(index, std::move(shards));
}

TEST(RealSafetensors, Float16AndBFloat16) {
  RESNET_REQUIRE_HUB();
  const Weights half = read(hub() / "small" / "resnet20-f16.safetensors");
  const Weights brain = read(hub() / "small" / "resnet20-bf16.safetensors");
  for (const Weights* weights : {&half, &brain}) {
    EXPECT_EQ(weights->tensors.size(), 116u);
    EXPECT_EQ(weights->metadata, (std::map<std::string, std::string>{{"format", "pt"}}));
    EXPECT_EQ(weights->tensors.front().name, "bn1.num_batches_tracked");
    EXPECT_EQ(weights->tensors.front().tensor.dtype(), DType::int64);
    EXPECT_EQ(tensor_of(*weights, "layer3.2.conv2.weight").shape(), (Shape{64, 64, 3, 3}));
    EXPECT_EQ(tensor_of(*weights, "linear.weight").dtype(), DType::float32);
  }
  const Tensor first = tensor_of(half, "linear.weight"), second = tensor_of(brain, "linear.weight");
  const auto a = first.data<float>(), b = second.data<float>();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 0.004f * std::abs(a[i]) + 1e-6f) << i;
  // By NumPy.
  EXPECT_NEAR(sum_of(tensor_of(half, "conv1.weight")), 1.309613, 1e-4);
}

TEST(RealSafetensors, ShardsAreTheWholeFile) {
  RESNET_REQUIRE_HUB();
  const Weights whole = read(hub() / "small" / "resnet20-f16.safetensors"),
                joined = read_folder(hub() / "small" / "resnet20-shards");
  ASSERT_EQ(joined.tensors.size(), whole.tensors.size());
  for (const NamedTensor& named : whole.tensors) EXPECT_EQ(tensor_of(joined, named.name), named.tensor.load()) << named.name;
  EXPECT_EQ(joined.metadata, whole.metadata);
}

template <typename Stored>
Weights narrowed(Weights weights) {
  for (NamedTensor& named : weights.tensors) {
    if (named.tensor.dtype() != DType::float32) continue;
    Tensor tensor = Tensor::allocate(dtype_of<Stored>(), named.tensor.shape());
    const Tensor whole = named.tensor.load();
    const auto from = whole.data<float>();
    std::transform(from.begin(), from.end(), tensor.mutable_data<Stored>().begin(), [](float value) { return Stored(value); });
    named.tensor = std::move(tensor);
  }
  return weights;
}

TEST(RealSafetensors, TheSameBytesAreWritten) {
  RESNET_REQUIRE_HUB();
  const fs::path half = hub() / "small" / "resnet20-f16.safetensors", brain = hub() / "small" / "resnet20-bf16.safetensors";
  EXPECT_TRUE(to_bytes(narrowed<Float16>(read(half))) == test::content(half));
  EXPECT_TRUE(to_bytes(narrowed<BFloat16>(read(brain))) == test::content(brain));
}

// The file or folder, and a part of what is said; empty: it is read. A file that is valid and without tensors, or with one that
// no network has, is refused by whoever wants a network.
const std::map<std::string, std::string> verdicts = {
    {"empty.safetensors", "is empty"},
    {"seven-bytes.safetensors", "7 bytes, expected 8 or more"},
    {"header-2-63.safetensors", "is not a safetensors file"},
    {"header-2-64-less-1.safetensors", "is not a safetensors file"},
    {"header-100-mb-and-1.safetensors", "is not a safetensors file"},
    {"header-past-end.safetensors", "is cut short: 2 bytes after the header's length, expected 1000"},
    {"header-empty.safetensors", "the header is empty"},
    {"header-cut.safetensors", "tensor 'a': the header is broken at byte 31: it ends"},
    {"header-not-object.safetensors", "is not a safetensors file"},
    {"header-not-utf-8.safetensors", "the header is not UTF-8 text"},
    {"header-byte-order-mark.safetensors", "is not a safetensors file"},
    {"header-begins-with-space.safetensors", "is not a safetensors file"},
    {"header-zero-padded.safetensors", R"(found '\x00', expected nothing after the last brace)"},
    {"json-deep.safetensors", "tensor 'a': the header is broken at byte 13: found '[', expected '{'"},
    {"json-deep-objects.safetensors", "tensor 'a': the header is nested more than 128 levels deep"},
    {"name-twice.safetensors", "has the tensor 'a' twice"},
    {"dtype-twice.safetensors", "tensor 'a': has 'dtype' twice"},
    {"key-missing.safetensors", "tensor 'a': has no 'data_offsets'"},
    {"key-unknown.safetensors", ""},
    {"overlap.safetensors", "tensor 'b': its data begins at byte 4, expected 8: it overlaps"},
    {"same-bytes-twice.safetensors", "tensor 'b': its data begins at byte 0, expected 8: it overlaps"},
    {"hole.safetensors", "tensor 'b': its data begins at byte 12, expected 8: the bytes before it"},
    {"first-not-at-0.safetensors", "tensor 'a': its data begins at byte 4, expected 0"},
    {"bytes-left-over.safetensors", "has 8 bytes after the data of its tensors"},
    {"data-cut.safetensors", "is cut short: 15 bytes of data, expected 16"},
    {"offsets-reversed.safetensors", "tensor 'a': data_offsets [16, 0] end before they begin"},
    {"offsets-past-end.safetensors", "is cut short: 16 bytes of data, expected 1099511627776"},
    {"offsets-three.safetensors", "tensor 'a': data_offsets has more than two numbers"},
    {"offsets-2-64.safetensors", "tensor 'a': the header has '18446744073709551616'"},
    {"offsets-negative.safetensors", "tensor 'a': the header has '-16'"},
    {"shape-and-bytes-differ.safetensors", "tensor 'a': its data has 16 bytes, expected 20 for F32 of 5"},
    {"shape-overflow.safetensors", "tensor 'a': shape 4294967296x4294967296x4 has more elements"},
    {"shape-overflow-to-16-bytes.safetensors", "tensor 'a': shape 4611686018427387905x4 has more elements"},
    {"shape-nan.safetensors", "tensor 'a': the header has 'NaN'"},
    {"shape-1e300.safetensors", "tensor 'a': the header has '1e300'"},
    {"shape-4.0.safetensors", "tensor 'a': the header has '4.0'"},
    {"shape-text.safetensors", "tensor 'a': the header is broken at byte 37: found '\"', expected a number"},
    {"shape-negative.safetensors", "tensor 'a': the header has '-4'"},
    {"shape-zero-times-huge.safetensors", "tensor 'a': dimension 9223372036854775808 does not fit"},
    {"shape-20000-dimensions.safetensors", "tensor 'a': has more than 64 dimensions"},
    {"dtype-F8_E4M3.safetensors", "tensor 'a': has elements of type F8_E4M3"},
    {"dtype-F8_E5M2.safetensors", "tensor 'a': has elements of type F8_E5M2"},
    {"dtype-F4.safetensors", "tensor 'a': has elements of type F4"},
    {"dtype-F6_E2M3.safetensors", "tensor 'a': has elements of type F6_E2M3"},
    {"dtype-C64.safetensors", "tensor 'a': has elements of type C64"},
    {"dtype-I4.safetensors", "tensor 'a': dtype is 'I4'"},
    {"dtype-BF32.safetensors", "tensor 'a': dtype is 'BF32'"},
    {"dtype-f32.safetensors", "tensor 'a': dtype is 'f32'"},
    {"dtype-none.safetensors", "tensor 'a': dtype is ''"},
    {"metadata-number.safetensors", "its __metadata__ has something other than text for 'epoch'"},
    {"metadata-nested.safetensors", "its __metadata__ has something other than text for 'a'"},
    {"metadata-as-tensor.safetensors", "its __metadata__ has something other than text for 'shape'"},
    {"metadata-only.safetensors", ""},
    {"name-dot-dot.safetensors", ""},
    {"name-empty.safetensors", ""},
    {"name-nul.safetensors", ""},
    {"name-surrogate.safetensors", "the header has half of a surrogate pair at byte 10"},
    {"name-100-kb.safetensors", ""},
    {"name-escape-codes.safetensors", ""},
    {"page-named.safetensors", "is not a safetensors file: it begins with '<!doctype'"},
    {"zip-named.safetensors", "is not a safetensors file: it begins with 'PK"},
    {"lfs-pointer.safetensors", "is not a safetensors file: it begins with 'version h'"},
    {"xet-pointer.safetensors", "is not a safetensors file: it begins with '# xet ver'"},
    {"safetensors-named.bin", ""},
    {"safetensors-named.pth", ""},
    {"error.pth", "is not a safetensors file"},
    {"shard-dot-dot", "tensor 'a': is in '../../../../../etc/hostname', expected the name of a file in the same folder"},
    {"shard-absolute", "tensor 'a': is in '/etc/hostname', expected the name of a file in the same folder"},
    {"shard-missing", "model-00001-of-00002.safetensors: cannot be opened"},
    {"shard-without-tensor", "tensor 'b': is not in 'model.safetensors', where the index lists it"},
    {"shard-is-index", "expected a file of weights, not an index"},
    {"shard-tensor-unlisted", "lists no tensor"},
};

struct Outcome {
  bool is_read = false;
  Fault fault = Fault::internal;
  std::string line;
  double seconds = 0;  // of the processor
};

Outcome outcome_of(const fs::path& path) {
  Outcome outcome;
  const std::clock_t begin = std::clock();
  try {
    const Weights weights = fs::is_directory(path) ? read_folder(path) : read(path);
    outcome.is_read = true;
  } catch (const Error& error) {
    outcome.fault = error.fault();
    outcome.line = error.what();
  }
  outcome.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  return outcome;
}

long most_memory_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// One line that names the file, without control characters, within a second.
void expect_decent(const Outcome& outcome, const fs::path& path) {
  EXPECT_LT(outcome.seconds, 1.0) << path;
  if (outcome.is_read) return;
  EXPECT_THAT(outcome.line, HasSubstr(path.filename().string()));
  EXPECT_LT(outcome.line.size(), path.string().size() + 400) << path;
  EXPECT_TRUE(std::none_of(outcome.line.begin(), outcome.line.end(), [](char c) {
    return static_cast<std::uint8_t>(c) < 32 || c == 127;
  })) << path;
}

TEST(HostileSafetensors, EachHasItsVerdict) {
  RESNET_REQUIRE_HUB();
  [[maybe_unused]] const long before = most_memory_kib();
  for (const auto& [name, part] : verdicts) {
    const Outcome outcome = outcome_of(hub() / "hostile" / name);
    expect_decent(outcome, hub() / "hostile" / name);
    EXPECT_EQ(outcome.is_read, part.empty()) << name << ": " << outcome.line;
    EXPECT_THAT(outcome.line, HasSubstr(part)) << name;
    EXPECT_TRUE(outcome.is_read || outcome.fault == Fault::malformed || outcome.fault == Fault::unreadable) << name;
  }
#ifndef RESNET_SANITIZED
  EXPECT_LT(most_memory_kib() - before, 64 * 1024);
#endif
}

TEST(HostileSafetensors, FilesOfOtherKindsAreAtMostRefused) {
  RESNET_REQUIRE_HUB();
  for (const auto& entry : fs::directory_iterator(hub() / "hostile")) {
    if (entry.is_directory() || verdicts.contains(entry.path().filename().string())) continue;
    const Outcome outcome = outcome_of(entry.path());
    expect_decent(outcome, entry.path());
    EXPECT_TRUE(!outcome.is_read || entry.path().extension() == ".safetensors") << entry.path();
  }
}

}  // namespace
}  // namespace resnet::safetensors
