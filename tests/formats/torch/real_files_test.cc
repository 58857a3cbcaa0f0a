// Checkpoints as people have them, each with the weights of one trained network, and hostile files with the verdict on each.
// Skipped where the test assets are not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <filesystem>

#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::torch {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

fs::path hub() { return *resnet::test::assets() / "models" / "hub"; }

#define RESNET_REQUIRE_HUB() \
  RESNET_REQUIRE_ASSETS();   \
  if (!fs::exists(hub())) GTEST_SKIP() << "the test assets have no models/hub"

std::string identifier(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

struct Real {
  const char* name;
  DType dtype;
  std::string format;
  std::string prefix{};
  std::string note{};
  double tolerance = 0;
};

class RealFiles : public testing::TestWithParam<Real> {};

TEST_P(RealFiles, HaveTheWeightsOfTheFloat32File) {
  RESNET_REQUIRE_HUB();
  const Real& real = GetParam();
  const Weights expected = read(hub() / "small" / "resnet20.pth"), weights = read(hub() / "small" / real.name);
  EXPECT_EQ(weights.format, real.format);
  EXPECT_EQ(weights.metadata.contains("prefix") ? weights.metadata.at("prefix") : "", real.prefix);
  if (real.note.empty()) {
    EXPECT_THAT(weights.notes, IsEmpty());
  } else {
    EXPECT_THAT(weights.notes, ElementsAre(HasSubstr(real.note)));
  }
  std::size_t compared = 0;
  for (const NamedTensor& weight : expected.tensors) {
    std::string name = weight.name;
    const bool is_counter = name.ends_with("num_batches_tracked");
    if (is_counter && std::string(real.name) == "resnet20-12fca82f.th") continue;  // older than the counters
    if (std::string(real.name) == "resnet20-option-b.pt" && name.starts_with("linear.")) name.replace(0, 6, "fc");
    const Tensor tensor = test::tensor_of(weights, name);
    EXPECT_EQ(tensor.dtype(), is_counter ? DType::int64 : real.dtype) << name;
    ASSERT_EQ(tensor.shape(), weight.tensor.shape()) << name;
    const std::vector<double> a = weight.tensor.load().values_as<double>(), b = tensor.values_as<double>();
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_NEAR(a[i], b[i], real.tolerance * std::abs(a[i]) + real.tolerance * 1e-4) << name << i;
    ++compared;
  }
  EXPECT_GE(compared, 95u);
}

constexpr double half = 1.0 / 2048;  // float16 has 11 bits
INSTANTIATE_TEST_SUITE_P(
    Small, RealFiles,
    testing::Values(Real{"resnet20.pth", DType::float32, "PyTorch (zip)"},
                    Real{"resnet20-12fca82f.th", DType::float32, "PyTorch (legacy)", "module."},
                    Real{"resnet20-legacy.pth", DType::float32, "PyTorch (legacy)"},
                    Real{"resnet20.pth.tar", DType::float16, "PyTorch (zip)", "module.", "", half},
                    Real{"resnet20-option-b.pt", DType::float16, "PyTorch (zip)", "", "", half},
                    Real{"resnet20-lightning-deflated.ckpt", DType::float16, "PyTorch (zip)", "model._orig_mod.", "", half},
                    Real{"resnet20-ema-protocol4.pth", DType::float16, "PyTorch (zip)", "",
                         "'state_dict_ema' was taken, not 'state_dict'", half},
                    Real{"resnet20-one-storage-channels-last.pth", DType::float16, "PyTorch (zip)", "", "", half},
                    Real{"resnet20-torch2.pth", DType::float16, "PyTorch (zip)", "", "", half},
                    Real{"resnet20-big-endian.pth", DType::float16, "PyTorch (zip)", "", "", half}),
    [](const testing::TestParamInfo<Real>& case_) { return identifier(case_.param.name); });

TEST(RealFilesInPlace, Float32SharesTheMapping) {
  RESNET_REQUIRE_HUB();
  const auto file = Buffer::map_file(hub() / "small" / "resnet20.pth");
  const Weights weights = parse(file, "resnet20.pth");
  for (const NamedTensor& weight : weights.tensors) {
    const auto* at = weight.tensor.load().bytes().data();
    EXPECT_TRUE(at >= file->bytes().data() && at < file->bytes().data() + file->bytes().size()) << weight.name;
  }
}

struct Hostile {
  const char* name;
  std::string complaint;  // a part of the line; empty where it is read
  std::string note{};     // a part of a note where it is read
};

class HostileFiles : public testing::TestWithParam<Hostile> {};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// One line, nothing that a terminal obeys.
void expect_clean(const std::string& line) {
  EXPECT_LT(line.size(), 600u);
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
}

TEST_P(HostileFiles, AreJudged) {
  RESNET_REQUIRE_HUB();
  const Hostile& hostile = GetParam();
  const std::string file = hub() / "hostile" / hostile.name;
  [[maybe_unused]] const double before = cpu_seconds();
  try {
    const Weights weights = read(file);
    EXPECT_EQ(hostile.complaint, "") << "it was read";
    for (const std::string& note : weights.notes) expect_clean(note);
    if (!hostile.note.empty()) {
      EXPECT_THAT(weights.notes, testing::Contains(HasSubstr(hostile.note)));
    }
  } catch (const Error& error) {
    const std::string line = error.what();
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_EQ(error.role(), Role::model);
    EXPECT_TRUE(line.starts_with(file + ": ")) << line;
    EXPECT_FALSE(hostile.complaint.empty()) << line;
    EXPECT_THAT(line, HasSubstr(hostile.complaint));
    expect_clean(error.without_file());
  }
#ifndef RESNET_SANITIZED
  EXPECT_LT(cpu_seconds() - before, 1);
#endif
  EXPECT_FALSE(fs::exists("resnet-cli-ran-a-command"));
}

std::string name_of(const testing::TestParamInfo<Hostile>& case_) { return identifier(case_.param.name); }

INSTANTIATE_TEST_SUITE_P(
    Pickles, HostileFiles,
    testing::Values(Hostile{"os-system.pth", "", "'x' is an object of posix.system, which is ignored and was not made"},
                    Hostile{"os-system-legacy.pth", "has no weights: it holds a dictionary of 'x' (an object of posix.system)"},
                    Hostile{"os-system-plain-pickle.bin", "is a Python pickle that PyTorch did not save"},
                    Hostile{"eval-protocol4.pth", "a frame has 60 bytes"},
                    Hostile{"setstate-build.pth", "an object of torch.nn.modules.container.Sequential"},
                    Hostile{"whole-module.pth", "", "is a whole module, torchvision.models.resnet.ResNet"},
                    Hostile{"persistent-id-of-module.pth", "has no weights"},
                    Hostile{"persistent-id-of-text.pth", "has no weights"}, Hostile{"nested-tuples.pth", "more objects"},
                    Hostile{"nested-lists.pth", "more objects"}, Hostile{"nested-dicts.pth", "more objects"},
                    Hostile{"billion-laughs.pth", "holds a tuple"}, Hostile{"dict-in-itself.pth", "a dictionary of 'model'"},
                    Hostile{"memo-index-4-billion.pth", "index 4294967295"},
                    Hostile{"string-of-4-gib.pth", "4294967295 are wanted"}, Hostile{"string-of-16-eib.pth", "are wanted"},
                    Hostile{"long-of-2-gib.pth", "2147483647 are wanted"}, Hostile{"frame-of-16-eib.pth", "a frame has"},
                    Hostile{"stack-underflow.pth", "takes what is not there"}, Hostile{"mark-missing.pth", "mark is missing"},
                    Hostile{"setitems-odd.pth", "a key has no value"}, Hostile{"no-stop.pth", "are wanted"},
                    Hostile{"list-as-key.pth", "a list cannot be a key"},
                    Hostile{"unknown-opcode.pth", "opcode 0xfe is not known"}, Hostile{"protocol-255.pth", "protocol is 255"},
                    Hostile{"name-not-utf-8.pth", "not UTF-8"}, Hostile{"text-only.pth", "it holds a text"},
                    Hostile{"empty-dict.pth", "an empty dictionary"}, Hostile{"no-tensors.pth", "a dictionary of 'epoch'"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Tensors, HostileFiles,
    testing::Values(Hostile{"offset-past-end.pth", "from element 1 on, and its storage has 4 elements"},
                    Hostile{"offset-2-62.pth", "its storage has 4 elements"}, Hostile{"offset-negative.pth", "its offset is -1"},
                    Hostile{"stride-negative.pth", "a number of its strides is -1"},
                    Hostile{"stride-overflow.pth", "its storage has 4 elements"},
                    Hostile{"size-negative.pth", "a number of its size is -4"},
                    Hostile{"size-not-a-number.pth", "a number of its size is a floating-point number"},
                    Hostile{"size-none.pth", "a number of its size is"},
                    Hostile{"size-2-100.pth", "a number of its size is an integer"},
                    Hostile{"size-and-stride-differ.pth", "2 sizes and 1 strides"},
                    Hostile{"dimensions-100000.pth", "100000 dimensions, expected at most 64"},
                    Hostile{"elements-2-60.pth", "has 16 bytes in the archive, expected"},
                    Hostile{"stride-zero-2-60.pth", "far more memory than the file"},
                    Hostile{"elements-overflow-64.pth", "its storage has 4 elements"}, Hostile{"views-20000-of-4-mib.pth", ""},
                    Hostile{"record-too-short.pth", "has 8 bytes in the archive, expected 16"},
                    Hostile{"record-too-long.pth", "has 67108864 bytes in the archive, expected 16"},
                    Hostile{"record-missing.pth", "storage '0' is not in the archive"},
                    Hostile{"key-dot-dot.pth", "is not in the archive"}, Hostile{"key-absolute.pth", "is not in the archive"},
                    Hostile{"same-storage-two-types.pth", "another type or size in another tensor"},
                    Hostile{"storage-complex.pth", "tensor 'a': its elements are of torch.ComplexFloatStorage"},
                    Hostile{"storage-quantized.pth", "torch.QUInt8Storage"}, Hostile{"storage-unknown.pth", "torch.FancyStorage"},
                    Hostile{"name-twice.pth", ""}, Hostile{"name-escape-codes.pth", ""},
                    Hostile{"byteorder-middle.pth", "byte order 'middle'"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Containers, HostileFiles,
    testing::Values(Hostile{"legacy-storage-past-end.pth", "was cut"}, Hostile{"legacy-storage-2-60.pth", "was cut"},
                    Hostile{"legacy-storage-negative.pth", "has -4 elements"},
                    Hostile{"legacy-key-missing.pth", "is not in the file"}, Hostile{"legacy-key-unknown.pth", "storage '9'"},
                    Hostile{"legacy-cut-in-pickle.pth", "a line has no end"}, Hostile{"two-pickles.pth", "two entries named"},
                    Hostile{"two-roots.pth", "more than one folder"}, Hostile{"root-dot-dot.pth", "not all in one folder"},
                    Hostile{"local-name-differs.pth", "in its own header"}, Hostile{"no-pickle.pth", "without data.pkl"},
                    Hostile{"cut-in-half.pth", "no end of a central directory"},
                    Hostile{"cut-last-byte.pth", "no end of a central directory"},
                    Hostile{"directory-past-end.pth", "its directory is at byte 2147483647"},
                    Hostile{"entries-65535.pth", "65535 entries"}, Hostile{"entry-offset-past-end.pth", "is at byte 2147483647"},
                    Hostile{"entry-size-4-gib-1.pth", "contradict each other"}, Hostile{"entry-encrypted.pth", "is encrypted"},
                    Hostile{"entry-method-99.pth", "method 99"}, Hostile{"crc-wrong.pth", "another CRC"},
                    Hostile{"zip64-sizes-2-62.pth", "is at byte 4611686018427387904"},
                    Hostile{"zip64-locator-past-end.pth", "zip64 end is at byte"}, Hostile{"zip64-entries-2-64.pth", "entries"},
                    Hostile{"overlapping-bomb-8-gib.pth", "overlap"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(Mistaken, HostileFiles,
                         testing::Values(Hostile{"safetensors-named.bin", "is a safetensors file"},
                                         Hostile{"safetensors-named.pth", "is a safetensors file"},
                                         Hostile{"zip-named.safetensors", ""}, Hostile{"page.pth", "is a web page"},
                                         Hostile{"error.pth", "is a server's error message"},
                                         Hostile{"access-denied.pth", "is a server's error message"},
                                         Hostile{"lfs-pointer.pth", "is a Git LFS pointer"},
                                         Hostile{"xet-pointer.safetensors", "is a Xet pointer"}, Hostile{"empty.pth", "is empty"},
                                         Hostile{"gzip.pth", "is a gzip archive"}, Hostile{"hdf5.h5", "is an HDF5 file"},
                                         Hostile{"numpy-savez.pth", "is a NumPy archive"},
                                         Hostile{"torchscript.pt", "is a TorchScript program"},
                                         Hostile{"tar-of-pytorch-0.1.pth", "is a checkpoint of PyTorch 0.1"},
                                         Hostile{"preview-release.pt", "preview release"}),
                         name_of);

}  // namespace
}  // namespace resnet::torch
