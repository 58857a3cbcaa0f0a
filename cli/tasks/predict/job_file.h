// FILE.job beside the answers of `predict --resume FILE`: it says what they are made with, and whether they are complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/tasks/identity/identity.h"
#include "formats/answers/parts.h"

namespace resnet::cli {

class JobFile {
 public:
  struct Job {
    answers::JobSize size;
    Identity identity;
    std::uintmax_t complete_bytes = 0;  // of FILE when all was answered; 0 before
  };
  // Reads it where it is there. Throws Error(invalid) where it is not ours, whatever it is, or of another version.
  explicit JobFile(const std::string& answers);

  const std::optional<Job>& found() const { return found_; }
  // Throws Error(unwritable).
  void write(const Job& job) const;

 private:
  std::filesystem::path file_;
  std::optional<Job> found_;
};

}  // namespace resnet::cli
