// What predict answers, as text, JSON, JSON lines or CSV.
#pragma once

#include <span>
#include <string>

#include "lib/classify/classifier.h"

namespace resnet::cli {

enum class PredictionFormat { text, jsonl, csv, json };

// Before and after all answers: CSV's header, JSON's brackets. Whole lines.
std::string format_header(PredictionFormat format);
std::string format_footer(PredictionFormat format);
// Before each answer, and each failure that is written: JSON's comma. It begins the line, so that a line is whole when it is
// written and nobody waits for the next answer.
std::string format_lead(PredictionFormat format, bool first);
// One input's answer, the likeliest class first: its lines, each with its end. A class behind the last label has none. `logits`:
// text tells them in place of probabilities.
std::string format_answer(PredictionFormat format, const std::string& input, std::span<const Prediction> predictions,
                          std::span<const std::string> labels, bool logits);
// An input that failed: a line in JSON, nothing elsewhere.
std::string format_failure(PredictionFormat format, const std::string& input, const std::string& error);

}  // namespace resnet::cli
