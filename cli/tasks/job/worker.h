// One of the processes that share a job: it computes chunks that nobody has published, until all are, and then writes the whole.
// No rank, no lock, no clock of another machine: a part is published by link(2), and the first one wins, for equal Identities
// mean equal bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/job/claims.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/part.h"
#include "cli/tasks/job/whole.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

class JobWorker {
 public:
  // Of inputs in their order, perhaps none: bytes of the whole output. One that is not usable (Input::error) is a failure of that
  // text.
  using Compute = std::function<Computed(std::span<const Input>)>;
  struct Options {
    std::string output;  // where the whole goes besides; empty: nowhere
    bool waits = true;   // for chunks that others compute; else it leaves where nothing is left to begin with
    // A chunk of another worker is computed again where it is open for this many of one's own chunks; where none of one's own
    // says how long they take, or a second worker has it already, for so long at least.
    int own_chunks = 3;
    std::chrono::milliseconds patience{10'000};
    std::chrono::milliseconds pause{200};  // between two looks at the folder
  };

  // All of it outlives the worker.
  JobWorker(const std::filesystem::path& folder, const InputList& inputs, const TaskContext& context, Options options);

  // Nothing where the job is not whole and this worker does not wait. Where it is stopped the chunk is given back. Throws what
  // `compute` throws, Error(unwritable), Error(unreadable), Error(interrupted).
  std::optional<WholeJob> run(const Compute& compute);

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    std::uint32_t generation = 0;
    Clock::time_point since;
  };

  bool compute_one(const Compute& compute);
  std::optional<WholeJob> work(const Compute& compute);
  std::optional<Claim> claim_open();
  std::optional<Claim> claim_again();
  bool may_be_taken(std::size_t chunk);
  void update();
  void compute(const Claim& claim, const Compute& compute);
  Computed compute_noting(const Claim& claim, std::span<const Input> inputs, const Compute& compute) const;
  std::optional<WholeJob> write_whole();
  void pause() const;
  std::chrono::milliseconds patience(std::uint32_t generation) const;
  void tell_progress() const;

  const std::filesystem::path& folder_;
  const InputList& inputs_;
  const TaskContext& context_;
  Options options_;
  std::vector<ChunkState> states_;
  std::vector<Watched> watched_;
  std::vector<bool> damaged_;
  std::vector<double> seconds_;  // of its own chunks
  std::size_t next_ = 0, begun_ = 0;
};

}  // namespace resnet::cli
