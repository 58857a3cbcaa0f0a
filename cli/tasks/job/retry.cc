#include "cli/tasks/job/retry.h"

#include <fmt/format.h>

#include <cstdint>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/tasks/job/new_file.h"
#include "formats/answers/read.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block_bytes = 1 << 20;

// In the list of a round an input is "NUMBER PATH": its number among the job's.
struct Failed {
  std::size_t number = 0;
  Input input;
};

Failed parse_failed(const Input& listed) {
  auto found = parse_numbered(listed.path.native());
  if (!found || found->number < 0)
    throw Error(Fault::unreadable, "the list of a round of --retry-failed is damaged: it is not of inputs that failed");
  return {static_cast<std::size_t>(found->number), {std::move(found->text), listed.error}};
}

// A list of answers beside the list of their inputs: which line is of which input.
class AnswerWalk {
 public:
  AnswerWalk(const fs::path& folder, const InputList& inputs, NameOfInput name_of)
      : file_(folder / name_of_whole), inputs_(inputs), name_of_(std::move(name_of)), lines_(file_.string()) {}

  struct Line {
    std::string text;
    std::size_t number = 0;  // of its input
    Input input;
    bool failed = false;
    bool is_of_whole = false;  // not of an image of several in a file
  };
  // Nothing at the end. Throws Error(unreadable).
  std::optional<Line> next() {
    Line line;
    if (!lines_.next(line.text)) {
      if (const std::size_t seen = number_ + (has_part_ ? 1 : 0); seen != inputs_.inputs()) refuse_cut(seen);
      return std::nullopt;
    }
    const auto answer = answers::parse_answer_line(line.text);
    if (!answer || !lines_.has_end()) refuse();
    for (;; begin_input(number_ + 1)) {
      const Input& input = at(number_);
      const std::string name = name_of_(input);
      line.is_of_whole = answer->is_of(name);
      // A file that is listed twice begins once more.
      const bool begins_again = has_part_ && answer->input.ends_with("[0]");
      if (!line.is_of_whole && (begins_again || !answer->is_part_of(name))) continue;
      line.number = number_;
      line.input = input;
      break;
    }
    line.failed = answer->failed;
    has_part_ = true;
    if (line.is_of_whole) begin_input(number_ + 1);
    return line;
  }

 private:
  void begin_input(std::size_t number) {
    number_ = number;
    has_part_ = false;
  }
  [[noreturn]] void refuse() const {
    throw Error(Fault::unreadable, Frame::file(Role::argument, file_.string()),
                fmt::format("line {}: is not an answer for an input of this job", lines_.number()));
  }
  [[noreturn]] void refuse_cut(std::size_t seen) const {
    throw Error(Fault::unreadable, Frame::file(Role::argument, file_.string()),
                fmt::format("is damaged: it holds answers for {} of {} inputs", seen, inputs_.inputs()));
  }
  const Input& at(std::size_t number) {
    if (number >= inputs_.inputs()) refuse();
    const std::size_t chunk = number / inputs_.chunk();
    if (chunk != chunk_ || read_.empty()) {
      read_ = inputs_.read(chunk);
      chunk_ = chunk;
    }
    return read_.at(number % inputs_.chunk());
  }

  fs::path file_;
  const InputList& inputs_;
  NameOfInput name_of_;
  answers::LineReader lines_;
  std::vector<Input> read_;
  std::size_t chunk_ = 0, number_ = 0;
  bool has_part_ = false;  // a line of the input was seen, and it is of an image of several
};

class Retry {
 public:
  Retry(const fs::path& folder, const InputList& inputs, const NameOfInput& name_of, const TaskContext& context)
      : folder_(folder), inputs_(inputs), name_of_(name_of), context_(context) {}

  std::optional<WholeJob> run(const JobWorker::Compute& compute, const JobWorker::Options& options) {
    std::size_t round = 1;
    while (is_round_over(folder_, round)) ++round;
    const fs::path within = folder_of_round(folder_, round);
    if (!list(within)) {
      context_.observer.note(fmt::format("{}: no input failed that can be read again", folder_.string()));
      return read_whole(folder_);
    }
    const InputList failed(within);
    JobWorker::Options of_round = options;
    of_round.output.clear();
    JobWorker worker(within, failed, context_, of_round);
    const auto again = worker.run([&](std::span<const Input> listed) {
      std::vector<Input> inputs;
      for (const Input& one : listed) inputs.push_back(parse_failed(one).input);
      return compute(inputs);
    });
    if (!again) return std::nullopt;
    replace(round);
    // One that was stopped for long may have put an earlier round's answers in place of a later one's.
    while (is_published(folder_of_round(folder_, round + 1) / name_of_whole)) replace(++round);
    if (!options.output.empty()) copy_whole(folder_, options.output, context_.stop);
    context_.observer.note(
        fmt::format("{}: {} computed again, {} failed again", folder_.string(), counted(again->inputs, "input"), again->failed));
    return read_whole(folder_);
  }

 private:
  // The inputs that failed; false where there are none.
  bool list(const fs::path& within) {
    if (!is_published(within / "inputs.at")) {
      make_folder(within.parent_path());
      make_folder(within);
      InputListDraft draft(within);
      AnswerWalk answers(folder_, inputs_, name_of_);
      while (const auto line = answers.next()) {
        context_.stop.check();
        if (line->failed && line->is_of_whole && line->input.error.empty())
          draft.add({Numbered{static_cast<std::int64_t>(line->number), line->input.path.native()}.to_text(), ""});
      }
      if (draft.inputs() == 0) return false;
      draft.publish(0, 1);
    }
    return true;
  }

  // Puts what the round has given in the places of what failed. Where that was done before it is done again.
  void replace(std::size_t round) {
    const fs::path within = folder_of_round(folder_, round);
    const InputList failed(within);
    AnswerWalk answers(folder_, inputs_, name_of_);
    AnswerWalk again(within, failed, [this](const Input& listed) { return name_of_(parse_failed(listed).input); });
    AtomicFile file(folder_ / name_of_whole);
    std::string block;
    const auto flush = [&] { file.stream().write(block.data(), static_cast<std::streamsize>(block.size())), block.clear(); };
    const auto write = [&](const std::string& line) {
      block += line + '\n';
      if (block.size() >= block_bytes) flush();
    };
    std::optional<AnswerWalk::Line> next = again.next();
    std::optional<std::size_t> replaced;
    while (const auto line = answers.next()) {
      context_.stop.check();
      if (replaced == line->number) continue;
      bool any = false;
      for (; next && parse_failed(next->input).number == line->number; next = again.next(), any = true) write(next->text);
      if (any) {
        replaced = line->number;
      } else {
        write(line->text);
      }
    }
    flush();
    file.commit();
    end_round(folder_, round);
  }

  const fs::path& folder_;
  const InputList& inputs_;
  const NameOfInput& name_of_;
  const TaskContext& context_;
};

}  // namespace

std::optional<WholeJob> retry_failed(const fs::path& folder, const InputList& inputs, const NameOfInput& name_of,
                                     const JobWorker::Compute& compute, const JobWorker::Options& options,
                                     const TaskContext& context) {
  return Retry(folder, inputs, name_of, context).run(compute, options);
}

}  // namespace resnet::cli
