#include "cli/tasks/job/job.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/manifest.h"
#include "cli/tasks/job/retry.h"
#include "cli/tasks/job/worker.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

class Job {
 public:
  Job(JobCommand& command, const JobRequest& request, const TaskContext& context)
      : command_(command), request_(request), context_(context), folder_(request.folder) {}

  std::optional<WholeJob> run() {
    std::optional<Manifest> manifest = read_manifest(folder_);
    if (!manifest) manifest = begin();
    const auto whole = work_on(*manifest);
    if (whole && !has_listed_) {
      for (const std::string& failure : manifest->failures) context_.observer.error(failure);
    }
    return whole;
  }

 private:
  std::optional<WholeJob> work_on(const Manifest& manifest) {
    if (!is_ready_) make_ready_for(manifest.size);
    check_same(folder_, manifest, mine());
    auto whole = read_whole(folder_);
    const bool was_whole = whole.has_value();
    if (was_whole) {
      const std::string& output = request_.output;
      std::error_code none;
      if (!output.empty() && (output != manifest.output || !fs::exists(output, none))) copy_whole(folder_, output, context_.stop);
      clear_away(folder_);
      if (!request_.retries_failed) return whole;
    }
    request_.enter(manifest.directory);
    const InputList inputs(folder_, InputList::Size{manifest.inputs, manifest.chunk});
    const JobWorker::Options options{.output = request_.output.empty() ? manifest.output : request_.output,
                                     .waits = request_.waits};
    const auto compute = [this](std::span<const Input> some) { return command_.compute(some); };
    if (!was_whole) whole = JobWorker(folder_, inputs, context_, options).run(compute);
    if (!whole || !request_.retries_failed) return whole;
    return retry_failed(
        folder_, inputs, [this](const Input& input) { return command_.name_of(input); }, compute, options, context_);
  }

  void make_ready_for(const answers::JobSize& size) {
    size_ = size;
    identity_ = command_.make_ready(size);
    is_ready_ = true;
  }

  Manifest mine() const {
    Manifest manifest;
    manifest.command = command_.name();
    manifest.words = request_.words;
    manifest.isa = request_.instruction_set;
    manifest.directory = request_.directory;
    manifest.output = request_.output;
    manifest.images = request_.images;
    manifest.size = size_;
    manifest.failures = failures_;
    manifest.identity = identity_;
    return manifest;
  }

  // Lists the inputs and says what the job is; where another process is first, what that one says.
  Manifest begin() {
    make_job_folder(folder_);
    InputListDraft draft(folder_);
    failures_ = command_.list([&draft](const Input& input) { draft.add(input); });
    has_listed_ = true;
    make_ready_for({command_.batch(), context_.threads.asked, draft.inputs()});
    if (!draft.publish(request_.chunk, command_.batch())) return wait_for_manifest();
    const InputList inputs(folder_);
    Manifest manifest = mine();
    manifest.inputs = inputs.inputs();
    manifest.chunk = inputs.chunk();
    if (publish_manifest(folder_, manifest)) return manifest;
    return wait_for_manifest();
  }

  // Another process has listed other inputs, or was first to say what the job is.
  Manifest wait_for_manifest() {
    using namespace std::chrono_literals;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (true) {
      if (auto manifest = read_manifest(folder_)) {
        is_ready_ = manifest->size == size_;
        return *manifest;
      }
      if (std::chrono::steady_clock::now() > end) {
        throw Error(Fault::invalid,
                    fmt::format("{}: holds a list of other inputs, but no job: a start that did not come to its end; "
                                "expected a new or an empty folder",
                                request_.folder));
      }
      context_.stop.check();
      std::this_thread::sleep_for(50ms);
    }
  }

  JobCommand& command_;
  const JobRequest& request_;
  const TaskContext& context_;
  const fs::path folder_;
  Identity identity_;
  answers::JobSize size_;
  std::vector<std::string> failures_;  // while the inputs were listed, by this process
  bool is_ready_ = false, has_listed_ = false;
};

}  // namespace

std::optional<WholeJob> work_on_job(JobCommand& command, const JobRequest& request, const TaskContext& context) {
  return Job(command, request, context).run();
}

}  // namespace resnet::cli
