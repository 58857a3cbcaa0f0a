#include "lib/base/error.h"

#include <gtest/gtest.h>

#include <string>

namespace resnet {
namespace {

using Kind = Frame::Kind;

TEST(Error, SaysWhatIsWrong) {
  const Error error(Fault::unsupported, "Loop cannot be run");
  EXPECT_EQ(error.fault(), Fault::unsupported);
  EXPECT_EQ(error.role(), Role::none);
  EXPECT_STREQ(error.what(), "Loop cannot be run");
  EXPECT_EQ(error.problem(), "Loop cannot be run");
}

TEST(Error, LoopsThatKnowMoreAddWhereItIs) {
  try {
    try {
      throw Error(Fault::malformed, "found 2 inputs, expected 1");
    } catch (Error& error) {
      error.in(Frame::node("node 'relu' (Relu)"));
      throw;
    }
  } catch (Error& error) {
    error.in(Frame::file(Role::model, "net.onnx"));
    EXPECT_STREQ(error.what(), "net.onnx: node 'relu' (Relu): found 2 inputs, expected 1");
    EXPECT_EQ(error.without_file(), "node 'relu' (Relu): found 2 inputs, expected 1");
    EXPECT_EQ(error.problem(), "found 2 inputs, expected 1");
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_EQ(error.role(), Role::model);
    ASSERT_NE(error.find(Kind::node), nullptr);
    EXPECT_EQ(error.find(Kind::node)->name, "node 'relu' (Relu)");
    EXPECT_EQ(error.find(Kind::line), nullptr);
    ASSERT_EQ(error.where().size(), 2u);
    EXPECT_EQ(error.where()[0].kind, Kind::file);
  }
}

// Both the graph and the reader of its file know the node; the file within a file is the one that is wrong.
TEST(Error, TheInnermostOfAKindIsTheTrueOne) {
  Error error(Fault::unwritable, Frame::file(Role::output, "new.onnx"), "cannot be written");
  error.in(Frame::node("node 'a' (Relu)")).in(Frame::node("node 'a' (Relu)")).in(Frame::file(Role::model, "old.onnx"));
  EXPECT_STREQ(error.what(), "node 'a' (Relu): new.onnx: cannot be written");
  EXPECT_EQ(error.role(), Role::output);
}

TEST(Error, CallsStandWithinCalls) {
  Error error(Fault::malformed, Frame::node("node 'f/g/relu' (Relu)"), "no input");
  error.in(Frame::call("node 'f/g' (local.G)")).in(Frame::call("node 'f' (local.F)"));
  EXPECT_STREQ(error.what(), "node 'f' (local.F): node 'f/g' (local.G): node 'f/g/relu' (Relu): no input");
  EXPECT_EQ(error.find(Kind::call)->name, "node 'f/g' (local.G)");
}

// A network knows that its input is wrong, and not of which file it is.
TEST(Error, AFileMayBeKnownByItsRoleAlone) {
  Error error(Fault::mismatch, Frame::file(Role::input), "has shape 1x3, expected Nx3x4x4");
  EXPECT_STREQ(error.what(), "has shape 1x3, expected Nx3x4x4");
  EXPECT_EQ(error.role(), Role::input);
  error.in(Frame::line(3)).in(Frame::file(Role::model, "list.txt"));
  EXPECT_STREQ(error.what(), "list.txt: line 3: has shape 1x3, expected Nx3x4x4");
  EXPECT_EQ(error.role(), Role::input);
}

TEST(Frame, IsWordedAsMessagesAre) {
  EXPECT_EQ(Frame::input("x").name, "input 'x'");
  EXPECT_EQ(Frame::initializer("w").name, "initializer 'w'");
  EXPECT_EQ(Frame::attribute("pads").name, "attribute 'pads'");
  EXPECT_EQ(Frame::line(12).name, "line 12");
  EXPECT_EQ(Frame::option("--opset").name, "--opset");
}

}  // namespace
}  // namespace resnet
