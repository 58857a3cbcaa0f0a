// What predict answers, written as text, JSON, JSON Lines or CSV: docs/formats/answers.md describes it.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/words.h"
#include "lib/classify/prediction.h"

namespace resnet::answers {

enum class Format { text, jsonl, csv, json };
constexpr auto words_of(Format) {
  return std::to_array<Word<Format>>(
      {{Format::text, "text"}, {Format::jsonl, "jsonl"}, {Format::csv, "csv"}, {Format::json, "json"}});
}

class Writer {
 public:
  // `labels`: the classes' names; a class after the last one has none. `logits`: text has them in place of probabilities.
  Writer(Format format, std::vector<std::string> labels, bool logits = false)
      : format_(format), labels_(std::move(labels)), logits_(logits) {}

  // What comes before all answers and after them: CSV's header, JSON's brackets. Whole lines.
  std::string begin() const;
  std::string end() const;
  // One input's answer, the likeliest class first: its lines, each with its end.
  std::string answer(const std::string& input, std::span<const Prediction> predictions);
  // An input that failed: a line in JSON, nothing elsewhere.
  std::string failure(const std::string& input, const std::string& error);

  const std::vector<std::string>& labels() const { return labels_; }

 private:
  // JSON's comma between two answers. It begins the second one's line, so that a line is whole when it is written and nobody
  // waits for the next answer.
  std::string lead();

  Format format_;
  std::vector<std::string> labels_;
  bool logits_;
  bool is_first_ = true;
};

}  // namespace resnet::answers
