// Files of JSON lines as predict writes them, read back: bounded, whatever they hold.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

namespace resnet::answers {

// Whose answer a line is, and whether it failed.
struct AnswerLine {
  std::string input;   // as JSON has it, with U+FFFD where the path is not UTF-8
  std::string base64;  // of the path, where it is not UTF-8
  bool failed = false;

  bool is_of(const std::string& path) const;
  // Of one of the images of a file that holds several: "path[2]".
  bool is_part_of(const std::string& path) const;
  // The path's bytes in a word that is unique: what a Tally counts.
  const std::string& key() const { return base64.empty() ? input : base64; }
};
// A whole line without its end; nothing where predict does not write such a one.
std::optional<AnswerLine> parse_answer_line(const std::string& line);
// Whether `text` may be the beginning of the answer for this path, or for one of its images.
bool begins_answer_of(const std::string& text, const std::string& path);

// Lines that begin as predict's do, one after the other; a file of anything else is not read any further than it takes to see
// that.
class LineReader {
 public:
  // Throws Error(invalid) where the file exists but is not a regular file or cannot be opened.
  explicit LineReader(const std::string& file);

  bool is_there() const { return is_there_; }
  // False at the end. `line` is without its end; one that is not ours is cut short, see is_foreign().
  bool next(std::string& line);
  bool has_end() const { return has_end_; }  // the line ended; else it is the file's last and incomplete
  bool is_foreign() const { return is_foreign_; }
  std::uintmax_t begin() const { return begin_; }  // of the line, in bytes
  std::uintmax_t end() const { return end_; }      // after it and its end
  std::size_t number() const { return number_; }   // of the line, from 1

 private:
  std::ifstream stream_;
  bool is_there_ = false, has_end_ = false, is_foreign_ = false;
  std::uintmax_t begin_ = 0, end_ = 0;
  std::size_t number_ = 0;
};

}  // namespace resnet::answers
