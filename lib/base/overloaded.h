// Builds one visitor out of lambdas. No catch-all: an alternative that is not handled does not compile.
#pragma once

namespace resnet {

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace resnet
