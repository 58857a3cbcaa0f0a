#include "cli/tasks/paper/paper.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "cli/tasks/inspect/paper_table.h"
#include "lib/analysis/cost.h"
#include "lib/analysis/paper.h"
#include "lib/arch/build.h"

namespace resnet::cli {

namespace {

using analysis::PrintedRow;
using analysis::Testing;

constexpr const char* errors[] = {"top-1 error", "top-5 error"};
constexpr const char* counts = "multiply-adds";
constexpr const char* parameters = "parameters";

arch::Spec spec_of(std::string_view network, std::string_view shortcut) {
  arch::SpecOptions options{.variant = arch::Variant::v1, .shortcut = arch::find_shortcut(shortcut), .batch = 1};
  return arch::with_options(arch::find_spec(network).value(), options);
}

analysis::Cost cost_of(const arch::Spec& spec) {
  return analysis::total(analysis::costs_of(arch::build(spec, {.init = arch::Init::none})));
}

// How an exact count became one with a digit after the point.
std::string rounding_of(std::int64_t count, std::int64_t tenths) {
  constexpr std::int64_t tenth = 100'000'000;
  const bool rounds = (count + tenth / 2) / tenth == tenths, truncates = count / tenth == tenths;
  if (rounds && truncates) return "rounds and truncates to it";
  if (rounds) return "rounds to it";
  return truncates ? "only truncates to it" : "neither rounds nor truncates to it";
}

std::string billions(std::int64_t tenths) { return fmt::format("{}.{}x10^9", tenths / 10, tenths % 10); }

PaperRow cost_row(const std::string& method, const std::string& network, std::int64_t tenths, const std::string& remark) {
  const arch::Spec spec = spec_of(network, "");
  const std::int64_t count = cost_of(spec).macs;
  PaperRow row{method, network, {{counts, billions(tenths), count}}, "", "", ""};
  row.remark = remark.empty() ? rounding_of(count, tenths) : remark;
  const bool bottleneck = spec.block == arch::Block::bottleneck;
  row.command = fmt::format("resnet-cli inspect {}{} --depth stage", network, bottleneck ? " --variant v1" : "");
  return row;
}

PaperTable costs_table() {
  PaperTable table{"Table 1", "FLOPs (multiply-adds, 224x224)", {}, "", ""};
  table.note =
      "18, 101 and 152 layers round to the printed figures, 34 and 50 only truncate to 3.6 and 3.8; counted: v1, option B.";
  for (const analysis::TableNet& net : analysis::table1()) {
    table.rows.push_back(
        cost_row(fmt::format("ResNet-{}", net.depth), fmt::format("resnet{}", net.depth), net.flops_in_tenths_of_billions, ""));
  }
  table.rows.push_back(cost_row("plain-34 (Figure 3)", "plain34", 36, ""));
  table.rows.push_back(cost_row("VGG-19 (Figure 3)", "vgg19", 196, ""));
  const PaperRow vgg16 = cost_row("VGG-16 (section 4.1)", "vgg16", 153, "its convolutions alone, 15346630656, truncate to it");
  table.rows.push_back(vgg16);
  table.pattern = "resnet-cli inspect NET --variant v1 --depth stage; all stages: resnet-cli validate --paper";
  return table;
}

const MeasuredError* find_measured(const Measured& measured, const PrintedRow& row) {
  const MeasuredError* best = nullptr;
  const arch::Shortcut shortcut = arch::find_shortcut(row.shortcut).value_or(arch::Shortcut::none);
  for (const MeasuredError& error : measured.errors) {
    const bool same =
        row.testing == Testing::ensemble ? !row.network.empty() : error.network == row.network && error.shortcut == shortcut;
    // Of several the one of most photos.
    if (error.testing == row.testing && same && !row.network.empty() && (best == nullptr || error.count > best->count))
      best = &error;
  }
  return best;
}

// The last test error of a log of that network, in per cent.
std::optional<std::pair<double, std::string>> find_logged(const Measured& measured, const PrintedRow& row) {
  if (row.table != 6 || row.network.empty()) return std::nullopt;
  for (const MeasuredRun& run : measured.runs) {
    if (run.run.first != row.network) continue;
    for (auto line = run.run.second.rbegin(); line != run.run.second.rend(); ++line) {
      if (line->test_error) return std::pair(100 * *line->test_error, run.file);
    }
  }
  return std::nullopt;
}

std::string file_of(const PrintedRow& row) {
  const std::string network(row.network);
  const bool plain = row.shortcut.empty() || row.table == 6;
  return plain ? network : fmt::format("{}-{}", network, row.shortcut);
}

// The command of a row, `net` being its file.
std::string command_for(Testing testing, int table, const std::string& net) {
  const std::string scales = fmt::format(" --crop full --scales {}", analysis::full_scales);
  switch (testing) {
    case Testing::center:
      if (table == 6) return fmt::format("resnet-cli train {0} cifar10 --recipe paper-cifar -o {0}.onnx --log {0}.csv", net);
      return fmt::format("resnet-cli evaluate {0}.onnx imagenet/val -o {0}-center.json", net);
    case Testing::ten: return fmt::format("resnet-cli evaluate {0}.onnx imagenet/val --crop ten -o {0}-ten.json", net);
    case Testing::full: return fmt::format("resnet-cli evaluate {0}.onnx imagenet/val{1} -o {0}-full.json", net, scales);
    case Testing::ensemble:
      return fmt::format(
          "resnet-cli evaluate -m resnet152-B.onnx -m resnet101-B.onnx -m resnet50-B.onnx --ensemble imagenet/val{} -o "
          "ensemble.json",
          scales);
  }
  __builtin_unreachable();
}

std::string joined(const std::string& a, const std::string& b) { return a.empty() || b.empty() ? a + b : a + "; " + b; }

void take_measured(PaperRow& row, const PrintedRow& printed, const Measured& measured) {
  std::string remark;
  table::Cell top1, top5;
  if (const MeasuredError* found = find_measured(measured, printed)) {
    top1 = found->top1;
    if (found->top5) top5 = *found->top5;
    row.source = found->file;
    const bool bottlenecks = !found->network.empty() && spec_of(found->network, "").block == arch::Block::bottleneck;
    const bool strides_later = bottlenecks && found->variant == arch::Variant::v1_5;
    remark = fmt::format("{}{} photos", strides_later ? "v1.5, " : "", found->count);
    if (printed.table == 5) remark += ", of the validation set";
  } else if (const auto logged = find_logged(measured, printed)) {
    top1 = logged->first;
    row.source = logged->second;
  }
  row.remark = joined(std::string(printed.remark), remark);
  for (PaperFigure& figure : row.figures) {
    if (figure.measure == errors[0]) figure.here = top1;
    if (figure.measure == errors[1]) figure.here = top5;
  }
}

PaperRow row_of(const PrintedRow& printed, const Measured& measured) {
  PaperRow row;
  row.method = printed.method;
  if (printed.layers != 0) row.method += fmt::format(", {} layers", printed.layers);
  if (!printed.network.empty()) {
    row.network = file_of(printed);
    row.command = command_for(printed.testing, printed.table, row.network);
  }
  const auto text = [](const std::optional<analysis::PrintedError>& error) { return error ? analysis::to_string(*error) : ""; };
  if (printed.table != 5) row.figures.push_back({errors[0], text(printed.top1), {}});
  if (printed.table != 2 && printed.table != 6) row.figures.push_back({errors[1], text(printed.top5), {}});
  if (printed.table == 6) {
    row.figures.push_back({parameters, std::string(printed.parameters), {}});
    if (!printed.network.empty()) row.figures.back().here = cost_of(spec_of(printed.network, printed.shortcut)).parameters;
  }
  take_measured(row, printed, measured);
  return row;
}

PaperTable errors_table(int number, const Measured& measured) {
  PaperTable table;
  table.name = number == 0 ? "Models" : fmt::format("Table {}", number);
  table.title = analysis::title_of_table(number);
  for (const PrintedRow& printed : analysis::printed_rows()) {
    if (printed.table != number) continue;
    table.rows.push_back(row_of(printed, measured));
    if (table.pattern.empty() && !printed.network.empty()) table.pattern = command_for(printed.testing, number, "NET");
  }
  return table;
}

}  // namespace

bool PaperRow::is_missing() const {
  const auto is_error = [](const PaperFigure& figure) { return figure.measure == errors[0] || figure.measure == errors[1]; };
  return !network.empty() && source.empty() && std::any_of(figures.begin(), figures.end(), is_error);
}

std::vector<PaperTable> paper_tables(const Measured& measured) {
  std::vector<PaperTable> tables = {costs_table()};
  for (const int number : {2, 3, 4, 5, 6, 0}) tables.push_back(errors_table(number, measured));
  return tables;
}

std::string missing_text(const std::vector<PaperTable>& tables) {
  std::size_t all = 0, missing = 0;
  std::string lines;
  for (const PaperTable& table : tables) {
    std::string networks;
    for (const PaperRow& row : table.rows) {
      const bool measurable = !row.network.empty() && table.name != "Table 1";
      all += measurable ? 1 : 0;
      if (!row.is_missing()) continue;
      ++missing;
      networks += (networks.empty() ? "" : ", ") + row.network;
    }
    if (!networks.empty()) lines += fmt::format("  {}: {}\n", table.name, networks);
  }
  return fmt::format("{} of {} rows that can be measured here have results{}\n{}", all - missing, all,
                     missing == 0 ? "" : "; missing:", lines);
}

namespace {

table::Cell shown(const table::Cell& here) {
  if (const auto* error = std::get_if<double>(&here)) return fmt::format("{:.2f}", *error);
  return here;
}

// A table of its own: of each measure what is printed and what is here.
table::Table wide_table(const PaperTable& paper) {
  std::vector<table::Column> columns = {{"method", table::Align::left, {}}};
  for (const PaperFigure& figure : paper.rows.front().figures) {
    columns.push_back({figure.measure, table::Align::right, {}});
    columns.push_back({"here", table::Align::right, {}});
  }
  columns.push_back({"NET", table::Align::left, {}});
  columns.push_back({"remark", table::Align::left, {}});
  table::Table table(std::move(columns));
  for (const PaperRow& row : paper.rows) {
    std::vector<table::Cell> cells = {row.method};
    for (const PaperFigure& figure : row.figures) {
      cells.emplace_back(figure.printed.empty() ? "-" : figure.printed);
      const bool missing = std::holds_alternative<std::monostate>(figure.here);
      cells.push_back(missing ? table::Cell(std::string(row.network.empty() || figure.printed.empty() ? "" : "missing"))
                              : shown(figure.here));
    }
    cells.emplace_back(row.network);
    cells.emplace_back(row.remark);
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace

std::string paper_text(const std::vector<PaperTable>& tables, const std::vector<PaperPictureLine>& pictures) {
  std::string text;
  for (const PaperTable& table : tables) {
    text += fmt::format("{}: {}\n{}", table.name, table.title, wide_table(table).render(table::Format::text));
    if (!table.note.empty()) text += table.note + "\n";
    text += fmt::format("  {}\n\n", table.pattern);
  }
  for (const PaperPictureLine& line : pictures) {
    text += fmt::format("{}: {}{}\n  {}\n", line.name, line.title, line.is_missing ? " (missing)" : "", line.command);
  }
  return text + "\n" + missing_text(tables);
}

table::Table flat_table(const std::vector<PaperTable>& tables, const std::vector<PaperPictureLine>& pictures) {
  table::Table flat({{"part", table::Align::left, {}},
                     {"row", table::Align::left, {}},
                     {"measure", table::Align::left, {}},
                     {"paper", table::Align::right, {}},
                     {"here", table::Align::right, 2},
                     {"remark", table::Align::left, {}},
                     {"source", table::Align::left, {}},
                     {"command", table::Align::left, {}}});
  for (const PaperTable& table : tables) {
    for (const PaperRow& row : table.rows) {
      for (const PaperFigure& figure : row.figures) {
        if (figure.printed.empty()) continue;
        const bool missing = row.is_missing() && std::holds_alternative<std::monostate>(figure.here);
        flat.add({table.name, row.method, figure.measure, figure.printed, figure.here,
                  missing ? joined("missing", row.remark) : row.remark, row.source, row.command});
      }
    }
  }
  for (const PaperPictureLine& line : pictures) {
    flat.add({line.name,
              line.title,
              std::string("picture"),
              std::string(),
              {},
              std::string(line.is_missing ? "missing" : ""),
              std::string(),
              line.command});
  }
  return flat;
}

}  // namespace resnet::cli
