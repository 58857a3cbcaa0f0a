// The first and the last line of a part: what `predict --shard` writes around its answers, and what their inputs sum up to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace resnet::answers {

// What convolutions are chosen by. It is kept where a run is resumed with other threads: the answers are to have the same bits.
struct JobSize {
  std::size_t batch = 1, threads = 1, images = 0;
  friend bool operator==(const JobSize&, const JobSize&) = default;
};
// {"batch":1,"threads":2,"images":3}
std::string to_json(const JobSize& size);
// Of an object that has these and perhaps others. Throws Error(invalid), without the file's name: "is damaged: ...".
JobSize job_size_from_json(const std::string& json);

// Inputs [first, first + count) of all `inputs`: part `index` of `of`, from 1.
struct Shard {
  std::size_t index = 1, of = 1, first = 0, count = 0, inputs = 0;
  std::string list;  // the digest of all inputs' paths, in their order
  friend bool operator==(const Shard&, const Shard&) = default;
};

// The first line of a part, which is not an answer: which part it is, and everything that decides its answers.
struct PartHeader {
  Shard shard;
  JobSize size;
  std::string identity;  // a JSON object, which only its owner reads
};
std::string first_line(const PartHeader& header);
// Nothing for another line. Throws Error(invalid), without the file's name, for one of another version.
std::optional<PartHeader> parse_first_line(const std::string& line);
// Whether `text`, half a line, is the beginning of the first line of this part.
bool begins_first_line(const std::string& text, const Shard& shard);

// How many answers a part has, and of what: the sum of the hashes of their inputs, which is the same in any order.
struct Tally {
  std::size_t answers = 0;
  std::uint64_t sum = 0;
  void add(const std::string& input);  // tally_key() of it
  friend bool operator==(const Tally&, const Tally&) = default;
};
// What a Tally counts for the answer of this input.
std::string tally_key(const std::string& input);

// The last line of a part, which is not an answer either.
struct PartEnd {
  std::size_t index = 1, of = 1;
  Tally tally;
  friend bool operator==(const PartEnd&, const PartEnd&) = default;
};
std::string last_line(const PartEnd& end);
std::optional<PartEnd> parse_last_line(const std::string& line);
// Whether `text`, half a line, may be the beginning of a last line.
bool begins_last_line(const std::string& text);

}  // namespace resnet::answers
