// What predict answers, as text, JSON lines or CSV.
#pragma once

#include <span>
#include <string>

#include "lib/classify/classifier.h"

namespace resnet::cli {

enum class PredictionFormat { text, jsonl, csv };

// What stands in front of all answers: CSV's header.
std::string format_header(PredictionFormat format);
// One input's answer, the likeliest class first: its lines, each with its end. A class behind the last label has none. `logits`:
// text tells them in place of probabilities.
std::string format_answer(PredictionFormat format, const std::string& input, std::span<const Prediction> predictions,
                          std::span<const std::string> labels, bool logits);
// An input that failed: a line in JSON, nothing elsewhere.
std::string format_failure(PredictionFormat format, const std::string& input, const std::string& error);

}  // namespace resnet::cli
