#include "lib/base/overloaded.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <variant>

namespace resnet {
namespace {

TEST(Overloaded, CallsTheHandlerOfTheAlternative) {
  using Value = std::variant<int, std::string>;
  const auto describe = [](const Value& value) {
    return std::visit(Overloaded{[](int number) { return "number " + std::to_string(number); },
                                 [](const std::string& text) { return "text " + text; }},
                      value);
  };
  EXPECT_EQ(describe(7), "number 7");
  EXPECT_EQ(describe("seven"), "text seven");
}

TEST(Overloaded, DoesNotTakeWhatNoHandlerTakes) {
  struct Unhandled {};
  const auto visitor = Overloaded{[](int) {}, [](const std::string&) {}};
  static_assert(std::is_invocable_v<decltype(visitor), int>);
  static_assert(!std::is_invocable_v<decltype(visitor), Unhandled>);
}

}  // namespace
}  // namespace resnet
