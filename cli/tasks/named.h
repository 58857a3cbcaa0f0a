// Errors that say which model they are of.
#pragma once

#include <string>

#include "lib/base/error.h"

namespace resnet::cli {

// What `work` gives; an Error of it with the model's name, unless it names a file.
template <typename Work>
auto named(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
}

// The same, but for what is wrong with the request (Fault::invalid): that says itself which part of it.
template <typename Work>
auto named_if_its_own(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (Error& error) {
    if (error.fault() != Fault::invalid) error.in(Frame::file(Role::model, name));
    throw;
  }
}

}  // namespace resnet::cli
