#include "formats/chart/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "formats/table/text.h"

namespace resnet::chart {

namespace {

constexpr double width = 940, height = 340, left = 70, right = 200, top = 40, bottom = 50;
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

std::string draw(const Chart& chart, double y_offset) {
  Range x, y;
  for (const Series& series : chart.series) {
    for (const auto& [a, b] : series.points) {
      if (!std::isfinite(b)) continue;
      x.take(a);
      y.take(b);
    }
  }
  x.widen();
  y.widen();
  const std::vector<double> x_ticks = ticks(x.low, x.high, 8), y_ticks = ticks(y.low, y.high, 6);
  y.low = std::min(y.low, y_ticks.front());
  y.high = std::max(y.high, y_ticks.back());
  const auto at_x = [&](double v) { return left + (v - x.low) / (x.high - x.low) * (width - left - right); };
  const auto at_y = [&](double v) {
    return y_offset + height - bottom - (v - y.low) / (y.high - y.low) * (height - top - bottom);
  };
  std::string svg = fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"15\" text-anchor=\"middle\">{}</text>\n",
                                (left + width - right) / 2, y_offset + 22, table::escape_markup(chart.title));
  for (const double tick : y_ticks) {
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", left, at_y(tick),
                       width - right, at_y(tick));
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n", left - 6, at_y(tick) + 4, tick);
  }
  for (const double tick : x_ticks) {
    if (tick < x.low || tick > x.high) continue;
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n", at_x(tick),
                       y_offset + height - bottom + 18, tick);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (left + width - right) / 2,
                     y_offset + height - 10, table::escape_markup(chart.x_label));
  svg += fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     y_offset + height / 2, table::escape_markup(chart.y_label));
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const Series& series = chart.series[i];
    const char* color = colors[chart.series[i].color.value_or(i) % colors.size()];
    const char* dash = series.dashed ? " stroke-dasharray=\"6 4\"" : "";
    std::string path, dots;
    const auto is_drawn = [&](std::size_t k) { return k < series.points.size() && std::isfinite(series.points[k].second); };
    for (std::size_t k = 0; k < series.points.size(); ++k) {
      if (!is_drawn(k)) continue;
      const auto& [a, b] = series.points[k];
      const bool goes_on = k > 0 && is_drawn(k - 1);
      path += fmt::format("{}{:.1f} {:.1f}", goes_on ? "L" : "M", at_x(a), at_y(b));
      // A line of one point would not be seen.
      if (!goes_on && !is_drawn(k + 1)) {
        dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" {}=\"{}\"/>\n", at_x(a), at_y(b),
                            series.dashed ? "fill=\"#fff\" stroke" : "fill", color);
      }
    }
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"{}/>\n{}", path, color, dash, dots);
    // Beside the lines, not over them.
    const double legend = y_offset + top + 8 + 17 * static_cast<double>(i);
    svg +=
        fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" stroke=\"{3}\" stroke-width=\"2\"{4}/>\n",
                    width - right + 12, legend, width - right + 37, color, dash);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", width - right + 44, legend + 4,
                       table::escape_markup(series.name));
  }
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
      width, total);
  for (std::size_t i = 0; i < charts.size(); ++i) svg += draw(charts[i], height * static_cast<double>(i));
  return svg + "</svg>\n";
}

}  // namespace resnet::chart
