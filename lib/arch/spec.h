// The networks of 'Deep Residual Learning for Image Recognition' (He et al. 2015, "the paper") and their kin as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/words.h"

namespace resnet::arch {

// single: one 3x3 convolution with a bias, no batch norm and no shortcut. A stage of these ends with a 2x2 max pool, there is no
// stem, and two hidden layers precede the classifier: VGG (Simonyan and Zisserman 2014), with which the paper compares.
enum class Block : std::uint8_t { basic, bottleneck, single };
// The paper's options, and none for a plain net. A: the identity, zero channels where there are more; B: a projection where the
// size changes; C: projections everywhere.
enum class Shortcut : std::uint8_t { none, A, B, C };
// Where option A has its zero channels: half before the others and half after, or all of them after.
enum class ZeroChannels : std::uint8_t { both, end };
// Where a bottleneck that halves the map has its stride: in the first 1x1 (the paper) or in the 3x3 (torchvision).
enum class Variant : std::uint8_t { v1, v1_5 };
// imagenet: 7x7 with stride 2 and a 3x3 max pool; deep: three 3x3, the first with stride 2, and that pool (ResNet-D); cifar: one
// 3x3.
enum class Stem : std::uint8_t { imagenet, deep, cifar };
// What halves the map after an ImageNet stem: the 3x3 max pool, or a 3x3 convolution with a batch norm (ResNet-RS).
enum class StemPool : std::uint8_t { max, convolution };
// What halves a map in place of a stride, against aliasing: in a block a pool before its last convolution, in the stem the pool
// itself. average: a 2x2 average pool. blur: 'Making Convolutional Networks Shift-Invariant Again' (Zhang 2019), a 1-2-1 filter
// of a map that is reflected at its edges, in the stem after a max pool without a stride.
enum class AntiAlias : std::uint8_t { none, average, blur };
// What follows a convolution, or comes before it: batch norm, or 'Group Normalization' (Wu and He 2018) of 32 groups.
enum class Norm : std::uint8_t { batch, group };

constexpr auto words_of(Block) {
  return std::to_array<Word<Block>>({{Block::basic, "basic"}, {Block::bottleneck, "bottleneck"}, {Block::single, "single"}});
}
constexpr auto words_of(Shortcut) {  // but for none, which is not asked for
  return std::to_array<Word<Shortcut>>({{Shortcut::A, "A"}, {Shortcut::B, "B"}, {Shortcut::C, "C"}});
}
constexpr auto words_of(ZeroChannels) {
  return std::to_array<Word<ZeroChannels>>({{ZeroChannels::both, "both"}, {ZeroChannels::end, "end"}});
}
constexpr auto words_of(Variant) { return std::to_array<Word<Variant>>({{Variant::v1, "v1"}, {Variant::v1_5, "v1.5"}}); }
constexpr auto words_of(Stem) {
  return std::to_array<Word<Stem>>({{Stem::imagenet, "imagenet"}, {Stem::deep, "deep"}, {Stem::cifar, "cifar"}});
}
constexpr auto words_of(StemPool) {
  return std::to_array<Word<StemPool>>({{StemPool::max, "max"}, {StemPool::convolution, "convolution"}});
}
constexpr auto words_of(Norm) { return std::to_array<Word<Norm>>({{Norm::batch, "batch"}, {Norm::group, "group"}}); }
constexpr auto words_of(AntiAlias) {
  return std::to_array<Word<AntiAlias>>({{AntiAlias::none, "none"}, {AntiAlias::average, "average"}, {AntiAlias::blur, "blur"}});
}

constexpr std::int64_t groups_of_norm = 32;         // of group norm
constexpr std::int64_t hidden_features = 4096;      // of each of a VGG's two hidden layers
constexpr std::int64_t most_single_channels = 512;  // of a VGG's stage: those of the stage before it doubled, at most so many

// One network: find_spec() gives one by its name, and every field may be changed after that.
struct Spec {
  std::string name;
  Block block = Block::basic;
  std::vector<int> blocks;  // per stage conv2_x, conv3_x, ...
  Stem stem = Stem::imagenet;
  std::int64_t first_channels = 64;  // planes of the first stage; each later stage doubles them
  Shortcut shortcut = Shortcut::B;
  ZeroChannels zero_channels = ZeroChannels::both;  // of option A
  Variant variant = Variant::v1_5;
  bool pre_activation = false;        // 'Identity Mappings in Deep Residual Networks' (He et al. 2016): v2
  std::int64_t groups = 1;            // of a bottleneck's 3x3: the cardinality of ResNeXt
  std::int64_t width_per_group = 64;  // a bottleneck's 3x3 has planes * width_per_group / 64 * groups channels
  bool average_shortcut = false;      // ResNet-D: a 2x2 average pool halves the map before a projection without a stride
  std::int64_t squeeze = 0;           // squeeze-and-excitation: its reduction (16), or none
  std::int64_t squeeze_multiple = 8;  // what is left of the channels is rounded to a multiple of it: 64 / 16 to 8, as timm does
  bool efficient_attention = false;   // 'ECA-Net' (Wang et al. 2019): a gate by a convolution along the channels
  std::int64_t stem_channels = 0;     // that the stem ends with; 0: those of the first stage
  bool tiered_stem = false;           // deep: its first convolution has three quarters of its second's channels
  StemPool stem_pool = StemPool::max;
  AntiAlias anti_alias = AntiAlias::none;
  // Of a pre-activation net. Without a norm in its stem the first block begins with one, as every other does.
  bool stem_norm = true;
  bool last_norm = true;
  Norm norm = Norm::batch;
  // 'Big Transfer' (Kolesnikov et al. 2019): each filter has mean 0 and variance 1 (Qiao et al. 2019), and zeros, not nothing,
  // are around the map where the stem's pool ends. Of a pre-activation net with group norm.
  bool standardized = false;
  std::int64_t classes = 1000;        // 0: no classifier, the output is the pooled features
  std::optional<std::int64_t> batch;  // nothing: symbolic "batch"
  std::int64_t height = 224, width = 224;
  friend bool operator==(const Spec&, const Spec&) = default;
};

// By name, nothing for another one (D: 18, 34, 50, 101, 152; N: 6n+2 for n from 1 to 1666, 50 and 152 left out as they are D's):
//   resnetD, plain18, plain34        the paper's section 4.1, 224x224, option B
//   resnetN, plainN                  the paper's section 4.2, CIFAR-10's 32x32 and 10 classes, option A
//   resnetDv2, resnetNv2             pre-activation
//   resnetDc, d, s, t                'Bag of Tricks' (He et al. 2018): a deep stem; s: wider, t: tiered; d, t: average pools in
//   the
//                                    shortcuts; also D of 10, 14, 26, 200, 269
//   seresnetD, ecaresnetD            squeeze-and-excitation (Hu et al. 2017), reduction 16; efficient channel attention
//   resnext50_32x4d, resnext101_64x4d, ...   any cardinality and width per group
//   resnetaaD, resnetblurD           anti-aliased
//   resnet50_gn, resnetv2_50d_gn     group norm
//   resnetv2_50x1_bit, 101x3, ...    Big Transfer, once to four times as wide
//   resnetv2_D                       timm's pre-activation: no norm in the stem, one at the beginning of the first block
//   wide_resnet50_2, wide_resnet101_2, ecaresnetlight, resnetrsD
//   vgg11, vgg13, vgg16, vgg19       VGG, without batch norm
//   resnet26_bottleneck              timm's resnet26, a name that the CIFAR net of 26 layers has here
//   resnetD_cifar, resnetDv2_cifar   D's blocks and widths for CIFAR-10's 32x32
// and what timm puts together of these: seresnext26d_32x4d, seresnetaa50d.
std::optional<Spec> find_spec(std::string_view name);
// By timm's name: "resnet26" is the bottleneck net, and no CIFAR net has a name there.
std::optional<Spec> find_timm_spec(std::string_view name);
// The name by which find_spec() knows a net of this structure, whatever its classes, input and options; empty for none.
std::string find_name(const Spec& spec);
// Those that a user may be told of; find_spec() knows more.
std::vector<std::string> names();

// What a command line may ask of a named net; what is left out stays as it is.
struct SpecOptions {
  std::optional<Variant> variant = {};
  std::optional<Shortcut> shortcut = {};
  std::optional<ZeroChannels> zero_channels = {};
  std::optional<std::int64_t> classes = {}, batch = {}, height = {}, width = {};
};
// Throws Error(invalid) where an option does not fit the net: a shortcut for a plain one, zero channels for one without option A.
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
// The depth in a net's name: that of its blocks, one convolution before them and the classifier; of VGG its blocks and three
// fully connected layers.
std::int64_t named_depth_of(const Spec& spec);

// What the stem ends with.
std::int64_t stem_channels_of(const Spec& spec);
// The hidden channels of a squeeze-and-excitation of `channels`: a multiple of `multiple`, at least it.
std::int64_t squeezed_channels(std::int64_t channels, std::int64_t reduction, std::int64_t multiple);
// The other way: of some blocks' channels and hidden channels, their reduction and multiple (8, or 1 where that does not fit).
struct Squeeze {
  std::int64_t reduction = 0, multiple = 8;
};
Squeeze find_squeeze(const std::vector<std::pair<std::int64_t, std::int64_t>>& blocks);
// The multiple of a net from before it was a field of Spec, when nothing was rounded: 8 where rounding changes nothing, else 1.
std::int64_t older_squeeze_multiple(const Spec& spec);
// The length of ECA's convolution along so many channels: odd, at least 3.
std::int64_t attention_length(std::int64_t channels);

}  // namespace resnet::arch
