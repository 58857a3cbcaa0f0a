#include "formats/onnx/wiring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace resnet::onnx {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Of nodes that read and make, where "x" and "w" are given.
Wiring wiring_of(const std::vector<NodeNames>& nodes) {
  const std::set<std::string> given = {"x", "w"};
  return wire(nodes, [&](const std::string& name) { return given.contains(name); });
}

TEST(Wiring, TheListsOwnOrderWhereItIsOne) {
  const Wiring wiring = wiring_of({{{"x", "w", ""}, {"a"}}, {{"x"}, {"b", ""}}, {{"b", "a"}, {"c", ""}}});
  EXPECT_THAT(wiring.order, ElementsAre(0, 1, 2));
  EXPECT_THAT(wiring.twice, IsEmpty());
  EXPECT_THAT(wiring.strays, IsEmpty());
  EXPECT_THAT(wiring.waiting, IsEmpty());
  EXPECT_THAT(wiring.cycle, IsEmpty());
}

TEST(Wiring, NodesMoveAfterThoseThatTheyRead) {
  const Wiring wiring = wiring_of({{{"b"}, {"c"}}, {{"a"}, {"b"}}, {{"x"}, {"a"}}, {{"x"}, {"d"}}});
  EXPECT_THAT(wiring.order, ElementsAre(2, 1, 0, 3));
  ASSERT_EQ(wiring.strays.size(), 2u);
  EXPECT_EQ(wiring.strays[0].node, 0);
  EXPECT_EQ(wiring.strays[0].value, "b");
  EXPECT_TRUE(wiring.strays[0].is_made);
}

TEST(Wiring, WhatNobodyMakesIsToldOfEachReader) {
  const Wiring wiring = wiring_of({{{"nowhere"}, {"a"}}, {{"a", "nowhere"}, {"b"}}});
  EXPECT_THAT(wiring.order, ElementsAre(0, 1));
  ASSERT_EQ(wiring.strays.size(), 2u);
  EXPECT_FALSE(wiring.strays[0].is_made);
  EXPECT_EQ(wiring.strays[1].node, 1);
  EXPECT_EQ(describe_dangling("nowhere"), "input 'nowhere' is produced by no node, initializer or graph input");
}

TEST(Wiring, ValuesThatAreMadeTwice) {
  const Wiring wiring = wiring_of({{{"x"}, {"a"}}, {{"x"}, {"w"}}, {{"a"}, {"a", "b", "b"}}});
  ASSERT_EQ(wiring.twice.size(), 3u);
  EXPECT_EQ(wiring.twice[0].value, "w");
  EXPECT_EQ(wiring.twice[0].also, std::nullopt);
  EXPECT_EQ(wiring.twice[1].value, "a");
  EXPECT_EQ(wiring.twice[1].also, 0);
  EXPECT_EQ(wiring.twice[2].value, "b");
  EXPECT_EQ(wiring.twice[2].also, 2);
}

// 1 and 3 wait for each other, 0 for them.
TEST(Wiring, ACycleIsToldFromItsFirstNode) {
  const Wiring wiring = wiring_of({{{"d"}, {"end"}}, {{"d", "a"}, {"c"}}, {{"x"}, {"a"}}, {{"c"}, {"d"}}});
  EXPECT_THAT(wiring.order, ElementsAre(2));
  EXPECT_THAT(wiring.waiting, ElementsAre(0, 1, 3));
  EXPECT_THAT(wiring.cycle, ElementsAre(1, 3));
}

TEST(Wiring, ANodeThatReadsItself) {
  const Wiring wiring = wiring_of({{{"x"}, {"a"}}, {{"b"}, {"b"}}});
  EXPECT_THAT(wiring.cycle, ElementsAre(1));
  ASSERT_EQ(wiring.strays.size(), 1u);
  EXPECT_TRUE(wiring.strays[0].is_made);
}

}  // namespace
}  // namespace resnet::onnx
