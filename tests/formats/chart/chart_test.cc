#include "formats/chart/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace resnet::chart {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Ticks, AreRoundAndHoldTheRange) {
  EXPECT_THAT(ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks(0, 1.9, 4), ElementsAre(0, 0.5, 1, 1.5, 2));
  EXPECT_THAT(ticks(-1, 1, 2), ElementsAre(-1, 0, 1));
  EXPECT_THAT(ticks(3, 4, 3), ElementsAre(3, 3.5, 4));
}

TEST(Chart, DrawsItsLinesAndWords) {
  const Chart chart{"a < b", "layer", "std", {{"one", {{1, 2}, {2, 4}}, false}, {"two & more", {{1, 1}, {2, 3}}, true}}};
  const std::string svg = to_svg(std::span(&chart, 1));
  EXPECT_THAT(svg, StartsWith("<svg xmlns="));
  EXPECT_THAT(svg, HasSubstr(">a &lt; b</text>"));
  EXPECT_THAT(svg, HasSubstr(">two &amp; more</text>"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  // From the middle to the right edge, and up: the second point is the highest, and both axes begin at 0.
  EXPECT_THAT(svg, HasSubstr("<path d=\"M405.0 165.0L740.0 40.0\""));
  EXPECT_THAT(svg, HasSubstr("<text x=\"70.0\" y=\"308.0\" text-anchor=\"middle\">0</text>"));
  EXPECT_THAT(svg, HasSubstr("<text x=\"64.0\" y=\"294.0\" text-anchor=\"end\">0</text>"));
  EXPECT_EQ(svg, to_svg(std::span(&chart, 1)));
}

TEST(Chart, LongNamesWidenTheLegend) {
  const Chart shorter{"t", "x", "y", {{"one", {{1, 2}}, false}}};
  EXPECT_THAT(to_svg(std::span(&shorter, 1)), HasSubstr("width=\"940\""));
  const Chart longer{"t", "x", "y", {{std::string(50, 'm'), {{1, 2}}, false}}};
  EXPECT_THAT(to_svg(std::span(&longer, 1)), HasSubstr("width=\"1367\""));
  const Chart endless{"t", "x", "y", {{std::string(5000, 'm'), {{1, 2}}, false}}};
  EXPECT_THAT(to_svg(std::span(&endless, 1)), HasSubstr("mm ... mm"));
}

TEST(Chart, WhatIsNoNumberInterruptsTheLine) {
  const double nan = std::nan("");
  const Chart chart{"t", "x", "y", {{"s", {{0, 0}, {2, nan}, {3, 1}, {4, std::numeric_limits<double>::infinity()}}, false}}};
  const std::string svg = to_svg(std::span(&chart, 1));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, HasSubstr("<path d=\"M70.0 290.0M740.0 40.0\""));
}

TEST(Chart, APointWithoutNeighboursIsADot) {
  const Chart chart{"t", "x", "y", {{"s", {{5, 10}}, false}, {"t", {{5, 10}, {10, 5}}, false}}};
  const std::string svg = to_svg(std::span(&chart, 1));
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"405.0\" cy=\"40.0\" r=\"3\" fill=\"#0072b2\"/>"));
  EXPECT_EQ(svg.find("<circle", svg.find("<circle") + 1), svg.npos);  // the other line needs none
}

TEST(Chart, NothingToDrawIsNoFault) {
  const Chart empty{"t", "x", "y", {}};
  EXPECT_THAT(to_svg(std::span(&empty, 1)), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace resnet::chart
