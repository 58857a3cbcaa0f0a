#include "cli/tasks/evaluate/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "formats/labels/labels.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;
using analysis::PrintedError;
using analysis::PrintedRow;

// "ten at 224,256": how photos were shown.
std::string crop_text(const EvaluateRow& row, const ReportedAs& as) {
  return as.scales.empty() ? std::string(word_of(row.crop))
                           : fmt::format("{} at {}", word_of(row.crop), fmt::join(as.scales, ","));
}

double images_per_second(const EvaluateRow& row) {
  return row.seconds > 0 ? static_cast<double>(row.evaluator.count()) / row.seconds : 0;
}

Json json_of(const Evaluator::Scores& scores) {
  return {{"precision", 100 * scores.precision}, {"recall", 100 * scores.recall}, {"f1", 100 * scores.f1}};
}

Json classes_json(const EvaluateRow& row) {
  Json classes = Json::array();
  for (const auto& c : row.evaluator.classes()) {
    classes.push_back({{"index", c.index},
                       {"label", labels::label_or_number(row.labels, c.index)},
                       {"count", c.count},
                       {"right", c.right},
                       {"accuracy", percent(c.right, c.count)},
                       {"answered", c.answered},
                       {"precision", 100 * c.precision()},
                       {"recall", 100 * c.recall()},
                       {"f1", 100 * c.f1()}});
  }
  return classes;
}

Json confused_json(const EvaluateRow& row) {
  Json pairs = Json::array();
  for (const auto& pair : row.evaluator.most_confused(20)) {
    pairs.push_back({{"true", pair.truth},
                     {"true_label", labels::label_or_number(row.labels, pair.truth)},
                     {"answered", pair.answer},
                     {"answered_label", labels::label_or_number(row.labels, pair.answer)},
                     {"count", pair.count}});
  }
  return pairs;
}

std::string table_name(const PrintedRow& printed) {
  return printed.table == 0 ? "the authors' published models" : fmt::format("Table {}", printed.table);
}

Json paper_json(const PrintedRow* printed) {
  if (printed == nullptr) return nullptr;
  const auto value = [](const std::optional<PrintedError>& error) { return error ? Json(error->value) : Json(nullptr); };
  return {{"table", table_name(*printed)},
          {"row", printed->method},
          {"top1_err", value(printed->top1)},
          {"top5_err", value(printed->top5)}};
}

// What it was recognised as; none of it where it is another network, or several.
void add_network(Json& object, const EvaluateRow& row) {
  object["networks"] = row.networks;
  const auto text = [&](std::string_view value) { return row.spec ? Json(value) : Json(nullptr); };
  object["architecture"] = text(row.spec ? row.spec->name : "");
  object["shortcut"] = text(row.spec ? arch::name_of(row.spec->shortcut) : "");
  object["variant"] = text(row.spec ? arch::name_of(row.spec->variant) : "");
}

Json json_of(const EvaluateRow& row, const ReportedAs& as) {
  const Evaluator& e = row.evaluator;
  const double top1 = percent(e.right_at_1(), e.count()), topk = percent(e.right_at_k(), e.count());
  const auto interval = [&](std::int64_t right) {
    const Interval found = confidence_of(right, e.count());
    return Json::array({100 * found.low, 100 * found.high});
  };
  const std::string k = fmt::format("top{}", e.k());
  Json object = {
      {"model", row.model}, {"crop", crop_text(row, as)}, {"average", word_of(as.average)}, {"preprocessing", row.preprocessing}};
  add_network(object, row);
  object["top1"] = top1;
  object["top1_err"] = 100 - top1;
  object["top1_interval"] = interval(e.right_at_1());
  object[k] = topk;
  object[k + "_err"] = 100 - topk;
  object[k + "_interval"] = interval(e.right_at_k());
  const Evaluator::Averages averages = e.averages();
  object["macro"] = json_of(averages.macro);
  object["micro"] = json_of(averages.micro);
  object["weighted"] = json_of(averages.weighted);
  object["count"] = e.count();
  object["failed"] = e.failed();
  object["params"] = row.parameters;
  object["macs"] = row.macs;
  object["images_per_second"] = images_per_second(row);
  if (as.against_paper) object["paper"] = paper_json(printed_for(row, as));
  object["most_confused"] = confused_json(row);
  object["classes"] = classes_json(row);
  return object;
}

table::Cell printed_cell(const PrintedRow* printed, std::optional<PrintedError> PrintedRow::*error) {
  return printed != nullptr && printed->*error ? table::Cell((printed->*error)->value) : table::Cell();
}

// What a CSV holds besides.
const std::vector<table::Column>& further_columns() {
  static const std::vector<table::Column> columns = {
      {"average"},         {"preprocessing"},      {"networks"},        {"architecture"},    {"shortcut"},
      {"variant"},         {"top1_low"},           {"top1_high"},       {"topk_low"},        {"topk_high"},
      {"macro_precision"}, {"macro_recall"},       {"macro_f1"},        {"micro_precision"}, {"micro_recall"},
      {"micro_f1"},        {"weighted_precision"}, {"weighted_recall"}, {"weighted_f1"}};
  return columns;
}

void add_further(std::vector<table::Cell>& cells, const EvaluateRow& row, const ReportedAs& as) {
  const auto text = [](std::string_view value) { return table::Cell(std::string(value)); };
  const Evaluator& e = row.evaluator;
  cells.insert(cells.end(), {text(word_of(as.average)), row.preprocessing, static_cast<std::int64_t>(row.networks)});
  cells.push_back(row.spec ? table::Cell(row.spec->name) : table::Cell());
  cells.push_back(row.spec ? text(arch::name_of(row.spec->shortcut)) : table::Cell());
  cells.push_back(row.spec ? text(arch::name_of(row.spec->variant)) : table::Cell());
  for (const std::int64_t right : {e.right_at_1(), e.right_at_k()}) {
    const Interval interval = confidence_of(right, e.count());
    cells.insert(cells.end(), {100 * interval.low, 100 * interval.high});
  }
  const Evaluator::Averages averages = e.averages();
  for (const Evaluator::Scores& scores : {averages.macro, averages.micro, averages.weighted})
    cells.insert(cells.end(), {100 * scores.precision, 100 * scores.recall, 100 * scores.f1});
}

table::Table table_of(const std::vector<EvaluateRow>& rows, const ReportedAs& as, bool wide) {
  std::vector<table::Column> columns = {{"model", table::Align::left, {}},
                                        {"crop", table::Align::left, {}},
                                        {"top-1 err", table::Align::right, 2},
                                        {"95 %", table::Align::left, {}},
                                        {fmt::format("top-{} err", as.top_k), table::Align::right, 2},
                                        {"photos", table::Align::right, {}},
                                        {"failed", table::Align::right, {}},
                                        {"params", table::Align::right, {}},
                                        {"macs", table::Align::right, {}},
                                        {"images/s", table::Align::right, 1}};
  if (as.against_paper) {
    columns.insert(
        columns.end(),
        {{"paper top-1", table::Align::right, 2}, {"paper top-5", table::Align::right, 2}, {"paper's", table::Align::left, {}}});
  }
  if (wide) columns.insert(columns.end(), further_columns().begin(), further_columns().end());
  table::Table table(std::move(columns));
  for (const EvaluateRow& row : rows) {
    const Evaluator& e = row.evaluator;
    const Interval interval = confidence_of(e.count() - e.right_at_1(), e.count());
    std::vector<table::Cell> cells = {row.model,
                                      crop_text(row, as),
                                      100 - percent(e.right_at_1(), e.count()),
                                      fmt::format("{:.2f}-{:.2f}", 100 * interval.low, 100 * interval.high),
                                      100 - percent(e.right_at_k(), e.count()),
                                      e.count(),
                                      e.failed(),
                                      row.parameters,
                                      row.macs,
                                      images_per_second(row)};
    if (as.against_paper) {
      const PrintedRow* printed = printed_for(row, as);
      cells.push_back(printed_cell(printed, &PrintedRow::top1));
      cells.push_back(printed_cell(printed, &PrintedRow::top5));
      cells.emplace_back(printed == nullptr ? "" : table_name(*printed));
    }
    if (wide) add_further(cells, row, as);
    table.add(std::move(cells));
  }
  return table;
}

// "paper: ResNet-34 B, Table 3: top-1 24.52, top-5 7.46; here 0.31 and 0.12 more"
std::string paper_line(const EvaluateRow& row, const ReportedAs& as) {
  const PrintedRow* printed = printed_for(row, as);
  if (printed == nullptr) {
    return row.spec ? fmt::format("paper: prints no error of {} by crop {}\n", row.spec->name, crop_text(row, as))
                    : std::string("paper: prints no error of this network, which is not recognised as one of its own\n");
  }
  const Evaluator& e = row.evaluator;
  std::string line = fmt::format("paper: {}, {}:", printed->method, table_name(*printed));
  const char* between = " ";
  const auto add = [&](int k, const std::optional<PrintedError>& error, std::int64_t right) {
    if (!error) return;
    const double here = 100 - percent(right, e.count());
    line += fmt::format("{}top-{} error {}, here {:.2f} ({:+.2f})", std::exchange(between, "; "), k, analysis::to_string(*error),
                        here, here - error->value);
  };
  add(1, printed->top1, e.right_at_1());
  if (e.k() == 5) add(5, printed->top5, e.right_at_k());
  return line + "\n";
}

std::string classes_text(const EvaluateRow& row) {
  table::Table classes({{"class", table::Align::right, {}},
                        {"label", table::Align::left, {}},
                        {"photos", table::Align::right, {}},
                        {"right", table::Align::right, {}},
                        {"accuracy", table::Align::right, 2},
                        {"precision", table::Align::right, 2},
                        {"recall", table::Align::right, 2},
                        {"F1", table::Align::right, 2}});
  const Evaluator& e = row.evaluator;
  for (const auto& c : e.classes()) {
    classes.add({c.index, labels::label_or_number(row.labels, c.index), c.count, c.right, percent(c.right, c.count),
                 100 * c.precision(), 100 * c.recall(), 100 * c.f1()});
  }
  const Evaluator::Averages averages = e.averages();
  for (const auto& [name, scores] :
       {std::pair("macro average", averages.macro), {"micro average", averages.micro}, {"weighted average", averages.weighted}}) {
    classes.add({{}, std::string(name), e.count(), {}, {}, 100 * scores.precision, 100 * scores.recall, 100 * scores.f1});
  }
  return "\n" + classes.render(table::Format::text);
}

std::string text_of(const EvaluateRow& row, const ReportedAs& as) {
  const Evaluator& e = row.evaluator;
  const Interval first = confidence_of(e.right_at_1(), e.count()), among = confidence_of(e.right_at_k(), e.count());
  std::string text = accuracy_line(row) + "\n";
  text += fmt::format("95 % confidence: Acc@1 {:.2f} to {:.2f}, Acc@{} {:.2f} to {:.2f}, of {} photos{}\n", 100 * first.low,
                      100 * first.high, e.k(), 100 * among.low, 100 * among.high, e.count(),
                      e.failed() > 0 ? fmt::format(", {} failed", e.failed()) : "");
  if (as.against_paper) text += paper_line(row, as);
  const auto pairs = e.most_confused(5);
  if (!pairs.empty()) text += "most confused:\n";
  for (const auto& pair : pairs) {
    text +=
        fmt::format("  {:>5}  {} taken for {}\n", pair.count, table::printable(labels::label_or_number(row.labels, pair.truth)),
                    table::printable(labels::label_or_number(row.labels, pair.answer)));
  }
  return as.per_class ? text + classes_text(row) : text;
}

}  // namespace

const PrintedRow* printed_for(const EvaluateRow& row, const ReportedAs& as) {
  const auto testing = analysis::testing_of(crop_text(row, as), row.networks);
  if (!row.spec || !testing) return nullptr;
  const std::string_view shortcut = row.spec->shortcut == arch::Shortcut::none ? "" : arch::name_of(row.spec->shortcut);
  return analysis::find_printed(row.spec->name, shortcut, *testing);
}

std::string report_of(const std::vector<EvaluateRow>& rows, table::Format format, const ReportedAs& as) {
  switch (format) {
    case table::Format::text: return rows.size() > 1 ? table_of(rows, as, false).render(format) : text_of(rows.front(), as);
    case table::Format::csv: return table_of(rows, as, true).render(format);
    case table::Format::markdown: return table_of(rows, as, false).render(format);
    case table::Format::json:
    case table::Format::jsonl: break;
  }
  Json list = Json::array();
  for (const EvaluateRow& row : rows) list.push_back(json_of(row, as));
  const Json& result = rows.size() == 1 ? list.front() : list;
  return result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

table::Table confusion_table(const std::vector<EvaluateRow>& rows, const ReportedAs& as) {
  table::Table table({{"model", table::Align::left, {}},
                      {"crop", table::Align::left, {}},
                      {"true", table::Align::right, {}},
                      {"true_label", table::Align::left, {}},
                      {"answered", table::Align::right, {}},
                      {"answered_label", table::Align::left, {}},
                      {"count", table::Align::right, {}}});
  for (const EvaluateRow& row : rows) {
    for (const auto& [pair, count] : row.evaluator.confusion()) {
      table.add({row.model, crop_text(row, as), pair.first, labels::label_or_number(row.labels, pair.first), pair.second,
                 labels::label_or_number(row.labels, pair.second), count});
    }
  }
  return table;
}

}  // namespace resnet::cli
