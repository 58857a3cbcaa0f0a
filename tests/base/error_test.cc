#include "lib/base/error.h"

#include <gtest/gtest.h>

#include <string>

namespace resnet {
namespace {

TEST(Error, TellsItsKindAndItsLine) {
  const Error error(ErrorKind::unsupported, "opset 3 is too old");
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  EXPECT_STREQ(error.what(), "opset 3 is too old");
}

TEST(Error, GathersContextFromTheInsideOut) {
  std::string line;
  try {
    try {
      throw Error(ErrorKind::invalid_model, "found 2 inputs, expected 1");
    } catch (Error& error) {
      error.add_context("node 'relu' (Relu)");
      throw;
    }
  } catch (Error& error) {
    error.add_context("net.onnx");
    line = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::invalid_model);
  }
  EXPECT_EQ(line, "net.onnx: node 'relu' (Relu): found 2 inputs, expected 1");
}

// What scripts rely on.
TEST(ErrorKind, HasTheExitCodes) {
  EXPECT_EQ(static_cast<int>(ErrorKind::check_failed), 1);
  EXPECT_EQ(static_cast<int>(ErrorKind::usage), 2);
  EXPECT_EQ(static_cast<int>(ErrorKind::invalid_model), 3);
  EXPECT_EQ(static_cast<int>(ErrorKind::unsupported), 4);
  EXPECT_EQ(static_cast<int>(ErrorKind::bad_input), 5);
  EXPECT_EQ(static_cast<int>(ErrorKind::output), 6);
  EXPECT_EQ(static_cast<int>(ErrorKind::internal), 70);
  EXPECT_EQ(static_cast<int>(ErrorKind::interrupted), 130);
}

}  // namespace
}  // namespace resnet
