#include "formats/native/architecture.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/native/native.pb.h"
#include "lib/base/error.h"

namespace resnet::native {

arch::Spec read_architecture(const native::Architecture& proto) {
  arch::Spec spec;
  spec.name = proto.name();
  spec.block = proto.single() ? arch::Block::single : proto.bottleneck() ? arch::Block::bottleneck : arch::Block::basic;
  spec.blocks = {proto.blocks().begin(), proto.blocks().end()};
  spec.stem = static_cast<arch::Stem>(std::clamp(proto.stem(), 0, 2));
  spec.first_channels = proto.first_channels();
  spec.shortcut = static_cast<arch::Shortcut>(std::clamp(proto.shortcut(), 0, 3));
  spec.variant = proto.stride_in_3x3() ? arch::Variant::v1_5 : arch::Variant::v1;
  spec.pre_activation = proto.pre_activation();
  spec.groups = proto.groups();
  spec.width_per_group = proto.width_per_group();
  spec.average_shortcut = proto.average_shortcut();
  spec.squeeze = proto.squeeze();
  spec.squeeze_multiple = proto.squeeze_multiple() != 0 ? proto.squeeze_multiple() : arch::older_squeeze_multiple(spec);
  spec.efficient_attention = proto.efficient_attention();
  spec.stem_channels = proto.stem_channels();
  spec.tiered_stem = proto.tiered_stem();
  spec.stem_pool = static_cast<arch::StemPool>(std::clamp(proto.stem_pool(), 0, 1));
  spec.anti_alias = static_cast<arch::AntiAlias>(std::clamp(proto.anti_alias(), 0, 2));
  spec.stem_norm = !proto.no_stem_norm();
  spec.last_norm = !proto.no_last_norm();
  spec.norm = static_cast<arch::Norm>(std::clamp(proto.norm(), 0, 1));
  spec.standardized = proto.standardized();
  spec.zero_channels = static_cast<arch::ZeroChannels>(std::clamp(proto.zero_channels(), 0, 1));
  spec.classes = proto.classes();
  if (proto.has_batch()) spec.batch = proto.batch();
  spec.height = proto.height();
  spec.width = proto.width();
  try {
    arch::check(spec);
  } catch (const Error& error) {
    throw Error(Fault::malformed, fmt::format("its architecture is damaged: {}", error.problem()));
  }
  return spec;
}

void write_architecture(const arch::Spec& spec, native::Architecture& proto) {
  proto.set_name(spec.name);
  proto.set_bottleneck(spec.block == arch::Block::bottleneck);
  proto.set_single(spec.block == arch::Block::single);
  *proto.mutable_blocks() = {spec.blocks.begin(), spec.blocks.end()};
  proto.set_stem(static_cast<int>(spec.stem));
  proto.set_first_channels(spec.first_channels);
  proto.set_shortcut(static_cast<int>(spec.shortcut));
  proto.set_stride_in_3x3(spec.variant == arch::Variant::v1_5);
  proto.set_pre_activation(spec.pre_activation);
  proto.set_groups(spec.groups);
  proto.set_width_per_group(spec.width_per_group);
  proto.set_average_shortcut(spec.average_shortcut);
  proto.set_squeeze(spec.squeeze);
  proto.set_squeeze_multiple(spec.squeeze_multiple);
  proto.set_efficient_attention(spec.efficient_attention);
  proto.set_stem_channels(spec.stem_channels);
  proto.set_tiered_stem(spec.tiered_stem);
  proto.set_stem_pool(static_cast<int>(spec.stem_pool));
  proto.set_anti_alias(static_cast<int>(spec.anti_alias));
  proto.set_no_stem_norm(!spec.stem_norm);
  proto.set_no_last_norm(!spec.last_norm);
  proto.set_norm(static_cast<int>(spec.norm));
  proto.set_standardized(spec.standardized);
  proto.set_zero_channels(static_cast<int>(spec.zero_channels));
  proto.set_classes(spec.classes);
  if (spec.batch) proto.set_batch(*spec.batch);
  proto.set_height(spec.height);
  proto.set_width(spec.width);
}

}  // namespace resnet::native
