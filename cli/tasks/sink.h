// Where a task's bytes go: a file that appears whole or not at all, one that grows, or what the caller makes of them.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/tasks/task.h"
#include "lib/base/files.h"
#include "lib/base/owner.h"

namespace resnet::cli {

// Thrown where the reader of a pipe has gone away (`| head`): the program ends with success.
struct BrokenPipe {};

class Sink {
 public:
  virtual ~Sink() = default;

  // Kept until flush().
  void write(std::string_view bytes) { pending_ += bytes; }
  void write(std::string&& bytes) {
    if (pending_.empty()) {
      pending_ = std::move(bytes);
    } else {
      pending_ += bytes;
    }
  }
  // Called before bytes are written, whatever it throws keeps them from being so.
  void set_guard(std::function<void()> guard) { guard_ = std::move(guard); }
  // Throws Error(unwritable), or BrokenPipe.
  void flush();
  // Flushes; a file gets its name.
  virtual void commit() { flush(); }
  // Whether people read it as it comes.
  virtual bool is_terminal() const { return false; }

 protected:
  virtual void send(std::string_view bytes) = 0;

 private:
  std::string pending_;
  std::function<void()> guard_;
};

class FileSink : public Sink {
 public:
  // Throws Error(unwritable) where the file's folder cannot be written, before any work is done, and what Owner throws where
  // another process works on the file.
  explicit FileSink(const std::string& file, const Stop& stop = {});
  // A file that grows as answers come, from its first `keep` bytes on: what it holds stays where the program is killed. Where
  // another program replaces, removes or changes it meanwhile, flush() throws Error(unwritable).
  FileSink(const std::string& file, std::uintmax_t keep);

  void commit() override;
  // Past what is kept.
  void send(std::string_view bytes) override;

 private:
  void check_grown_file() const;

  std::string name_;
  std::optional<AtomicFile> file_;
  std::optional<std::ofstream> appended_;
  // Of the file that grows: which it is, and its bytes; nothing for what is not a regular file.
  struct Grown {
    std::uint64_t device, inode;
    std::uintmax_t size;
  };
  std::optional<Grown> grown_;
  std::unique_ptr<Owner> owner_;  // where FILE.owner says that a process works on it, or has worked
};

}  // namespace resnet::cli
