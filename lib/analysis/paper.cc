#include "lib/analysis/paper.h"

#include <array>
#include <cstdlib>

namespace resnet::analysis {

namespace {

constexpr std::int64_t classes = 1000;
constexpr std::int64_t stem_channels = 64;

TableNet net(int depth, bool bottleneck, std::int64_t flops, std::array<int, 4> blocks) {
  return {depth,
          bottleneck,
          flops,
          {{"conv1", 112, stem_channels, 0},
           {"conv2_x", 56, 64, blocks[0]},
           {"conv3_x", 28, 128, blocks[1]},
           {"conv4_x", 14, 256, blocks[2]},
           {"conv5_x", 7, 512, blocks[3]},
           {"fc", 1, classes, 0}}};
}

}  // namespace

std::span<const TableNet> table1() {
  static const std::array<TableNet, 5> nets = {
      net(18, false, 18, {2, 2, 2, 2}),  net(34, false, 36, {3, 4, 6, 3}),   net(50, true, 38, {3, 4, 6, 3}),
      net(101, true, 76, {3, 4, 23, 3}), net(152, true, 113, {3, 8, 36, 3}),
  };
  return nets;
}

std::vector<std::int64_t> multiply_adds(const TableNet& net, StridePlace stride) {
  const std::int64_t expansion = net.bottleneck ? 4 : 1;
  std::vector<std::int64_t> counts;
  std::int64_t in_channels = stem_channels;
  std::int64_t in_size = 56;  // after the stem's max pool
  for (const TableStage& stage : net.stages) {
    const std::int64_t c = stage.channels, area = stage.size * stage.size;
    if (stage.name == "conv1") {
      counts.push_back(area * c * 3 * 7 * 7);
      continue;
    }
    if (stage.name == "fc") {
      counts.push_back(in_channels * c);
      continue;
    }
    const std::int64_t out_channels = c * expansion;
    std::int64_t count = 0;
    for (int block = 0; block < stage.blocks; ++block) {
      const std::int64_t entry = block == 0 ? in_size * in_size : area;  // positions before the stride
      if (net.bottleneck) {
        const std::int64_t reduce = stride == StridePlace::first_1x1 ? area : entry;
        count += reduce * in_channels * c + area * c * c * 9 + area * c * out_channels;
      } else {
        count += area * in_channels * c * 9 + area * c * c * 9;
      }
      if (in_channels != out_channels) count += area * in_channels * out_channels;
      in_channels = out_channels;
    }
    in_size = stage.size;
    counts.push_back(count);
  }
  return counts;
}

bool matches_printed(const TableNet& net, std::int64_t count) {
  constexpr std::int64_t tenth = 100'000'000;
  return std::llabs(count - net.flops_in_tenths_of_billions * tenth) < tenth;
}

}  // namespace resnet::analysis
