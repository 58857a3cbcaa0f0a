// What every command is given besides its own options.
#pragma once

#include <cstddef>
#include <string>

#include "cli/messages.h"

namespace resnet::cli {

// The options that every command has.
struct CommonOptions {
  std::size_t threads = 0;  // 0: the physical cores
  bool quiet = false;
  int verbosity = 0;
  std::string progress = "auto";
};

struct Context {
  CommonOptions options;
  Messages messages;

  // At least 1.
  std::size_t threads() const;
};

}  // namespace resnet::cli
