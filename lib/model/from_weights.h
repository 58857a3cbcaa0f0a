// Weights -> Model: the network that a checkpoint's weights are of, filled with them.
#pragma once

#include <optional>

#include "lib/model/model.h"
#include "lib/model/weights.h"

namespace resnet {

// With what a network is filled: the weights' values, or, to be looked at alone, zeros that take no memory; the weights are
// checked all the same.
enum class Fill { values, zeros };

// The network of a state dict under torchvision's, timm's, transformers' or the CIFAR repositories' names. `asked` says which it
// is, as a configuration or a user does; without it names and shapes alone decide, and the model's notes say what was assumed.
// The number of classes is the classifier's; without one the network ends with its features ("features" is its output). Tensors
// are loaded one at a time: those of float32 share their bytes with the file where they lie so in it; float16, bfloat16 and
// float64 are widened or narrowed to it, and what they were made of is let go before the next. Counters (num_batches_tracked) and
// other harmless leftovers are ignored.
//
// The model has its spec, the notes of `weights` and, of the CIFAR repositories, their preprocessing.
//
// Throws Error(malformed) that lists (shortened) what is missing, what is left over, and what has another shape or type: "the
// weights do not fit resnet50: 1 is missing: 'fc.bias'; 1 has another shape: 'fc.weight' is 10x512, expected 10x2048".
Model from_weights(Weights weights, const std::optional<arch::Spec>& asked = std::nullopt, Fill fill = Fill::values);

}  // namespace resnet
