// FILE.job beside the answers that `predict --resume FILE` adds to: what they are made with, and whether they are complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "formats/answers/parts.h"

namespace resnet::answers {

struct JobRecord {
  JobSize size;
  std::string identity;               // a JSON object, which only its owner reads
  std::uintmax_t complete_bytes = 0;  // of FILE when all was answered; 0 before
};
// A longer file is not one.
constexpr std::size_t longest_job = 1 << 20;

// The whole file: a line.
std::string to_line(const JobRecord& job);
// Throws Error(invalid), without the file's name, where the text is not such a file, is damaged, or is of version 0.1.0.
JobRecord parse_job(const std::string& text);

}  // namespace resnet::answers
