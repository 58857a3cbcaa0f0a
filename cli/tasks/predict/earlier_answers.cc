#include "cli/tasks/predict/earlier_answers.h"

#include <fmt/format.h>

#include "formats/answers/read.h"
#include "formats/table/text.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

class Reader {
 public:
  Reader(const std::string& file, const std::optional<answers::Shard>& shard, const std::optional<AnswersRecord>& record,
         const std::function<std::optional<std::string>()>& next)
      : file_(file), lines_(file), shard_(shard), record_(record), next_(next) {}

  EarlierAnswers read() {
    for (std::string line; lines_.next(line);) {
      if (lines_.is_foreign()) refuse("is not an answer of predict, expected {\"input\": ...}");
      if (!lines_.has_end()) {
        take_half_line(line);
        break;
      }
      if (shard_ && lines_.number() == 1) {
        take_header(line);
      } else if (const auto end = shard_ ? answers::parse_last_line(line) : std::nullopt) {
        take_end(*end);
        return result_;
      } else {
        take_answer(line);
      }
    }
    finish();
    return result_;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Fault::invalid, fmt::format("{}: line {}: {}", file_, lines_.number(), what));
  }
  [[noreturn]] void refuse_without_record() const {
    throw Error(Fault::invalid, fmt::format("{0}: holds answers, but {0}.job, which says what they were made with, is not there: "
                                            "they cannot be resumed; expected another file",
                                            file_));
  }

  void take_header(const std::string& line) {
    try {
      result_.header = parse_first_line(line);
    } catch (Error& error) {
      error.in(Frame::file(Role::argument, file_));
      throw;
    }
    if (!result_.header) refuse("is not the first line of a part, expected what predict --shard writes");
    const answers::Shard& found = result_.header->shard;
    if (found.of == shard_->of && found.index == shard_->index && found.inputs == shard_->inputs && found.list != shard_->list)
      refuse("holds answers of other inputs: the list of inputs has changed since then");
    if (found != *shard_) {
      refuse(
          fmt::format("holds answers of other inputs or of another part of them: part {} of {} of {} inputs, expected part {} of "
                      "{} of {}",
                      found.index, found.of, found.inputs, shard_->index, shard_->of, shard_->inputs));
    }
    keep_until(lines_.end());
  }

  void take_end(const answers::PartEnd& end) {
    if (group_) finish_group(lines_.begin());
    if (end != answers::PartEnd{shard_->index, shard_->of, tally_} || result_.inputs != shard_->count)
      refuse(fmt::format("ends a part of {}, but it holds {}: the file is damaged; expected another file",
                         counted(end.tally.answers, "answer"), tally_.answers));
    keep_until(lines_.end());
    result_.complete = true;
    if (std::string line; lines_.next(line)) refuse("follows the end of the part");
  }

  void take_answer(const std::string& line) {
    const auto answer = answers::parse_answer_line(line);
    if (!answer) refuse("is not an answer of predict, expected {\"input\": ...}");
    if (group_ && answer->is_part_of(*group_)) {
      group_failed_ += answer->failed ? 1 : 0;
      tally_.add(answer->key());
      return;
    }
    if (group_) finish_group(lines_.begin());
    const std::optional<std::string> path = next_();
    if (!path) refuse("is the answer of an input that is not among those now");
    if (answer->is_of(*path)) {
      ++result_.inputs;
      result_.failed += answer->failed ? 1 : 0;
      tally_.add(answer->key());
      keep_until(lines_.end());
    } else if (answer->is_part_of(*path)) {
      group_ = path;
      group_failed_ = answer->failed ? 1 : 0;
      tally_.add(answer->key());
    } else {
      refuse(fmt::format("is the answer of '{}', but the input there is '{}' now", shortened(answer->input), shortened(*path)));
    }
  }

  // It is cut only where it can be nothing else than the beginning of the next answer, or of a part's first line.
  void take_half_line(const std::string& line) {
    if (shard_ && lines_.number() == 1) {
      if (!answers::begins_first_line(line, *shard_))
        refuse("is not the first line of a part, expected what predict --shard writes");
      return;
    }
    if (!shard_ && !record_) {
      if (result_.inputs == 0 && !group_) refuse("is not an answer of predict, expected {\"input\": ...}");
      refuse_without_record();
    }
    if (group_ && answers::begins_answer_of(line, *group_)) return;
    const std::optional<std::string> path = next_();
    const bool ends = shard_ && !path && answers::begins_last_line(line);
    if (!ends && (!path || !answers::begins_answer_of(line, *path)))
      refuse("is cut, and is not the beginning of the next answer; expected another file");
  }

  void finish() {
    // Perhaps not all images of the last file are here: once more, unless the record says that the file ended so. Without one
    // it is taken for whole, for it is not added to.
    const bool ended = record_ && record_->complete_bytes == lines_.end();
    if (shard_ || (record_ && !ended) || (result_.inputs == 0 && !group_)) return;
    if (group_) finish_group(lines_.end());
    result_.complete = !next_();
    if (!result_.complete && !record_) refuse_without_record();
  }

  // The images of a file are all there where another one's answer follows.
  void finish_group(std::uintmax_t end) {
    ++result_.inputs;
    result_.failed += group_failed_;
    keep_until(end);
    group_.reset();
  }

  void keep_until(std::uintmax_t end) {
    result_.bytes = end;
    result_.tally = tally_;
  }

  static std::string shortened(const std::string& text) {
    constexpr std::size_t longest = 300;
    return text.size() > longest ? table::printable(text.substr(0, longest)) + "..." : table::printable(text);
  }

  const std::string& file_;
  answers::LineReader lines_;
  const std::optional<answers::Shard>& shard_;
  const std::optional<AnswersRecord> record_;
  const std::function<std::optional<std::string>()>& next_;
  EarlierAnswers result_;
  answers::Tally tally_;
  std::optional<std::string> group_;  // the file of several images that the last lines are of
  std::size_t group_failed_ = 0;
};

}  // namespace

EarlierAnswers read_earlier_answers(const std::string& file, const std::optional<answers::Shard>& shard,
                                    const std::optional<AnswersRecord>& record,
                                    const std::function<std::optional<std::string>()>& next) {
  return Reader(file, shard, record, next).read();
}

}  // namespace resnet::cli
