#include "lib/base/owner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/interrupt.h"
#include "lib/base/owner_record.h"
#include "lib/base/temporaries.h"

namespace resnet {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

// Writes all of it or says why not.
int write_all(int descriptor, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(descriptor, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    at += static_cast<std::size_t>(n);
  }
  return 0;
}

bool has_no_links(int error) { return error == EPERM || error == ENOTSUP || error == ENOSYS || error == EMLINK; }

}  // namespace

struct Owner::State {
  fs::path file, name;  // FILE and FILE.owner
  OwnerRecord record = OwnerRecord::of_this_process();
  Timing timing;
  int descriptor = -1;  // of FILE.owner, to count in it
  std::optional<RemoveWhenKilled> mark;

  std::atomic<bool> lost = false;
  std::atomic<std::chrono::steady_clock::time_point> last_beat;
  std::mutex mutex;  // of what a beat changes
  std::condition_variable ended;
  bool ends = false;
  std::thread thread;

  ~State() {
    if (descriptor >= 0) close(descriptor);
  }

  [[noreturn]] void fail(int error) const {
    throw Error(ErrorKind::output, name.string() + ": cannot be written: " + std::strerror(error));
  }
  // What whoever takes over from the owner with this token has to make first. Old ones are removed as temporary files are.
  fs::path claim_of(const OwnerRecord& owner) const {
    return name.parent_path() / (".resnet-cli-tmp." + owner.token.substr(0, 16));
  }
  void acquire(const Note& note);
  fs::path write_record();
  bool publish(const fs::path& record_file, const fs::path& as);
  std::vector<OwnerRecord> chain(std::size_t most) const;
  bool take_over(const std::vector<OwnerRecord>& dead, const fs::path& record_file);
  Life watch(const OwnerRecord& owner, const fs::path& at, const Note& note) const;
  void start_beating();
  void beat_on();
  void beat();
  void release() noexcept;
};

// This process's record under a temporary name.
fs::path Owner::State::write_record() {
  const fs::path temporary = name.parent_path() / temporary_name();
  descriptor = open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(errno);
  const RemoveWhenKilled removed(temporary);
  if (const int error = write_all(descriptor, record.to_text()); error != 0 || fsync(descriptor) != 0) {
    const int reason = error != 0 ? error : errno;
    unlink(temporary.c_str());
    fail(reason);
  }
  return temporary;
}

// Whether this process has made the file `as`, which only one can.
bool Owner::State::publish(const fs::path& record_file, const fs::path& as) {
  if (link(record_file.c_str(), as.c_str()) == 0) return true;
  const int error = errno;
  if (has_no_links(error)) {
    int made = open(as.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
    if (made < 0 && errno != EEXIST) fail(errno);
    if (made < 0) return false;
    const int reason = write_all(made, record.to_text());
    if (reason != 0 || fsync(made) != 0) {
      const int why = reason != 0 ? reason : errno;
      unlink(as.c_str());
      close(made);
      fail(why);
    }
    if (as == name) std::swap(descriptor, made);
    close(made);
    return true;
  }
  // A reply that was lost on the way from a server turns success into EEXIST: the file says whose it is.
  const OwnerFile found = read_owner_file(as);
  if (found.record && found.record->token == record.token) return true;
  if (error != EEXIST) fail(error);
  return false;
}

// FILE.owner's record, then the one of whoever claims what that owner has left, and so on: the last one is the owner. Empty where
// there is none. Throws Error(usage) where FILE.owner is no file of ours.
std::vector<OwnerRecord> Owner::State::chain(std::size_t most) const {
  constexpr int tries = 20;  // a file that is made by O_EXCL is empty for a moment
  std::vector<OwnerRecord> found;
  fs::path at = name;
  while (found.size() < most) {
    OwnerFile next = read_owner_file(at);
    for (int i = 0; i < tries && !next.text.empty() && !next.record; ++i) {
      std::this_thread::sleep_for(milliseconds(50));
      throw_if_interrupted();
      next = read_owner_file(at);
    }
    if (next.text.empty()) break;
    if (!next.record) {
      throw Error(ErrorKind::usage,
                  at.string() + ": is no owner file of this program, and is left alone; expected none of that name beside " +
                      file.filename().string());
    }
    found.push_back(*next.record);
    at = claim_of(*next.record);
  }
  return found;
}

// Whoever makes the claim of the last owner while all before it stand unchanged is the only one who may replace FILE.owner: an
// earlier claim is removed only after that, so that who claims late finds another FILE.owner, and gives up.
bool Owner::State::take_over(const std::vector<OwnerRecord>& dead, const fs::path& record_file) {
  const fs::path claim = claim_of(dead.back());
  if (!publish(record_file, claim)) return false;
  const std::vector<OwnerRecord> now = chain(dead.size());
  const bool same = std::equal(dead.begin(), dead.end(), now.begin(), now.end(),
                               [](const OwnerRecord& a, const OwnerRecord& b) { return a.token == b.token; });
  if (!same || rename(record_file.c_str(), name.c_str()) != 0) {
    const int error = errno;
    unlink(claim.c_str());
    if (same) fail(error);
    return false;
  }
  for (const OwnerRecord& owner : dead) unlink(claim_of(owner).c_str());
  return true;
}

Life Owner::State::watch(const OwnerRecord& owner, const fs::path& at, const Note& note) const {
  if (note) {
    note(file.string() + ": " + owner.describe() + " may be working on it; waiting up to " +
         std::to_string(std::chrono::ceil<std::chrono::seconds>(timing.silence).count()) + " s for a sign of it");
  }
  const auto begin = timing.now();
  const std::string before = read_owner_file(at).text;
  while (timing.now() - begin < timing.silence) {
    const milliseconds pause = std::min(timing.beat / 5, milliseconds(500));
    timing.wait ? timing.wait(pause) : std::this_thread::sleep_for(pause);
    throw_if_interrupted();
    const OwnerFile now = read_owner_file(at);
    if (!now.record || now.record->token != owner.token) return Life::unknown;  // somebody else acts: from the beginning
    if (now.text != before) return Life::runs;
  }
  return Life::is_gone;
}

void Owner::State::acquire(const Note& note) {
  constexpr int most_rounds = 1000;
  constexpr std::size_t most_claims = 64;
  const fs::path record_file = write_record();
  struct Remove {
    const fs::path& path;
    ~Remove() { unlink(path.c_str()); }
  } const remove{record_file};
  for (int round = 0; round < most_rounds; ++round) {
    throw_if_interrupted();
    if (publish(record_file, name)) return;
    const std::vector<OwnerRecord> owners = chain(most_claims);
    if (owners.empty()) continue;  // it has just ended
    const OwnerRecord& owner = owners.back();
    Life life = life_of(owner);
    if (life == Life::unknown) {
      life = watch(owner, owners.size() == 1 ? name : claim_of(owners[owners.size() - 2]), note);
      if (life == Life::unknown) continue;
    }
    if (life == Life::runs) {
      throw Error(ErrorKind::usage, file.string() + ": " + owner.describe() + " is working on it (" + name.filename().string() +
                                        " says so); wait until it ends, or name another file");
    }
    if (take_over(owners, record_file)) return;
  }
  throw Error(ErrorKind::output, name.string() + ": cannot be taken over: other processes try so, too");
}

// Signals stay with the threads that wait for them.
void Owner::State::start_beating() {
  last_beat = timing.now();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread = std::thread([this] { beat_on(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Owner::State::beat_on() {
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, timing.beat, [this] { return ends; })) beat();
}

// Counts, where FILE.owner is still this process's. With the mutex held.
void Owner::State::beat() {
  if (lost) return;
  try {
    const OwnerFile found = read_owner_file(name);
    if (found.text.empty()) {  // removed by hand: made again, unless somebody else is faster
      const fs::path record_file = name.parent_path() / temporary_name();
      if (descriptor >= 0) close(descriptor);
      descriptor = open(record_file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
      const bool written = descriptor >= 0 && write_all(descriptor, record.to_text()) == 0;
      if (written) lost = !publish(record_file, name);
      unlink(record_file.c_str());
      if (!written) return;
    } else {
      lost = !found.record || found.record->token != record.token;
    }
  } catch (const Error&) {
    return;  // cannot be read now: the next beat tries again
  }
  if (lost) {
    mark.reset();  // not ours to remove any more
    return;
  }
  ++record.beat;
  const std::string digits = record.beat_text();
  const bool counted = pwrite(descriptor, digits.data(), digits.size(), static_cast<off_t>(record.beat_offset())) ==
                       static_cast<ssize_t>(digits.size());
  if (!counted) return;
  static_cast<void>(fdatasync(descriptor));  // other machines see what has reached the server
  last_beat = timing.now();
}

void Owner::State::release() noexcept {
  {
    const std::lock_guard lock(mutex);
    ends = true;
  }
  ended.notify_all();
  if (thread.joinable()) thread.join();
  try {
    const OwnerFile found = read_owner_file(name);
    if (found.record && found.record->token == record.token) unlink(name.c_str());
  } catch (const Error&) {
    // It stays, and says of a process that has ended.
  }
}

Owner::Owner(const fs::path& file, const Note& note) : Owner(file, note, Timing{}) {}

Owner::Owner(const fs::path& file, const Note& note, const Timing& timing) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.file = file;
  const fs::path target = file_behind_links(file);
  std::error_code ignored;
  const fs::file_status status = fs::status(target, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw Error(ErrorKind::usage, file.string() + (fs::is_directory(status) ? ": is a folder" : ": is not a regular file") +
                                      ", expected a file that one process at a time writes to");
  }
  state.name = target.string() + ".owner";
  state.timing = timing;
  state.acquire(note);
  state.mark.emplace(state.name);
  try {
    state.start_beating();
  } catch (...) {
    state.release();
    throw;
  }
}

Owner::~Owner() { state_->release(); }

void Owner::check() {
  State& state = *state_;
  // It stood still, perhaps for long enough: first it looks whether FILE is still its own.
  if (state.timing.now() - state.last_beat.load() > 2 * state.timing.beat) {
    const std::lock_guard lock(state.mutex);
    state.beat();
  }
  if (state.lost) {
    throw Error(ErrorKind::output, state.file.string() + ": another process has taken it over, because this one stood still; " +
                                       "what it has written until then stays");
  }
}

}  // namespace resnet
