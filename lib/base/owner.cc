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
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/owner_record.h"
#include "lib/base/remove_when_killed.h"
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
  fs::path temporary;   // of the record until it is published; empty: it has no name until then
  OwnerRecord record = OwnerRecord::of_this_process();
  Timing timing;
  Stop stop;
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
    throw Error(Fault::unwritable, Frame::file(Role::output, name.string()),
                std::string("cannot be written: ") + std::strerror(error));
  }
  // What whoever takes over from the owner with this token has to make first. Old ones are removed as temporary files are.
  fs::path claim_of(const OwnerRecord& owner) const {
    return name.parent_path() / (".resnet-cli-tmp." + owner.token.substr(0, 16));
  }
  void acquire(const Note& note);
  void write_record();
  void remove_temporary() noexcept;
  bool publish(const fs::path& as);
  bool publish_without_links(const fs::path& as);
  std::vector<OwnerRecord> chain(std::size_t most) const;
  bool take_over(const std::vector<OwnerRecord>& dead);
  Life watch(const OwnerRecord& owner, const fs::path& at, const Note& note) const;
  void start_beating();
  void beat_on();
  void beat();
  void release() noexcept;
};

// This process's record, in a file that has no name yet: a process that is killed then leaves nothing.
void Owner::State::write_record() {
  remove_temporary();
  if (descriptor >= 0) close(descriptor);
  const fs::path folder = name.has_parent_path() ? name.parent_path() : fs::path(".");
  const bool has_proc = access("/proc/self/fd", X_OK) == 0;
  descriptor = has_proc ? open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644) : -1;
  const bool unnamed = descriptor >= 0;
  if (!unnamed) {
    temporary = name.parent_path() / temporary_name();
    descriptor = open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
    if (descriptor < 0) {
      const int error = errno;
      temporary.clear();  // it may be somebody else's
      fail(error);
    }
  }
  int error = write_all(descriptor, record.to_text());
  if (error == 0 && !unnamed && fsync(descriptor) != 0) error = errno;  // other machines see what has reached the server
  if (error == 0) return;
  remove_temporary();
  fail(error);
}

void Owner::State::remove_temporary() noexcept {
  if (!temporary.empty()) unlink(temporary.c_str());
  temporary.clear();
}

// Whether this process has made the file `as`, which only one can.
bool Owner::State::publish(const fs::path& as) {
  if (!timing.links) return publish_without_links(as);
  const std::string from = temporary.empty() ? "/proc/self/fd/" + std::to_string(descriptor) : temporary.string();
  if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, as.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  const int error = errno;
  // Where no links are, or none to a file without a name.
  if (has_no_links(error) || (temporary.empty() && error != EEXIST)) return publish_without_links(as);
  // A reply that was lost on the way from a server turns success into EEXIST: the file says whose it is.
  const OwnerFile found = read_owner_file(as);
  if (found.record && found.record->token == record.token) return true;
  if (error != EEXIST) fail(error);
  return false;
}

bool Owner::State::publish_without_links(const fs::path& as) {
  const int made = open(as.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
  if (made < 0 && errno != EEXIST) fail(errno);
  if (made < 0) return false;
  int error = write_all(made, record.to_text());
  if (error == 0 && fsync(made) != 0) error = errno;
  if (error != 0) {
    unlink(as.c_str());
    close(made);
    fail(error);
  }
  close(std::exchange(descriptor, made));
  return true;
}

// FILE.owner's record, then the one of whoever claims what that owner has left, and so on: the last one is the owner. Empty where
// there is none. Throws Error(invalid) where FILE.owner is not a file of ours.
std::vector<OwnerRecord> Owner::State::chain(std::size_t most) const {
  constexpr int tries = 20;  // a file that is made by O_EXCL is empty for a moment
  std::vector<OwnerRecord> found;
  fs::path at = name;
  while (found.size() < most) {
    OwnerFile next = read_owner_file(at);
    for (int i = 0; i < tries && !next.text.empty() && !next.record; ++i) {
      std::this_thread::sleep_for(milliseconds(50));
      stop.check();
      next = read_owner_file(at);
    }
    if (next.text.empty()) break;
    if (!next.record) {
      throw Error(Fault::invalid, Frame::file(Role::output, at.string()),
                  "is not an owner file of this program, and is left alone; expected no file of that name beside " +
                      file.filename().string());
    }
    found.push_back(*next.record);
    at = claim_of(*next.record);
  }
  return found;
}

// Whoever makes the claim of the last owner while all before it stand unchanged is the only one who may replace FILE.owner: an
// earlier claim is removed only after that, so that who claims late finds another FILE.owner, and gives up.
bool Owner::State::take_over(const std::vector<OwnerRecord>& dead) {
  const fs::path claim = claim_of(dead.back());
  if (!publish(claim)) return false;
  const std::vector<OwnerRecord> now = chain(dead.size());
  const bool same = std::equal(dead.begin(), dead.end(), now.begin(), now.end(),
                               [](const OwnerRecord& a, const OwnerRecord& b) { return a.token == b.token; });
  if (!same || rename(claim.c_str(), name.c_str()) != 0) {
    const int error = errno;
    unlink(claim.c_str());
    if (same) fail(error);
    write_record();  // what has had a name and lost it cannot have another
    return false;
  }
  for (const OwnerRecord& owner : std::span(dead).first(dead.size() - 1)) unlink(claim_of(owner).c_str());
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
    stop.check();
    const OwnerFile now = read_owner_file(at);
    if (!now.record || now.record->token != owner.token) return Life::unknown;  // somebody else acts: from the beginning
    if (now.text != before) return Life::runs;
  }
  return Life::is_gone;
}

void Owner::State::acquire(const Note& note) {
  constexpr int most_rounds = 1000;
  constexpr std::size_t most_claims = 64;
  write_record();
  struct Remove {
    State& state;
    ~Remove() { state.remove_temporary(); }
  } const remove{*this};
  for (int round = 0; round < most_rounds; ++round) {
    stop.check();
    if (publish(name)) return;
    const std::vector<OwnerRecord> owners = chain(most_claims);
    if (owners.empty()) continue;  // it has just ended
    const OwnerRecord& owner = owners.back();
    Life life = life_of(owner);
    if (life == Life::unknown) {
      life = watch(owner, owners.size() == 1 ? name : claim_of(owners[owners.size() - 2]), note);
      if (life == Life::unknown) continue;
    }
    if (life == Life::runs) {
      throw Error(Fault::invalid, Frame::file(Role::output, file.string()),
                  owner.describe() + " is working on it (" + name.filename().string() +
                      " says so); wait until it ends, or name another file");
    }
    if (take_over(owners)) return;
  }
  throw Error(Fault::unwritable, Frame::file(Role::output, name.string()), "cannot be taken over: other processes try so, too");
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
      write_record();
      lost = !publish(name);
      remove_temporary();
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

Owner::Owner(const fs::path& file, const Note& note, const Stop& stop) : Owner(file, note, Timing{}, stop) {}

Owner::Owner(const fs::path& file, const Note& note, const Timing& timing, const Stop& stop) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.file = file;
  const fs::path target = file_behind_links(file);
  std::error_code ignored;
  const fs::file_status status = fs::status(target, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw Error(Fault::invalid, Frame::file(Role::output, file.string()),
                std::string(fs::is_directory(status) ? "is a folder" : "is not a regular file") +
                    ", expected a file that one process at a time writes to");
  }
  state.name = target.string() + ".owner";
  state.timing = timing;
  state.stop = stop;
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
    throw Error(Fault::unwritable, Frame::file(Role::output, state.file.string()),
                "another process has taken it over, because this one stood still; "
                "what it has written until then stays");
  }
}

}  // namespace resnet
