#include "formats/torch/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using testing::HasSubstr;

constexpr std::size_t budget = 12 << 20;

struct Parsed {
  explicit Parsed(std::string bytes) : source(std::move(bytes)), tree(source, budget) { top = unpickle(tree, 0).value; }
  std::string source;
  Tree tree;
  Id top = Tree::none;
};

std::string complaint(const std::string& bytes) {
  try {
    Parsed parsed(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.what();
  }
  return "";
}

std::string raw(std::initializer_list<int> bytes) {
  std::string result;
  for (const int byte : bytes) result += static_cast<char>(byte);
  return result;
}

TEST(Pickle, NumbersOfEachProtocol) {
  const auto integer = [](const std::string& bytes) {
    const Parsed parsed(bytes);
    return parsed.tree.integer(parsed.top);
  };
  EXPECT_EQ(integer("J" + test::little(static_cast<std::uint64_t>(-7), 4) + "."), -7);
  EXPECT_EQ(integer(raw({'K', 255, '.'})), 255);
  EXPECT_EQ(integer(raw({'M', 0xe9, 3, '.'})), 1001);
  EXPECT_EQ(integer(raw({0x8a, 0, '.'})), 0);
  EXPECT_EQ(integer(raw({0x8a, 1, 0xff, '.'})), -1);
  EXPECT_EQ(integer(raw({0x8a, 2, 0xff, 0, '.'})), 255);
  EXPECT_EQ(integer(raw({0x8b, 2, 0, 0, 0, 0, 1, '.'})), 256);
  EXPECT_EQ(integer("I-12\n."), -12);
  EXPECT_EQ(integer("L34L\n."), 34);
  EXPECT_EQ(integer(raw({0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, '.'})), std::nullopt);  // 2^64
  const Parsed big(raw({0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, '.'}));
  EXPECT_EQ(big.tree.kind(big.top), Kind::big_integer);
  const Parsed boolean("I01\n.");
  EXPECT_EQ(boolean.tree.boolean(boolean.top), true);
  EXPECT_EQ(boolean.tree.integer(boolean.top), std::nullopt);
  const Parsed real(std::string("G\x3f\xf8\0\0\0\0\0\0.", 10));
  EXPECT_EQ(real.tree.kind(real.top), Kind::real);
}

TEST(Pickle, TextsOfEachProtocol) {
  for (const std::string& bytes :
       {std::string("X\2\0\0\0hi.", 8), raw({0x8c, 2, 'h', 'i', '.'}), raw({0x8d, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', '.'}),
        raw({'U', 2, 'h', 'i', '.'}), std::string("T\2\0\0\0hi.", 8), std::string("S'hi'\n."), std::string("Vhi\n.")}) {
    const Parsed parsed(bytes);
    EXPECT_TRUE(parsed.tree.is_text(parsed.top, "hi")) << bytes;
  }
  for (const std::string& bytes :
       {std::string("B\2\0\0\0hi.", 8), raw({'C', 2, 'h', 'i', '.'}), raw({0x8e, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', '.'}),
        raw({0x96, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', '.'})}) {
    const Parsed parsed(bytes);
    EXPECT_EQ(parsed.tree.kind(parsed.top), Kind::bytes);
    EXPECT_EQ(parsed.tree.text(parsed.top), "hi");
  }
}

TEST(Pickle, Containers) {
  const Parsed dict("}(X" + test::little(1, 4) + "aK\1X" + test::little(1, 4) + "bK\2u.");
  std::vector<std::string> pairs;
  dict.tree.for_each_pair(dict.top, [&](Id key, Id value) {
    pairs.push_back(std::string(dict.tree.text(key)) + std::to_string(*dict.tree.integer(value)));
  });
  EXPECT_THAT(pairs, testing::ElementsAre("a1", "b2"));
  // Filled twice, with another list between.
  const Parsed list(raw({']', '(', 'K', 1, 'K', 2, 'e', ']', 'K', 9, 'a', 'a', 'K', 3, 'a', '.'}));
  EXPECT_EQ(list.tree.items(list.top).size(), 4u);
  for (const char* bytes : {"(K\1K\2t.", "K\1K\2\x86.", "(K\1K\2l.", "\x8f(K\1K\2\x90.", "(K\1K\2\x91."}) {
    const Parsed two(bytes);
    EXPECT_EQ(two.tree.items(two.top).size(), 2u) << bytes;
  }
}

TEST(Pickle, TheMemo) {
  const Parsed binary(std::string("]q\0(0K\1ah\0.", 11));
  EXPECT_EQ(binary.tree.items(binary.top).size(), 1u);
  const Parsed wide("]r" + test::little(3, 4) + "0j" + test::little(3, 4) + ".");
  EXPECT_EQ(wide.tree.kind(wide.top), Kind::list);
  const Parsed lines("]p12\n0g12\n.");
  EXPECT_EQ(lines.tree.kind(lines.top), Kind::list);
  const Parsed protocol4(raw({0x80, 4, 0x95, 6, 0, 0, 0, 0, 0, 0, 0, ']', 0x94, '0', 'h', 0, '.'}));
  EXPECT_EQ(protocol4.tree.kind(protocol4.top), Kind::list);
  EXPECT_THAT(complaint("h\1."), HasSubstr("the memo has nothing at 1"));
}

TEST(Pickle, CallsAreRememberedAndNotMade) {
  for (const std::string& bytes : {std::string("cposix\nsystem\n(K\1tR."), std::string("\x8c\5posix\x8c\6system\x93K\1\x85R."),
                                   std::string("cposix\nsystem\nK\1\x85\x81."), std::string("cposix\nsystem\nK\1\x85}\x92."),
                                   std::string("(K\1iposix\nsystem\n."), std::string("(cposix\nsystem\nK\1o.")}) {
    const Parsed parsed(bytes);
    ASSERT_EQ(parsed.tree.kind(parsed.top), Kind::object) << bytes;
    const Tree::Object& object = parsed.tree.object(parsed.top);
    EXPECT_EQ(parsed.tree.full_name(object.callable), "posix.system");
    EXPECT_EQ(parsed.tree.tuple(object.arguments).size(), 1u);
  }
  const Parsed built("ca\nB\n)\x81}b.");
  EXPECT_EQ(built.tree.kind(built.tree.object(built.top).state), Kind::dict);
}

TEST(Pickle, WhatIsUnderAMarkIsNotReached) {
  EXPECT_THAT(complaint("K\1(0a."), HasSubstr("takes what is not there"));
  EXPECT_THAT(complaint("]K\1(a."), HasSubstr("takes what is not there"));
  EXPECT_THAT(complaint("K\1t."), HasSubstr("a mark is missing"));
}

TEST(Pickle, DamageIsNamed) {
  EXPECT_THAT(complaint(""), HasSubstr("at byte 0"));
  EXPECT_THAT(complaint("K"), HasSubstr("1 are wanted"));
  EXPECT_THAT(complaint("."), HasSubstr("takes what is not there"));
  EXPECT_THAT(complaint("}]K\1s."), HasSubstr("a list cannot be a key"));
  EXPECT_THAT(complaint("K\1K\2a."), HasSubstr("it appends to an integer"));
  EXPECT_THAT(complaint("]K\1K\2s."), HasSubstr("it sets a key of a list"));
  EXPECT_THAT(complaint("]}b."), HasSubstr("it sets the state of a list"));
  EXPECT_THAT(complaint("ca\nb\nK\1R."), HasSubstr("arguments are an integer, expected a tuple"));
  EXPECT_THAT(complaint("K\1K\2\x93."), HasSubstr("a name that is not a text"));
  EXPECT_THAT(complaint(raw({0x80, 6, 'N', '.'})), HasSubstr("protocol is 6, expected at most 5"));
  EXPECT_THAT(complaint(raw({0x97, '.'})), HasSubstr("opcode 0x97 is not known"));
  EXPECT_THAT(complaint(raw({'X', 1, 0, 0, 0, 0xff, '.'})), HasSubstr("not UTF-8"));
  EXPECT_THAT(complaint("Fone\n."), HasSubstr("a number is not one"));
  EXPECT_THAT(complaint("I1x\n."), HasSubstr("other characters than digits"));
  EXPECT_THAT(complaint("Shi\n."), HasSubstr("no quotes"));
}

TEST(Pickle, EveryBeginningOfAPickleIsAnError) {
  const std::string whole = test::pickle(test::dict({{"a", test::tensor()}, {"b", test::object(test::global("a", "B"), "}")}}));
  EXPECT_EQ(complaint(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(complaint(whole.substr(0, size)), "") << size;
}

TEST(Pickle, DeepAndSharedValuesAreNotWalked) {
  std::string deep = "N";
  for (int i = 0; i < 300'000; ++i) deep += '\x85';
  EXPECT_EQ(complaint(deep + "."), "");
  std::string laughs = "Nq" + std::string(1, '\0');
  for (char i = 0; i < 64; ++i) laughs += std::string("h") + i + "h" + i + "\x86q" + static_cast<char>(i + 1);
  EXPECT_EQ(complaint(laughs + "."), "");
  const Parsed itself(std::string("]q\0h\0a.", 7));
  EXPECT_EQ(itself.tree.items(itself.top), std::vector<Id>{itself.top});
}

TEST(Pickle, TheBudgetIsKept) {
  EXPECT_THAT(complaint(std::string(4'000'000, ']') + "."), HasSubstr("more objects than a checkpoint of its size can have"));
  EXPECT_THAT(complaint("N" + std::string(4'000'000, '2') + "."), HasSubstr("more objects"));
  EXPECT_EQ(budget_of(0), std::size_t{12} << 20);
  EXPECT_EQ(budget_of(SIZE_MAX), std::size_t{32} << 20);
}

TEST(Pickle, SeveralFollowEachOther) {
  const std::string source = test::pickle("K\1") + test::pickle("K\2");
  Tree tree(source, budget);
  const Unpickled first = unpickle(tree, 0), second = unpickle(tree, first.end);
  EXPECT_EQ(tree.integer(first.value), 1);
  EXPECT_EQ(tree.integer(second.value), 2);
  EXPECT_EQ(second.end, source.size());
}

}  // namespace
}  // namespace resnet::torch
