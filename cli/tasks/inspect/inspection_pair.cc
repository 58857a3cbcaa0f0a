// `inspect A B`: two networks side by side.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "cli/tasks/inspect/inspection.h"
#include "formats/html/page.h"
#include "formats/table/size.h"

namespace resnet::cli {

namespace {

using table::Align;

std::string types_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<std::string> texts;
  for (const ValueId value : values) texts.push_back(graph.fact(value).to_string());
  return fmt::format("{}", fmt::join(texts, ", "));
}

// The texts of a summary's line of one kind; "" where it has none.
std::string line_of(const Inspection& i, std::string_view what) {
  for (const SummaryLine& line : summary_of(i)) {
    if (line.what == what) return line.text;
  }
  return "";
}

// How much alike two rows are, for the alignment: 0 for not at all.
int likeness(const InspectedRow& a, const InspectedRow& b) {
  if (a.op != b.op) return 0;
  if (std::tie(a.output, a.kernel, a.stride) == std::tie(b.output, b.kernel, b.stride)) return a.name == b.name ? 4 : 3;
  return a.name == b.name ? 2 : 1;
}

using Pair = std::pair<const InspectedRow*, const InspectedRow*>;

// Both lists in their order, the most likeness beside each other; line by line where they are too long for that.
std::vector<Pair> aligned(const std::vector<InspectedRow>& a, const std::vector<InspectedRow>& b) {
  constexpr std::size_t most_cells = 16'000'000;
  const std::size_t n = a.size(), m = b.size();
  std::vector<Pair> pairs;
  if ((n + 1) * (m + 1) > most_cells) {
    for (std::size_t k = 0; k < std::max(n, m); ++k) pairs.emplace_back(k < n ? &a[k] : nullptr, k < m ? &b[k] : nullptr);
    return pairs;
  }
  // best[x * (m + 1) + y]: of the rows from x and from y on.
  std::vector<std::int32_t> best((n + 1) * (m + 1), 0);
  const auto at = [&](std::size_t x, std::size_t y) -> std::int32_t& { return best[x * (m + 1) + y]; };
  for (std::size_t x = n; x-- > 0;) {
    for (std::size_t y = m; y-- > 0;) {
      const int like = likeness(a[x], b[y]);
      at(x, y) = std::max({at(x + 1, y), at(x, y + 1), like > 0 ? at(x + 1, y + 1) + like : 0});
    }
  }
  std::size_t x = 0, y = 0;
  while (x < n || y < m) {
    const int like = x < n && y < m ? likeness(a[x], b[y]) : 0;
    if (like > 0 && at(x, y) == at(x + 1, y + 1) + like) {
      pairs.emplace_back(&a[x++], &b[y++]);
    } else if (x < n && (y == m || at(x, y) == at(x + 1, y))) {
      pairs.emplace_back(&a[x++], nullptr);
    } else {
      pairs.emplace_back(nullptr, &b[y++]);
    }
  }
  return pairs;
}

}  // namespace

table::Table pair_table(const Inspection& a, const Inspection& b) {
  table::Table result(
      {{"of the network", Align::left, {}}, {"A", Align::left, {}}, {"B", Align::left, {}}, {"B / A", Align::right, {}}});
  const auto texts = [&](const std::string& what, const std::string& x, const std::string& y) {
    if (!x.empty() || !y.empty()) result.add({what, x, y, std::string()});
  };
  const auto numbers = [&](const std::string& what, std::int64_t x, std::int64_t y, bool bytes = false) {
    const auto shown = [&](std::int64_t n) { return bytes ? table::size_text(n) : table::group_digits(n, ","); };
    const std::string ratio = x == 0 ? "" : fmt::format("{:.3f}", static_cast<double>(y) / static_cast<double>(x));
    result.add({what, shown(x), shown(y), ratio});
  };
  for (const char* what : {"model", "network", "format"}) texts(what, line_of(a, what), line_of(b, what));
  texts("input", types_of(a.shown, a.shown.inputs()), types_of(b.shown, b.shown.inputs()));
  texts("output", types_of(a.shown, a.shown.outputs()), types_of(b.shown, b.shown.outputs()));
  for (const char* what : {"labels", "preparation"}) texts(what, line_of(a, what), line_of(b, what));
  numbers("layers", static_cast<std::int64_t>(a.layers.size()), static_cast<std::int64_t>(b.layers.size()));
  numbers("parameters", a.total.parameters, b.total.parameters);
  numbers("running statistics", a.total.buffers, b.total.buffers);
  numbers("multiply-adds", a.total.macs, b.total.macs);
  numbers("activations", a.total.activations, b.total.activations);
  numbers("weights", a.memory.weights, b.memory.weights, true);
  numbers("peak of activations", a.memory.peak_activations, b.memory.peak_activations, true);
  return result;
}

table::Table pair_layers(const Inspection& a, const Inspection& b) {
  table::Table result({{"A", Align::left, {}},
                       {"B", Align::left, {}},
                       {"op", Align::left, {}},
                       {"output A", Align::left, {}},
                       {"output B", Align::left, {}},
                       {"parameters A", Align::right, {}},
                       {"parameters B", Align::right, {}},
                       {"macs A", Align::right, {}},
                       {"macs B", Align::right, {}},
                       {"difference", Align::left, {}}});
  for (const auto& [x, y] : aligned(a.rows, b.rows)) {
    const InspectedRow& any = x != nullptr ? *x : *y;
    const bool same = x != nullptr && y != nullptr && likeness(*x, *y) >= 3 && x->cost == y->cost && x->groups == y->groups;
    const auto text = [](const InspectedRow* row, std::string InspectedRow::*member) -> table::Cell {
      return row == nullptr ? std::string() : row->*member;
    };
    const auto number = [](const InspectedRow* row, std::int64_t analysis::Cost::*member) -> table::Cell {
      if (row == nullptr) return std::monostate();
      return row->cost.*member;
    };
    using Row = InspectedRow;
    using analysis::Cost;
    result.add({text(x, &Row::name), text(y, &Row::name), any.op, text(x, &Row::output), text(y, &Row::output),
                number(x, &Cost::parameters), number(y, &Cost::parameters), number(x, &Cost::macs), number(y, &Cost::macs),
                std::string(same           ? ""
                            : x == nullptr ? "only B"
                            : y == nullptr ? "only A"
                                           : "differs")});
  }
  return result;
}

std::string to_html(const Inspection& a, const Inspection& b) {
  html::Page page(a.name + " and " + b.name);
  page.add_table(pair_table(a, b));
  page.add_heading("Layers");
  page.add_table(pair_layers(a, b));
  return page.render();
}

}  // namespace resnet::cli
