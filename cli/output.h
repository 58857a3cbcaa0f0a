// Where data goes: stdout, or a file that appears whole or not at all.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/files.h"
#include "lib/base/owner.h"

namespace resnet::cli {

// Thrown where the reader of stdout has gone away (`| head`): main ends with success.
struct BrokenPipe {};

class Output {
 public:
  // An empty name or "-" is stdout. Throws Error(unwritable) where the file's folder cannot be written, before any work is done,
  // and what Owner throws where another process works on the file.
  explicit Output(const std::string& file);
  // A file that grows as answers come, from its first `keep` bytes on: what it holds stays where the program is killed. Where
  // another program replaces, removes or changes it meanwhile, flush() throws Error(unwritable).
  static Output append(const std::string& file, std::uintmax_t keep) { return Output(file, keep); }

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
  // Flushes, and gives the file its name.
  void commit();

  // Whether people read it as it comes.
  bool is_terminal() const;

 private:
  Output(const std::string& file, std::uintmax_t keep);
  void check_grown_file() const;

  std::string name_;
  std::optional<AtomicFile> file_;
  std::optional<std::ofstream> appended_;
  // Of the file that grows: which it is, and its bytes; nothing for what is no regular file.
  struct Grown {
    std::uint64_t device, inode;
    std::uintmax_t size;
  };
  std::optional<Grown> grown_;
  std::unique_ptr<Owner> owner_;  // where FILE.owner says that a process works on it, or has worked
  std::string pending_;
  std::function<void()> guard_;
};

// "text", "json", "csv" or "md": what is asked for, else by the ending of the output's name, else text.
std::string choose_table_format(const std::string& asked, const std::string& output);

}  // namespace resnet::cli
