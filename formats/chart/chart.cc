#include "formats/chart/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "formats/table/text.h"

namespace resnet::chart {

namespace {

// The lines end at right_edge; the legend is beside them, as wide as its longest name.
constexpr double height = 340, left = 70, right_edge = 740, top = 40, bottom = 50, least_legend = 200;
constexpr double legend_text = 44;  // where its names begin
constexpr std::size_t most_characters = 60;
// Told apart by people who do not see every colour (after Okabe and Ito), too.
constexpr std::array colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // From 0 on, or up to it; where that is one value, something to draw.
  void widen() {
    low = std::min(low, 0.0);
    high = std::max(high, 0.0);
    if (low == high) high = 1;
  }
};

// The field of a chart: which numbers it shows, and where on the page.
struct Field {
  Range x, y;
  std::vector<double> x_ticks, y_ticks;
  double y_offset;

  double at_x(double v) const { return left + (v - x.low) / (x.high - x.low) * (right_edge - left); }
  double at_y(double v) const { return y_offset + height - bottom - (v - y.low) / (y.high - y.low) * (height - top - bottom); }
};

double deviation_at(const Series& series, std::size_t k) { return k < series.deviations.size() ? series.deviations[k] : 0; }

Field field_of(const Chart& chart, double y_offset) {
  Field field{{}, {}, {}, {}, y_offset};
  for (const Series& series : chart.series) {
    for (std::size_t k = 0; k < series.points.size(); ++k) {
      const auto& [a, b] = series.points[k];
      if (!std::isfinite(b)) continue;
      field.x.take(a);
      field.y.take(b + deviation_at(series, k));
      field.y.take(b - deviation_at(series, k));
    }
  }
  field.x.widen();
  field.y.widen();
  field.x_ticks = ticks(field.x.low, field.x.high, 8);
  field.y_ticks = ticks(field.y.low, field.y.high, 6);
  field.y.low = std::min(field.y.low, field.y_ticks.front());
  field.y.high = std::max(field.y.high, field.y_ticks.back());
  return field;
}

// Title, grid, numbers and what the axes are.
std::string draw_axes(const Chart& chart, const Field& field) {
  const double y_offset = field.y_offset;
  std::string svg = fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"15\" text-anchor=\"middle\">{}</text>\n",
                                (left + right_edge) / 2, y_offset + 22, table::escape_markup(chart.title));
  for (const double tick : field.y_ticks) {
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", left,
                       field.at_y(tick), right_edge, field.at_y(tick));
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n", left - 6, field.at_y(tick) + 4, tick);
  }
  for (const double tick : field.x_ticks) {
    if (tick < field.x.low || tick > field.x.high) continue;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n", field.at_x(tick),
                       y_offset + height - bottom + 18, tick);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (left + right_edge) / 2,
                     y_offset + height - 10, table::escape_markup(chart.x_label));
  svg += fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     y_offset + height / 2, table::escape_markup(chart.y_label));
  return svg;
}

std::string legend_name(const Series& series) { return table::shortened(series.name, most_characters); }

// Of letters of 12 pixels, at most: no font is asked, so that the picture is the same everywhere.
double width_of(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // of a letter that is counted
    const bool capital = byte >= 'A' && byte <= 'Z', widest = std::string_view("mwMW@%").find(c) != std::string_view::npos;
    width += byte >= 0xe0 ? 12.5 : widest ? 11.5 : capital ? 9 : 7;
  }
  return width;
}

double width_of(std::span<const Chart> charts) {
  double legend = least_legend;
  for (const Chart& chart : charts) {
    for (const Series& series : chart.series) legend = std::max(legend, legend_text + 8 + width_of(legend_name(series)));
  }
  return right_edge + legend;
}

// One deviation above and below a line, "" where there is none.
std::string draw_band(const Series& series, const char* color, const Field& field) {
  if (series.deviations.empty()) return "";
  std::string above, below;
  for (std::size_t k = 0; k < series.points.size(); ++k) {
    const auto& [a, b] = series.points[k];
    if (!std::isfinite(b)) continue;
    const double deviation = deviation_at(series, k);
    above += fmt::format("{:.1f},{:.1f} ", field.at_x(a), field.at_y(b + deviation));
    below = fmt::format("{:.1f},{:.1f} ", field.at_x(a), field.at_y(b - deviation)) + below;
  }
  return fmt::format("<polygon points=\"{}{}\" fill=\"{}\" fill-opacity=\"0.2\"/>\n", above, below, color);
}

// The line of a series, broken where a value is not finite, and its row of the legend.
std::string draw_series(const Series& series, std::size_t index, const Field& field) {
  const char* color = colors[series.color.value_or(index) % colors.size()];
  const char* dash = series.dashed ? " stroke-dasharray=\"6 4\"" : "";
  std::string path, dots;
  const auto is_drawn = [&](std::size_t k) { return k < series.points.size() && std::isfinite(series.points[k].second); };
  for (std::size_t k = 0; k < series.points.size(); ++k) {
    if (!is_drawn(k)) continue;
    const auto& [a, b] = series.points[k];
    const bool follows = k > 0 && is_drawn(k - 1);
    path += fmt::format("{}{:.1f} {:.1f}", follows ? "L" : "M", field.at_x(a), field.at_y(b));
    // A line of one point would not be seen.
    if (!follows && !is_drawn(k + 1)) {
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" {}=\"{}\"/>\n", field.at_x(a), field.at_y(b),
                          series.dashed ? "fill=\"#fff\" stroke" : "fill", color);
    }
  }
  std::string svg =
      draw_band(series, color, field) +
      fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"{}/>\n{}", path, color, dash, dots);
  // Beside the lines, not over them.
  const double legend = field.y_offset + top + 8 + 17 * static_cast<double>(index);
  svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" stroke=\"{3}\" stroke-width=\"2\"{4}/>\n",
                     right_edge + 12, legend, right_edge + 37, color, dash);
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", right_edge + legend_text, legend + 4,
                     table::escape_markup(legend_name(series)));
  return svg;
}

std::string draw(const Chart& chart, double y_offset) {
  const Field field = field_of(chart, y_offset);
  std::string svg = draw_axes(chart, field);
  for (std::size_t i = 0; i < chart.series.size(); ++i) svg += draw_series(chart.series[i], i, field);
  return svg;
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> result;
  const double first = std::floor(low / step), last = std::ceil(high / step);
  for (double i = first; i <= last && result.size() < 1000; ++i) result.push_back(i * step);
  return result;
}

std::string to_svg(std::span<const Chart> charts) {
  const double total = height * static_cast<double>(charts.size());
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n",
      width_of(charts), total);
  for (std::size_t i = 0; i < charts.size(); ++i) svg += draw(charts[i], height * static_cast<double>(i));
  return svg + "</svg>\n";
}

}  // namespace resnet::chart
