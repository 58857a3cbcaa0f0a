// Answers that a run wrote before it was interrupted: which inputs they are of, and how much of the file is good.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/shards.h"

namespace resnet::cli {

struct EarlierAnswers {
  std::size_t inputs = 0;    // that are answered
  std::size_t failed = 0;    // of the answers
  std::uintmax_t bytes = 0;  // of the file that hold them; what is behind is half a line, or half of a file's images
  bool complete = false;     // the part's last line is there
};

// Reads JSON lines that predict wrote. `next` gives the inputs' paths in order, nothing at their end: they are walked as far as
// the answers go. A file that is not there has none. Throws Error(usage) with the line where the answers are of other inputs, or
// of another part of them.
EarlierAnswers read_earlier_answers(const std::string& file, const std::optional<Shard>& shard,
                                    const std::function<std::optional<std::string>()>& next);

}  // namespace resnet::cli
