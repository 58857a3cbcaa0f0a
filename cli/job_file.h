// FILE.job beside the answers of `predict --resume FILE`: until they are complete it says what they are made with.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/identity/identity.h"
#include "cli/shards.h"

namespace resnet::cli {

class JobFile {
 public:
  struct Job {
    JobSize size;
    Identity identity;
  };
  // Reads it where it is there. Throws Error(invalid) where it is none of ours, whatever it is, or of another version.
  explicit JobFile(const std::string& answers);

  const std::optional<Job>& found() const { return found_; }
  // Throws Error(unwritable).
  void write(const Job& job);
  // What is there is removed where it still is what was read or written.
  void remove() const;

 private:
  std::filesystem::path file_;
  std::string text_;  // as it is in the file
  std::optional<Job> found_;
};

}  // namespace resnet::cli
