// Hostile and mistaken checkpoints, and folders of them, given to the program itself: each is refused in one line with exit code
// 3, and nothing is run, written or printed that a terminal would obey. Skipped where the test assets are not there.
#include <fmt/format.h>

#include <map>
#include <set>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A part of what is said of each. Some can be read, but their one tensor is not a network's: of these nothing is expected but
// that they are refused.
using Verdicts = std::map<std::string, std::string>;
const std::string none;

const Verdicts pickles = {{"os-system.pth", none},
                          {"os-system-legacy.pth", "posix.system"},
                          {"os-system-plain-pickle.bin", "pickle"},
                          {"eval-protocol4.pth", none},
                          {"setstate-build.pth", "torch.nn.modules.container.Sequential"},
                          {"whole-module.pth", none},
                          {"persistent-id-of-module.pth", "no weights"},
                          {"persistent-id-of-text.pth", "no weights"},
                          {"nested-tuples.pth", none},
                          {"nested-lists.pth", none},
                          {"nested-dicts.pth", none},
                          {"billion-laughs.pth", none},
                          {"dict-in-itself.pth", none},
                          {"memo-index-4-billion.pth", "memo"},
                          {"string-of-4-gib.pth", "4294967295"},
                          {"string-of-16-eib.pth", "are wanted"},
                          {"long-of-2-gib.pth", "2147483647"},
                          {"frame-of-16-eib.pth", "frame"},
                          {"stack-underflow.pth", "damaged"},
                          {"mark-missing.pth", "mark"},
                          {"setitems-odd.pth", "no value"},
                          {"no-stop.pth", "damaged"},
                          {"list-as-key.pth", "key"},
                          {"unknown-opcode.pth", "0xfe"},
                          {"protocol-255.pth", "255"},
                          {"name-not-utf-8.pth", "UTF-8"},
                          {"text-only.pth", "no weights"},
                          {"empty-dict.pth", "no weights"},
                          {"no-tensors.pth", "no weights"}};

const Verdicts torch_tensors = {{"offset-past-end.pth", "storage"},
                                {"offset-2-62.pth", "storage"},
                                {"offset-negative.pth", "-1"},
                                {"stride-negative.pth", "-1"},
                                {"stride-overflow.pth", "storage"},
                                {"size-negative.pth", "-4"},
                                {"size-not-a-number.pth", "size"},
                                {"size-none.pth", "size"},
                                {"size-2-100.pth", "size"},
                                {"size-and-stride-differ.pth", "strides"},
                                {"dimensions-100000.pth", "100000 dimensions"},
                                {"elements-2-60.pth", none},
                                {"stride-zero-2-60.pth", none},
                                {"elements-overflow-64.pth", none},
                                {"views-20000-of-4-mib.pth", none},
                                {"record-too-short.pth", "8 bytes"},
                                {"record-too-long.pth", "67108864 bytes"},
                                {"record-missing.pth", "not in the archive"},
                                {"key-dot-dot.pth", "not in the archive"},
                                {"key-absolute.pth", "not in the archive"},
                                {"same-storage-two-types.pth", "another type"},
                                {"storage-complex.pth", "ComplexFloatStorage"},
                                {"storage-quantized.pth", "QUInt8Storage"},
                                {"storage-unknown.pth", "FancyStorage"},
                                {"name-twice.pth", none},
                                {"name-escape-codes.pth", none},
                                {"byteorder-middle.pth", "middle"}};

const Verdicts containers = {{"legacy-storage-past-end.pth", "cut"},
                             {"legacy-storage-2-60.pth", none},
                             {"legacy-storage-negative.pth", "-4"},
                             {"legacy-key-missing.pth", "storage"},
                             {"legacy-key-unknown.pth", "storage"},
                             {"legacy-cut-in-pickle.pth", "damaged"},
                             {"two-pickles.pth", "two entries"},
                             {"two-roots.pth", "more than one folder"},
                             {"root-dot-dot.pth", none},
                             {"local-name-differs.pth", none},
                             {"no-pickle.pth", "without data.pkl"},
                             {"cut-in-half.pth", "cut"},
                             {"cut-last-byte.pth", "cut"},
                             {"directory-past-end.pth", "directory"},
                             {"entries-65535.pth", "65535"},
                             {"entry-offset-past-end.pth", "2147483647"},
                             {"entry-size-4-gib-1.pth", "damaged"},
                             {"entry-encrypted.pth", "encrypted"},
                             {"entry-method-99.pth", "99"},
                             {"crc-wrong.pth", "CRC"},
                             {"zip64-sizes-2-62.pth", "damaged"},
                             {"zip64-locator-past-end.pth", "zip64"},
                             {"zip64-entries-2-64.pth", "damaged"},
                             {"overlapping-bomb-8-gib.pth", "overlap"}};

const Verdicts safetensors = {{"empty.safetensors", "empty"},
                              {"seven-bytes.safetensors", "7 bytes"},
                              {"header-2-63.safetensors", none},
                              {"header-2-64-less-1.safetensors", none},
                              {"header-100-mb-and-1.safetensors", none},
                              {"header-past-end.safetensors", "cut"},
                              {"header-empty.safetensors", "empty"},
                              {"header-cut.safetensors", "ends"},
                              {"header-not-object.safetensors", none},
                              {"header-not-utf-8.safetensors", "UTF-8"},
                              {"header-byte-order-mark.safetensors", none},
                              {"header-begins-with-space.safetensors", none},
                              {"header-zero-padded.safetensors", "x00"},
                              {"json-deep.safetensors", "'['"},
                              {"json-deep-objects.safetensors", "128 levels"},
                              {"name-twice.safetensors", "twice"},
                              {"dtype-twice.safetensors", "twice"},
                              {"key-missing.safetensors", "data_offsets"},
                              {"key-unknown.safetensors", none},
                              {"overlap.safetensors", "overlaps"},
                              {"same-bytes-twice.safetensors", "overlaps"},
                              {"hole.safetensors", "no tensor"},
                              {"first-not-at-0.safetensors", "byte 4"},
                              {"bytes-left-over.safetensors", "8 bytes after"},
                              {"data-cut.safetensors", "cut"},
                              {"offsets-reversed.safetensors", "[16, 0]"},
                              {"offsets-past-end.safetensors", "cut"},
                              {"offsets-three.safetensors", "data_offsets"},
                              {"offsets-2-64.safetensors", "18446744073709551616"},
                              {"offsets-negative.safetensors", "-16"},
                              {"shape-and-bytes-differ.safetensors", "expected 20"},
                              {"shape-overflow.safetensors", "more elements"},
                              {"shape-overflow-to-16-bytes.safetensors", "more elements"},
                              {"shape-nan.safetensors", "NaN"},
                              {"shape-1e300.safetensors", "1e300"},
                              {"shape-4.0.safetensors", "4.0"},
                              {"shape-text.safetensors", "number"},
                              {"shape-negative.safetensors", "-4"},
                              {"shape-zero-times-huge.safetensors", none},
                              {"shape-20000-dimensions.safetensors", none},
                              {"dtype-F8_E4M3.safetensors", "tensor 'a': has elements of type F8_E4M3"},
                              {"dtype-F8_E5M2.safetensors", "tensor 'a': has elements of type F8_E5M2"},
                              {"dtype-F4.safetensors", "tensor 'a': has elements of type F4"},
                              {"dtype-F6_E2M3.safetensors", "tensor 'a': has elements of type F6_E2M3"},
                              {"dtype-C64.safetensors", "tensor 'a': has elements of type C64"},
                              {"dtype-I4.safetensors", "'I4'"},
                              {"dtype-BF32.safetensors", "'BF32'"},
                              {"dtype-f32.safetensors", "'f32'"},
                              {"dtype-none.safetensors", "''"},
                              {"metadata-number.safetensors", "__metadata__"},
                              {"metadata-nested.safetensors", "__metadata__"},
                              {"metadata-as-tensor.safetensors", "__metadata__"},
                              {"metadata-only.safetensors", none},
                              {"name-dot-dot.safetensors", none},
                              {"name-empty.safetensors", none},
                              {"name-nul.safetensors", none},
                              {"name-surrogate.safetensors", "surrogate"},
                              {"name-100-kb.safetensors", none},
                              {"name-escape-codes.safetensors", none}};

const Verdicts mistaken = {{"safetensors-named.bin", none},
                           {"safetensors-named.pth", none},
                           {"zip-named.safetensors", none},
                           {"page.pth", "web page"},
                           {"page-named.safetensors", "web page"},
                           {"error.pth", "error message"},
                           {"access-denied.pth", "error message"},
                           {"lfs-pointer.pth", "Git LFS pointer"},
                           {"lfs-pointer.safetensors", "Git LFS pointer"},
                           {"xet-pointer.safetensors", "Xet pointer"},
                           {"empty.pth", "empty"},
                           {"gzip.pth", "gzip"},
                           {"hdf5.h5", "HDF5"},
                           {"numpy-savez.pth", "NumPy"},
                           {"torchscript.pt", "TorchScript"},
                           {"tar-of-pytorch-0.1.pth", "PyTorch 0.1"},
                           {"preview-release.pt", "preview release"}};

// Of a configuration the field.
const Verdicts folders = {{"shard-dot-dot", "../etc/hostname"},
                          {"shard-absolute", "/etc/hostname"},
                          {"shard-missing", "model-00001-of-00002.safetensors"},
                          {"shard-without-tensor", none},
                          {"shard-is-index", "index"},
                          {"shard-tensor-unlisted", none},
                          {"config-architecture-path", "'architecture'"},
                          {"config-architecture-unknown", "'architecture'"},
                          {"config-classes-10-12", "'num_classes'"},
                          {"config-crop-pct-0", "crop_pct"},
                          {"config-crop-pct-tiny", "crop_pct"},
                          {"config-depths-empty", "'depths'"},
                          {"config-depths-million", "'depths[0]'"},
                          {"config-id2label-gaps", "'id2label'"},
                          {"config-input-million", "input_size"},
                          {"config-labels-escape-codes", "'label_names'"},
                          {"config-labels-fewer", "'label_names'"},
                          {"config-mean-text", "mean"},
                          {"config-not-json", "config.json"},
                          {"config-other-model", "'vit'"},
                          {"config-std-0", "std"}};

const auto tables = {&pickles, &torch_tensors, &containers, &safetensors, &mistaken, &folders};

class HostileTest : public CliTest {
 protected:
  static fs::path hostile() { return *assets() / "models" / "hub" / "hostile"; }

  std::set<std::string> files_here() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) names.insert(entry.path());
    return names;
  }

  Finished run_at_home(const std::vector<std::string>& arguments) const {
    RunOptions options;
    options.environment = {{"HOME", folder()}, {"XDG_CACHE_HOME", folder() / "cache"}};
    return run(arguments, options);
  }

  // One short line that says `part` of `name`, at little cost.
  void expect_cheap_refusal(const Finished& finished, const std::string& name, const std::string& part,
                            const Finished& start_up) const {
    expect_refused(finished, 3, name);
    EXPECT_THAT(finished.err, HasSubstr(part));
    EXPECT_LT(finished.err.size(), hostile().string().size() + 800);
    const std::size_t controls = static_cast<std::size_t>(std::count_if(
        finished.err.begin(), finished.err.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    EXPECT_EQ(controls, 1u) << finished.err;  // the line's end
#ifndef RESNET_SANITIZED
    EXPECT_LT(finished.peak_kibibytes - start_up.peak_kibibytes, 64 * 1024);
    EXPECT_LT(finished.cpu_seconds, 1);
#endif
  }

  void expect_verdicts(const Verdicts& verdicts) const {
    const Finished start_up = run_at_home({"predict", "missing.pth", "red.png"});
    const std::set<std::string> before = files_here();
    for (const auto& [name, part] : verdicts) {
      SCOPED_TRACE(name);
      const std::string file = hostile() / name;
      expect_cheap_refusal(run_at_home({"predict", file, "red.png"}), name, part, start_up);
      expect_cheap_refusal(run_at_home({"convert", file, "-o", "out.onnx"}), name, part, start_up);
    }
    EXPECT_EQ(files_here(), before);
  }
};

#define RESNET_REQUIRE_HOSTILE() \
  RESNET_REQUIRE_ASSETS();       \
  if (!fs::exists(hostile())) GTEST_SKIP() << "the test assets have no models/hub/hostile"

TEST_F(HostileTest, Pickles) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(pickles);
}

TEST_F(HostileTest, TensorsOfCheckpoints) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(torch_tensors);
}

TEST_F(HostileTest, ZipsAndTheOldFormat) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(containers);
}

TEST_F(HostileTest, Safetensors) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(safetensors);
}

TEST_F(HostileTest, FilesThatAreSomethingElse) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(mistaken);
}

TEST_F(HostileTest, Folders) {
  RESNET_REQUIRE_HOSTILE();
  expect_verdicts(folders);
}

// A file that is new there needs a verdict here.
TEST_F(HostileTest, EachFileHasAVerdict) {
  RESNET_REQUIRE_HOSTILE();
  std::set<std::string> known = {"README.md", "make"}, found;
  for (const Verdicts* table : tables) {
    for (const auto& [name, part] : *table) EXPECT_TRUE(known.insert(name).second) << name;
  }
  for (const auto& entry : fs::directory_iterator(hostile())) found.insert(entry.path().filename());
  EXPECT_EQ(found, known);
}

}  // namespace
}  // namespace resnet::test
