#include "cli/tasks/identity/nesting.h"

#include <fmt/format.h>

#include "lib/base/error.h"

namespace resnet::cli {

bool check_nesting(int depth) {
  static constexpr int most_levels = 64;
  if (depth > most_levels)
    throw Error(Fault::unreadable, fmt::format("is damaged: it is nested more than {} levels deep", most_levels));
  return true;
}

}  // namespace resnet::cli
