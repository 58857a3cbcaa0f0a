// Softmax cross-entropy: how wrong logits are, and which way they are less so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace resnet::train {

struct BatchLoss {
  double loss = 0;          // the sum over the images
  std::size_t correct = 0;  // images whose highest logit is the right class's; of equal ones the first counts
};

// `logits`: truths.size() x classes. With label smoothing e ('Rethinking the Inception Architecture', Szegedy et al. 2015) the
// right class is to have 1 - e + e / classes, every other one e / classes. `gradient`, where it is not empty, gets the mean
// loss's derivative by every logit. The loss is not finite where a logit is not.
BatchLoss cross_entropy(std::span<const float> logits, std::span<const std::int64_t> truths, double label_smoothing,
                        std::span<float> gradient);

}  // namespace resnet::train
