// The inputs that a run of predict answers, and the answers that an earlier one has left in --resume FILE.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/identity/identity.h"
#include "cli/tasks/predict/earlier_answers.h"
#include "cli/tasks/predict/job_file.h"
#include "cli/tasks/predict/shards.h"

namespace resnet::cli {

// The inputs that this run is to answer: all, or a part of them, without those that an earlier run has answered.
class Selection {
 public:
  // `part`: nothing where all are answered. Throws as Inputs::next().
  Selection(const std::optional<PartOf>& part, Inputs& inputs);

  // Of all parts together, where it is known.
  std::optional<std::size_t> whole() const { return shard_ ? shard_->inputs : inputs_.total(); }
  // `record`: of what the answers in the file were made with, where it is known. Throws as read_earlier_answers.
  void skip_answered(const std::string& file, const std::optional<AnswersRecord>& record);

  std::optional<Input> next();
  bool ready() { return !all_.empty() || shard_ || inputs_.ready(); }
  std::optional<std::size_t> total() const { return shard_ ? shard_->count : inputs_.total(); }
  bool all(const std::function<bool(const std::filesystem::path&)>& holds) const;
  const std::optional<answers::Shard>& shard() const { return shard_; }
  const EarlierAnswers& earlier() const { return earlier_; }

 private:
  Inputs& inputs_;
  std::deque<Input> all_;  // before what `inputs_` gives; a part's are all here
  std::optional<answers::Shard> shard_;
  EarlierAnswers earlier_;
};

// Where answers are kept in a file that grows: what an earlier run left there, and what this one writes beside it.
class ResumedJob {
 public:
  // Reads what is there; `file` is the one that is resumed, or empty, where there is nothing to do. Throws Error(invalid) where
  // the answers are not of these inputs, or the files are not ours.
  ResumedJob(const std::string& file, Selection& selection);

  // By which the convolutions of the earlier answers were chosen.
  std::optional<answers::JobSize> size() const { return earlier_ ? std::optional(earlier_->size) : std::nullopt; }
  // Throws Error(invalid) where the earlier answers were made with something else.
  void check(const Identity& now) const;
  // Writes down what the answers are made with. Throws Error(unwritable).
  void begin(const answers::JobSize& size, const Identity& identity);
  // All answers are in the file: that is written down, too. Throws Error(unwritable).
  void end() const;

 private:
  const std::string& file_;
  std::optional<JobFile> job_file_;  // a part's first line says what is in it
  std::optional<JobFile::Job> earlier_, begun_;
};

}  // namespace resnet::cli
