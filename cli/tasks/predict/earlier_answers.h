// Answers that a run wrote before it was interrupted: which inputs they are of, and how much of the file is good.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/tasks/predict/shards.h"

namespace resnet::cli {

struct EarlierAnswers {
  std::size_t inputs = 0;            // that are answered
  std::size_t failed = 0;            // of the answers
  std::uintmax_t bytes = 0;          // of the file that hold them; what follows is half a line, or half of a file's images
  bool complete = false;             // there is nothing left to answer
  std::optional<PartHeader> header;  // of a part
  answers::Tally tally;              // of the answers in `bytes`
};

// Of what the answers in a file were made with (FILE.job).
struct AnswersRecord {
  std::uintmax_t complete_bytes = 0;  // of the file when it was complete; 0: it was not
};

// Reads JSON lines that predict wrote; a file that is not there has none. `next` gives the inputs' paths in order, nothing at
// their end: they are walked as far as the answers go. `shard`: the part that they are to be of. `record`: where it is known
// what they were made with; a part's header says so itself. Throws Error(invalid) with the line where the file is not ours, where
// the answers are of other inputs, of another part of them, or not complete without a record.
EarlierAnswers read_earlier_answers(const std::string& file, const std::optional<answers::Shard>& shard,
                                    const std::optional<AnswersRecord>& record,
                                    const std::function<std::optional<std::string>()>& next);

}  // namespace resnet::cli
