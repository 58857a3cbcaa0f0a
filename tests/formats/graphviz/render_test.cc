#include "formats/graphviz/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resnet::graphviz {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Diagram two_boxes() {
  return {.title = {"a \"net\"", "below"},
          .boxes = {{"stem", {"conv1", "7x7, 64"}, Role::convolution, "", ""},
                    {"block", {"3x3\xff"}, Role::block, "conv2_x", "two layers"}},
          .arrows = {{"stem", "block", "by 1x1", true, true}}};
}

TEST(Dot, QuotesTitlesAndBytesThatAreNotAscii) {
  const std::string dot = to_dot(two_boxes());
  EXPECT_THAT(dot, StartsWith("digraph network {\n"));
  EXPECT_THAT(dot, HasSubstr("label=\" a \\\"net\\\" \\n below \""));
  EXPECT_THAT(dot, HasSubstr("\"stem\" [label=\"conv1\\n7x7, 64\""));
  EXPECT_THAT(dot, HasSubstr("3x3\\\\xff"));
  EXPECT_THAT(dot, HasSubstr("pad=0.1]"));
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_0 {\n    label=\"conv2_x\";\n    labeljust=l"));
  EXPECT_THAT(dot, HasSubstr("\"stem\" -> \"block\" [tooltip=\"by 1x1\", style=dashed, weight=0, tailport=e, headport=e];"));
}

TEST(Dot, ASignStandsInACircle) {
  const Diagram diagram{.title = {}, .boxes = {{.id = "a", .lines = {"+"}, .round = true}}, .arrows = {}};
  EXPECT_THAT(to_dot(diagram), HasSubstr("\"a\" [label=\"+\", fillcolor=\"#ffffff\", shape=circle"));
  EXPECT_THAT(to_svg(diagram), HasSubstr("<ellipse"));
}

TEST(Svg, IsDrawn) {
  const std::string svg = to_svg(two_boxes());
  EXPECT_THAT(svg, HasSubstr("<svg"));
  EXPECT_THAT(svg, HasSubstr(">conv1</text>"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(svg, HasSubstr("xlink:title=\"two layers\""));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  EXPECT_EQ(svg, to_svg(two_boxes())) << "the same diagram gives the same bytes";
}

}  // namespace
}  // namespace resnet::graphviz
