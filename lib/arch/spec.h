// The networks of 'Deep Residual Learning for Image Recognition' (He et al. 2015, "the paper") and their kin as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/words.h"

namespace resnet::arch {

enum class Block : std::uint8_t { basic, bottleneck };
// The paper's options, and none for a plain net. A: the identity, zero channels where there are more; B: a projection where the
// size changes; C: projections everywhere.
enum class Shortcut : std::uint8_t { none, A, B, C };
// Where a bottleneck that halves the map has its stride: in the first 1x1 (the paper) or in the 3x3 (torchvision).
enum class Variant : std::uint8_t { v1, v1_5 };
// imagenet: 7x7 with stride 2 and a 3x3 max pool; deep: three 3x3, the first with stride 2, and that pool (ResNet-D); cifar: one
// 3x3.
enum class Stem : std::uint8_t { imagenet, deep, cifar };

constexpr auto words_of(Shortcut) {  // but for none, which is not asked for
  return std::to_array<Word<Shortcut>>({{Shortcut::A, "A"}, {Shortcut::B, "B"}, {Shortcut::C, "C"}});
}
constexpr auto words_of(Variant) { return std::to_array<Word<Variant>>({{Variant::v1, "v1"}, {Variant::v1_5, "v1.5"}}); }
constexpr auto words_of(Stem) {
  return std::to_array<Word<Stem>>({{Stem::imagenet, "imagenet"}, {Stem::deep, "deep"}, {Stem::cifar, "cifar"}});
}

// One network: find_spec() gives one by its name, and every field may be changed after that.
struct Spec {
  std::string name;
  Block block = Block::basic;
  std::vector<int> blocks;  // per stage conv2_x, conv3_x, ...
  Stem stem = Stem::imagenet;
  std::int64_t first_channels = 64;  // planes of the first stage; each later stage doubles them
  Shortcut shortcut = Shortcut::B;
  Variant variant = Variant::v1_5;
  bool pre_activation = false;        // 'Identity Mappings in Deep Residual Networks' (He et al. 2016): v2
  std::int64_t groups = 1;            // of a bottleneck's 3x3: the cardinality of ResNeXt
  std::int64_t width_per_group = 64;  // a bottleneck's 3x3 has planes * width_per_group / 64 * groups channels
  bool average_shortcut = false;      // ResNet-D: a 2x2 average pool halves the map before a projection without a stride
  std::int64_t squeeze = 0;           // squeeze-and-excitation: its reduction (16), or none
  std::int64_t classes = 1000;
  std::optional<std::int64_t> batch;  // nothing: symbolic "batch"
  std::int64_t height = 224, width = 224;
  friend bool operator==(const Spec&, const Spec&) = default;
};

// By name, nothing for another one (D: 18, 34, 50, 101, 152; N: 6n+2 for n from 1 to 1666, 50 and 152 left out as they are D's):
//   resnetD, plain18, plain34        the paper's section 4.1, 224x224, option B
//   resnetN, plainN                  the paper's section 4.2, CIFAR-10's 32x32 and 10 classes, option A
//   resnetDv2, resnetNv2             pre-activation
//   resnetDd                         ResNet-D ('Bag of Tricks', He et al. 2018)
//   seresnetD                        squeeze-and-excitation (Hu et al. 2017), reduction 16
//   resnext50_32x4d, resnext101_64x4d, ...   any cardinality and width per group, also seresnext50_32x4d
//   wide_resnet50_2, wide_resnet101_2
std::optional<Spec> find_spec(std::string_view name);
// Those that a user may be told of; find_spec() knows more.
std::vector<std::string> names();

// What a command line may ask of a named net; what is left out stays as it is.
struct SpecOptions {
  std::optional<Variant> variant = {};
  std::optional<Shortcut> shortcut = {};
  std::optional<std::int64_t> classes = {}, batch = {}, height = {}, width = {};
};
// Throws Error(invalid) where an option does not fit the net: a shortcut for a plain one.
Spec with_options(Spec spec, const SpecOptions& options);

// "v1", "v1.5"; "A", "B", "C". name_of() has "none", too.
std::optional<Variant> find_variant(std::string_view text);
std::optional<Shortcut> find_shortcut(std::string_view text);
std::string_view name_of(Variant variant);
std::string_view name_of(Shortcut shortcut);

// Throws Error(invalid) where a field is out of its range or two contradict each other: "resnet18: groups need a bottleneck".
void check(const Spec& spec);

// Layers with weights on the longest path, as the paper counts: 18 for resnet18.
std::int64_t depth_of(const Spec& spec);

}  // namespace resnet::arch
