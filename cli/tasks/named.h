// Errors that say which model they are of.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace resnet::cli {

// What `work` gives; an Error of it with the model's name before it, unless it begins with it.
template <typename Work>
auto named(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (Error& error) {
    if (!std::string_view(error.what()).starts_with(name + ": ")) error.add_context(name);
    throw;
  }
}

}  // namespace resnet::cli
