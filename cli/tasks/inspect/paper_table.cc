#include "cli/tasks/inspect/paper_table.h"

#include <fmt/format.h>

#include <map>

#include "lib/analysis/cost.h"
#include "lib/analysis/paper.h"
#include "lib/arch/build.h"
#include "lib/arch/recognize.h"

namespace resnet::cli {

namespace {

using analysis::TableNet;
using analysis::TableStage;

// Multiply-adds by stage, counted on the graph.
std::map<std::string, std::int64_t> count_stages(int depth, arch::Variant variant) {
  arch::SpecOptions options;
  options.variant = variant;
  options.batch = 1;
  const Graph graph =
      arch::build(arch::with_options(*arch::find_spec(fmt::format("resnet{}", depth)), options), {.init = arch::Init::none});
  std::map<std::string, std::int64_t> counts;
  const std::vector<analysis::Cost> costs = analysis::costs_of(graph);
  for (std::size_t id = 0; id < costs.size(); ++id) {
    if (costs[id].macs > 0) counts[arch::place_of(graph.nodes()[id].name).stage] += costs[id].macs;
  }
  return counts;
}

std::string block_text(const TableNet& net, const TableStage& stage, bool one_line) {
  const std::string c = std::to_string(stage.channels), c4 = std::to_string(stage.channels * 4);
  const char* const between = one_line ? "; " : "\n";
  const std::string layers =
      net.bottleneck ? "1x1, " + c + between + "3x3, " + c + between + "1x1, " + c4 : "3x3, " + c + between + "3x3, " + c;
  return one_line ? fmt::format("[{}] x {}", layers, stage.blocks) : layers;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return lines;
}

}  // namespace

table::Table paper_table(arch::Variant variant, bool one_line_cells) {
  const auto nets = analysis::table1();
  std::vector<table::Column> columns = {{"stage", table::Align::left, {}}, {"output", table::Align::left, {}}};
  for (const TableNet& net : nets) columns.push_back({fmt::format("{}-layer", net.depth), table::Align::left, {}});
  table::Table result(std::move(columns));
  for (std::size_t s = 0; s < nets[0].stages.size(); ++s) {
    const TableStage& first = nets[0].stages[s];
    std::vector<std::vector<std::string>> cells;  // by net, by line
    for (const TableNet& net : nets) {
      const TableStage& stage = net.stages[s];
      if (stage.name == "conv1") {
        cells.push_back({"7x7, 64, stride 2"});
      } else if (stage.name == "fc") {
        cells.push_back({"average pool, 1000-d fc, softmax"});
      } else if (one_line_cells) {
        cells.push_back({(stage.name == "conv2_x" ? "3x3 max pool, stride 2; " : "") + block_text(net, stage, true)});
      } else {
        std::vector<std::string> lines;
        if (stage.name == "conv2_x") lines.emplace_back("3x3 max pool, stride 2");
        const std::vector<std::string> layers = split_lines(block_text(net, stage, false));
        // Brackets round the block; how often it is repeated after its middle.
        for (std::size_t i = 0; i < layers.size(); ++i) {
          std::string line = "[" + table::pad(layers[i], 9) + "]";
          if (i == layers.size() / 2) line += fmt::format(" x {}", stage.blocks);
          lines.push_back(std::move(line));
        }
        cells.push_back(std::move(lines));
      }
    }
    std::size_t height = 1;
    for (const auto& lines : cells) height = std::max(height, lines.size());
    for (std::size_t line = 0; line < height; ++line) {
      std::vector<table::Cell> row = {line == 0 ? std::string(first.name) : "",
                                      line == 0 ? fmt::format("{0}x{0}", first.size) : std::string()};
      for (const auto& lines : cells) row.emplace_back(line < lines.size() ? lines[line] : std::string());
      result.add(std::move(row));
    }
  }
  std::vector<table::Cell> printed = {std::string("FLOPs"), std::string("Table 1")};
  std::vector<table::Cell> exact = {std::string("multiply-adds"), fmt::format("exact, {}", arch::name_of(variant))};
  for (const TableNet& net : nets) {
    printed.emplace_back(fmt::format("{}.{}x10^9", net.flops_in_tenths_of_billions / 10, net.flops_in_tenths_of_billions % 10));
    std::int64_t sum = 0;
    for (const auto& [stage, count] : count_stages(net.depth, variant)) sum += count;
    exact.emplace_back(std::to_string(sum));
  }
  result.add(std::move(printed));
  result.add(std::move(exact));
  return result;
}

namespace {

void check_net(const std::string& name, const std::map<std::string, std::int64_t>& counted, const TableNet& net,
               std::vector<PaperCheck>& checks) {
  const std::vector<std::int64_t> expected = analysis::multiply_adds(net, analysis::StridePlace::first_1x1);
  std::int64_t sum = 0;
  for (std::size_t s = 0; s < net.stages.size(); ++s) {
    const std::string stage(net.stages[s].name);
    const auto found = counted.find(stage);
    const std::int64_t count = found == counted.end() ? 0 : found->second;
    checks.push_back({name, stage, count, expected[s], "Table 1's blocks by closed formula", count == expected[s]});
  }
  for (const auto& [stage, count] : counted) sum += count;
  checks.push_back({name, "total", sum, net.flops_in_tenths_of_billions * 100'000'000,
                    "Table 1's row of FLOPs, less than 0.1x10^9 away", analysis::matches_printed(net, sum)});
}

bool has_blocks_of(const arch::Spec& spec, const TableNet& net) {
  std::vector<int> blocks;
  for (const TableStage& stage : net.stages) {
    if (stage.blocks > 0) blocks.push_back(stage.blocks);
  }
  return (spec.block == arch::Block::bottleneck) == net.bottleneck && spec.blocks == blocks;
}

}  // namespace

std::vector<PaperCheck> check_paper(arch::Variant variant) {
  std::vector<PaperCheck> checks;
  for (const TableNet& net : analysis::table1()) {
    check_net(fmt::format("resnet{} {}", net.depth, arch::name_of(variant)), count_stages(net.depth, variant), net, checks);
  }
  return checks;
}

std::vector<PaperCheck> check_paper(const Inspection& inspection) {
  std::vector<PaperCheck> checks;
  if (!inspection.recognition) return checks;
  std::map<std::string, std::int64_t> counted;
  for (const InspectedRow& row : inspection.rows) {
    if (row.cost.macs > 0) counted[row.stage_name] += row.cost.macs;
  }
  for (const TableNet& net : analysis::table1()) {
    if (has_blocks_of(inspection.recognition->spec, net)) check_net(fmt::format("{}-layer", net.depth), counted, net, checks);
  }
  return checks;
}

}  // namespace resnet::cli
