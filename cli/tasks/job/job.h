// `--job FOLDER`: one of the processes that do a command's work together. The first one lists the inputs and says what the job
// is; all others join it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/identity/identity.h"
#include "cli/tasks/job/part.h"
#include "cli/tasks/job/whole.h"
#include "cli/tasks/task.h"
#include "formats/answers/parts.h"

namespace resnet::cli {

struct JobRequest {
  std::string folder;              // an absolute path, as all paths here
  std::string output;              // of the whole; empty: in the folder
  std::size_t chunk = 0;           // inputs of a chunk; 0: see default_chunk
  bool waits = true;               // for the other workers, until the job is whole
  bool retries_failed = false;     // computes what failed once more when the job is whole
  std::vector<std::string> words;  // for workers that are given the folder alone
  std::string instruction_set;     // --isa, likewise; empty: not given
  std::string directory;           // in which paths are meant
  std::string images;              // text_of_arguments() of the inputs; empty: whatever the job has
  // Goes to the directory in which the job's inputs are meant, before one of them is read.
  std::function<void(const std::string&)> enter = [](const std::string&) {};
};

// What a command does of a job, in each of its processes. Of the first one list() is asked, then make_ready(); of the others
// make_ready() of the same size. Where the Identities are equal, so must the answers be, whichever inputs are computed together
// and by however many threads. An answer is one or more JSON lines that begin with "input", as predict's; one of an input that
// failed has "error".
class JobCommand {
 public:
  JobCommand() = default;
  virtual ~JobCommand() = default;
  JobCommand(const JobCommand&) = delete;
  JobCommand& operator=(const JobCommand&) = delete;

  virtual std::string name() const = 0;  // "predict"
  // Calls `add` with every input in its order. Returns what failed meanwhile and is not one of them, a line
  // each; this process has said it, the others will.
  virtual std::vector<std::string> list(const std::function<void(const Input&)>& add) = 0;
  // How many inputs are computed at once, at least.
  virtual std::size_t batch() const = 0;
  // Makes ready for as many inputs. What decides the answers, besides the inputs themselves.
  virtual Identity make_ready(const answers::JobSize& size) = 0;
  // The answers of inputs in their order, perhaps of none. One that is not usable (Input::error) is a failure of that text.
  virtual Computed compute(std::span<const Input> inputs) = 0;
  // What the answers call an input.
  virtual std::string name_of(const Input& input) const { return input.path.string(); }
};

// Begins the job where nobody has, and works until it is whole; nothing where it is not and the worker does not wait. Throws what
// `command` throws, as JobWorker, and Error(invalid) naming all that differs from how the job was started.
std::optional<WholeJob> work_on_job(JobCommand& command, const JobRequest& request, const TaskContext& context);

}  // namespace resnet::cli
