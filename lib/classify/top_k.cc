#include "lib/classify/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace resnet {

std::vector<std::int64_t> top_k(std::span<const float> scores, std::size_t k) {
  std::vector<std::int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto best = order.begin() + static_cast<std::ptrdiff_t>(std::min(k, scores.size()));
  std::partial_sort(order.begin(), best, order.end(), [&scores](std::int64_t a, std::int64_t b) {
    const float left = scores[static_cast<std::size_t>(a)], right = scores[static_cast<std::size_t>(b)];
    if (std::isnan(left) != std::isnan(right)) return std::isnan(right);
    if (!std::isnan(left) && left != right) return left > right;
    return a < b;
  });
  order.erase(best, order.end());
  return order;
}

std::vector<double> softmax(std::span<const float> scores) {
  std::vector<double> result(scores.size());
  if (scores.empty()) return result;
  const float largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    // The difference of two infinities would be no number.
    result[i] = std::isinf(largest) && scores[i] == largest
                    ? 1.0
                    : std::exp(static_cast<double>(scores[i]) - static_cast<double>(largest));
    sum += result[i];
  }
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace resnet
