#include "cli/tasks/job/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <system_error>
#include <thread>

#include "cli/tasks/job/new_file.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/remove_when_killed.h"

namespace resnet::cli {

namespace fs = std::filesystem;

JobWorker::JobWorker(const fs::path& folder, const InputList& inputs, const TaskContext& context, Options options)
    : folder_(folder),
      inputs_(inputs),
      context_(context),
      options_(std::move(options)),
      states_(inputs.chunks()),
      watched_(inputs.chunks()),
      damaged_(inputs.chunks(), false) {
  // Workers that begin at different places do not ask for the same chunks.
  if (inputs.chunks() > 0) next_ = std::random_device{}() % inputs.chunks();
}

std::optional<WholeJob> JobWorker::run(const Compute& compute) {
  std::optional<WholeJob> whole;
  try {
    whole = work(compute);
  } catch (const Error& error) {
    // Where another process has written the whole, the folders that this one was about to write to are gone.
    if (error.fault() != Fault::unwritable) throw;
    whole = read_whole(folder_);
    if (!whole) throw;
  }
  // Also what this process has put there since another one cleared it away.
  if (whole) clear_away(folder_);
  return whole;
}

std::optional<WholeJob> JobWorker::work(const Compute& compute) {
  update();
  while (true) {
    context_.stop.check();
    if (auto whole = read_whole(folder_)) return whole;
    if (compute_one(compute)) continue;
    update();
    const bool all = std::all_of(states_.begin(), states_.end(), [](const ChunkState& state) { return state.is_done; });
    if (all) {
      if (auto whole = write_whole()) return whole;
    } else if (compute_one(compute)) {
      continue;
    } else if (!options_.waits) {
      return std::nullopt;
    } else {
      pause();
    }
  }
}

// What the listings say may be old: what is known to be done stays so.
void JobWorker::update() {
  const std::vector<ChunkState> seen = look(folder_, states_.size());
  const auto now = Clock::now();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    ChunkState& state = states_[i];
    state.is_done = (state.is_done || seen[i].is_done) && !damaged_[i];
    if (seen[i].generation >= state.generation) {
      state.generation = seen[i].generation;
      state.was_given_back = seen[i].was_given_back;
    }
    if (state.generation != watched_[i].generation) watched_[i] = {state.generation, now};
  }
  tell_progress();
}

bool JobWorker::compute_one(const Compute& compute) {
  std::optional<Claim> claim = claim_open();
  if (!claim) claim = claim_again();
  if (!claim) return false;
  this->compute(*claim, compute);
  return true;
}

// A chunk that nobody has claimed, from the place on where this worker began.
std::optional<Claim> JobWorker::claim_open() {
  for (; begun_ < states_.size(); ++begun_, next_ = (next_ + 1) % states_.size()) {
    ChunkState& state = states_[next_];
    if (state.is_done || state.generation > 0) continue;
    state.generation = 1;
    watched_[next_] = {1, Clock::now()};
    if (auto claim = Claim::take(folder_, next_, 1)) return claim;
  }
  return std::nullopt;
}

// The dead and the slow are one case: a chunk that is open for too long is computed once more.
std::optional<Claim> JobWorker::claim_again() {
  for (std::size_t step = 0; step < states_.size(); ++step) {
    const std::size_t chunk = (next_ + step) % states_.size();
    ChunkState& state = states_[chunk];
    if (state.is_done || !may_be_taken(chunk)) continue;
    ++state.generation;
    state.was_given_back = false;
    watched_[chunk] = {state.generation, Clock::now()};
    if (auto claim = Claim::take(folder_, chunk, state.generation)) return claim;
  }
  return std::nullopt;
}

bool JobWorker::may_be_taken(std::size_t chunk) {
  const ChunkState& state = states_[chunk];
  if (state.generation == 0 || state.was_given_back || damaged_[chunk]) return true;
  if (Clock::now() - watched_[chunk].since > patience(state.generation)) return true;
  return is_of_dead_process(folder_, chunk, state.generation);
}

// The first to wait for a slow worker does its chunk, too, soon. Those after it take long enough that an input that takes long is
// not taken for one that ends its workers (deadly_inputs).
std::chrono::milliseconds JobWorker::patience(std::uint32_t generation) const {
  if (seconds_.empty()) return options_.patience;
  std::vector<double> sorted = seconds_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const auto own = std::chrono::milliseconds(static_cast<std::int64_t>(*middle * 1000 * options_.own_chunks));
  return generation > 1 ? std::max(options_.patience, own) : own;
}

void JobWorker::compute(const Claim& claim, const Compute& compute) {
  const std::size_t chunk = claim.chunk();
  if (!damaged_[chunk] && is_published(place_of(folder_, "parts", chunk))) {  // the listing was old
    states_[chunk].is_done = true;
    return;
  }
  const RemoveWhenKilled mark(place_of(folder_, "claims", chunk).string() + fmt::format(".{}", claim.generation()));
  const std::vector<Input> inputs = inputs_.read(chunk);
  const auto begin = Clock::now();
  try {
    const Computed computed =
        claim.generation() < first_noting_generation ? compute(inputs) : compute_noting(claim, inputs, compute);
    context_.stop.check();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (read_whole(folder_)) return;
    publish_part(folder_, chunk, inputs.size(), computed, seconds);
    seconds_.push_back(seconds);
  } catch (...) {
    const auto time = context_.take_time();
    try {
      claim.give_back();
    } catch (const Error&) {  // a hint: the others see in time that nobody continues
    }
    throw;
  }
  states_[chunk].is_done = true;
  damaged_[chunk] = false;
  tell_progress();
}

// Two workers have not come to the end of this chunk: one of its inputs may be what ends them.
Computed JobWorker::compute_noting(const Claim& claim, std::span<const Input> inputs, const Compute& compute) const {
  const std::vector<std::size_t> deadly = deadly_inputs(folder_, claim.chunk(), claim.generation());
  Computed all = compute({});  // makes ready: a worker that is killed meanwhile has not ended at an input
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    context_.stop.check();
    Input input = inputs[i];
    if (std::find(deadly.begin(), deadly.end(), i) != deadly.end()) {
      input.error = "2 workers ended at it";
    } else {
      claim.note(i);
    }
    all.add(compute(std::span(&input, 1)));
  }
  return all;
}

// Nothing where a part is damaged, which is then computed again, or went while it was read: another process was first.
std::optional<WholeJob> JobWorker::write_whole() {
  WholeJob job;
  NewFile whole(folder_ / name_of_whole);
  std::optional<AtomicFile> output;
  if (!options_.output.empty()) output.emplace(options_.output);
  for (std::size_t chunk = 0; chunk < states_.size(); ++chunk) {
    context_.stop.check();
    std::optional<Part> part;
    try {
      part = read_part(folder_, chunk);
    } catch (const Error& error) {
      std::error_code kept;
      fs::remove(place_of(folder_, "parts", chunk), kept);
      if (kept) throw;  // it could not be made again in its place
      context_.observer.warning(fmt::format("{}; it is made again", error.what()));
      damaged_[chunk] = true;
    }
    if (!part) {
      states_[chunk].is_done = false;
      if (read_whole(folder_)) return std::nullopt;
      damaged_[chunk] = true;
      begun_ = 0;
      return std::nullopt;
    }
    whole.write(part->bytes);
    if (output) output->stream().write(part->bytes.data(), static_cast<std::streamsize>(part->bytes.size()));
    job.inputs += part->end.inputs;
    job.failed += part->end.failed;
    add_seconds(job.seconds, part->end.stages);
    add_part(job.work, part->end);
  }
  // The folder's own is last: who finds it need not look for the others.
  if (output) output->commit();
  publish_numbers(folder_, job);
  whole.publish();
  return job;
}

void JobWorker::pause() const {
  const auto end = Clock::now() + options_.pause;
  while (Clock::now() < end) {
    context_.stop.check();
    std::this_thread::sleep_for(std::min(options_.pause, std::chrono::milliseconds(50)));
  }
}

void JobWorker::tell_progress() const {
  if (!context_.observer.shows_progress()) return;
  const auto done = std::count_if(states_.begin(), states_.end(), [](const ChunkState& state) { return state.is_done; });
  context_.observer.progress(fmt::format("{}/{} chunks", done, states_.size()));
}

}  // namespace resnet::cli
