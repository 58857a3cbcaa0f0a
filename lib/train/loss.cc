#include "lib/train/loss.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace resnet::train {

BatchLoss cross_entropy(std::span<const float> logits, std::span<const std::int64_t> truths, double label_smoothing,
                        std::span<float> gradient) {
  BatchLoss result;
  if (truths.empty()) return result;
  const std::size_t classes = logits.size() / truths.size();
  assert(gradient.empty() || gradient.size() == logits.size());
  const double others = label_smoothing / static_cast<double>(classes), right = 1 - label_smoothing + others;
  const auto count = static_cast<double>(truths.size());
  for (std::size_t n = 0; n < truths.size(); ++n) {
    const std::span<const float> row = logits.subspan(n * classes, classes);
    const auto truth = static_cast<std::size_t>(truths[n]);
    const auto best = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    result.correct += best == truth ? 1 : 0;
    const auto highest = static_cast<double>(row[best]);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit) - highest);
    const double log_sum = highest + std::log(sum);
    for (std::size_t c = 0; c < classes; ++c) {
      const double log_probability = static_cast<double>(row[c]) - log_sum, target = c == truth ? right : others;
      if (target != 0) result.loss -= target * log_probability;
      if (!gradient.empty()) gradient[n * classes + c] = static_cast<float>((std::exp(log_probability) - target) / count);
    }
  }
  return result;
}

}  // namespace resnet::train
