// The inputs of a job, listed once: FOLDER/inputs has the paths, FOLDER/inputs.at where each chunk begins, so that a worker reads
// no more than its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/job/new_file.h"

namespace resnet::cli {

// The inputs of a chunk where nobody asks for another number: at most 10,000 chunks, whole batches of `batch`.
std::size_t default_chunk(std::size_t inputs, std::size_t batch);

// An entry of a list that says a number and then something else, as "207 dog.jpg" does.
struct Numbered {
  std::int64_t number = 0;
  std::string text;  // perhaps empty

  std::string to_text() const;
};
// Nothing for other text.
std::optional<Numbered> parse_numbered(const std::string& text);

// The list before it has its name: nothing is left where the job cannot begin.
class InputListDraft {
 public:
  // Throws Error(unwritable), as everything here does.
  explicit InputListDraft(const std::filesystem::path& folder);

  // The next input.
  void add(const Input& input);
  std::size_t inputs() const { return count_; }
  // `chunk`: 0 for default_chunk. False where another process has published a list of other inputs; an equal one is as good.
  bool publish(std::size_t chunk, std::size_t batch);

 private:
  void write(const std::string& text);

  std::filesystem::path list_, places_;
  NewFile file_;
  std::size_t count_ = 0;
  std::uint64_t hash_ = 0;
};

class InputList {
 public:
  struct Size {
    std::size_t inputs = 0, chunk = 1;
    friend bool operator==(const Size&, const Size&) = default;
  };
  // What is there. Throws Error(unreadable) where it is damaged, or not of the size that is known from elsewhere.
  explicit InputList(const std::filesystem::path& folder, const std::optional<Size>& expected = std::nullopt);
  ~InputList();
  InputList(const InputList&) = delete;
  InputList& operator=(const InputList&) = delete;

  std::size_t inputs() const { return inputs_; }
  std::size_t chunk() const { return chunk_; }
  std::size_t chunks() const { return offsets_.size() - 1; }
  // Inputs [chunk() * index, ...). Throws Error(unreadable).
  std::vector<Input> read(std::size_t index) const;

 private:
  std::filesystem::path file_;
  std::size_t inputs_ = 0, chunk_ = 1;
  std::vector<std::uint64_t> offsets_;  // of each chunk in bytes, and of the end
  int descriptor_ = -1;
};

}  // namespace resnet::cli
