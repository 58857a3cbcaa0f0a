#include "cli/tasks/predict/resumed_job.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/base/digest.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

Selection::Selection(const std::optional<PartOf>& part, Inputs& inputs) : inputs_(inputs) {
  if (!part) return;
  std::vector<std::uint64_t> paths;
  const auto see = [&paths](const fs::path& path) {
    paths.push_back(hash_of(path.native()));
    return true;
  };
  if (!inputs.all(see)) {  // a list on stdin
    while (auto input = inputs.next()) {
      see(input->path);
      all_.push_back(std::move(*input));
    }
  }
  shard_ = place_shard(*part, paths);
  if (all_.empty()) {
    for (std::size_t i = 0; i < shard_->first + shard_->count; ++i) {
      auto input = inputs.next();
      if (input && i >= shard_->first) all_.push_back(std::move(*input));
    }
    return;
  }
  all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(shard_->first + shard_->count), all_.end());
  all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(shard_->first));
}

void Selection::skip_answered(const std::string& file, const std::optional<AnswersRecord>& record) {
  std::vector<Input> seen;
  earlier_ = read_earlier_answers(file, shard_, record, [&]() -> std::optional<std::string> {
    std::optional<Input> input = next();
    if (!input) return std::nullopt;
    seen.push_back(*input);
    return input->path.string();
  });
  // The last one that was looked at may have to be answered once more.
  for (std::size_t i = seen.size(); i > earlier_.inputs; --i) all_.push_front(std::move(seen[i - 1]));
}

std::optional<Input> Selection::next() {
  if (!all_.empty()) {
    Input input = std::move(all_.front());
    all_.pop_front();
    return input;
  }
  return shard_ ? std::nullopt : inputs_.next();
}

bool Selection::all(const std::function<bool(const fs::path&)>& holds) const {
  return std::all_of(all_.begin(), all_.end(), [&](const Input& input) { return holds(input.path); }) &&
         (shard_ || inputs_.all(holds));
}

ResumedJob::ResumedJob(const std::string& file, Selection& selection) : file_(file) {
  if (file_.empty()) return;
  if (!selection.shard()) job_file_.emplace(file_);
  std::optional<AnswersRecord> record;
  if (job_file_ && job_file_->found()) record = AnswersRecord{job_file_->found()->complete_bytes};
  selection.skip_answered(file_, record);
  // Where there are no answers yet, nothing can be mixed.
  if (selection.earlier().bytes == 0) return;
  if (const auto& header = selection.earlier().header) earlier_ = JobFile::Job{header->size, header->identity, 0};
  if (job_file_ && job_file_->found()) earlier_ = job_file_->found();
}

void ResumedJob::check(const Identity& now) const {
  if (!earlier_) return;
  const auto different = differences(earlier_->identity, now);
  if (different.empty()) return;
  throw Error(Fault::invalid,
              fmt::format("{}: its answers were made with {}; now it is {}; resume with the same settings, or name another file",
                          file_, left_of(different), right_of(different)));
}

void ResumedJob::begin(const answers::JobSize& size, const Identity& identity) {
  if (!job_file_) return;
  begun_ = JobFile::Job{size, identity, 0};
  job_file_->write(*begun_);
}

void ResumedJob::end() const {
  if (!begun_) return;
  JobFile::Job ended = *begun_;
  // Should the machine stop now, answers that are lost are to be known as such.
  if (const int written = open(file_.c_str(), O_RDONLY | O_CLOEXEC); written >= 0) {
    fsync(written);
    if (struct stat status{}; fstat(written, &status) == 0) ended.complete_bytes = static_cast<std::uintmax_t>(status.st_size);
    close(written);
  }
  job_file_->write(ended);
}

}  // namespace resnet::cli
