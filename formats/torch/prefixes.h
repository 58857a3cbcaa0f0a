// What wrappers put before the names of a network's weights.
#pragma once

#include <string>
#include <string_view>

#include "lib/model/weights.h"

namespace resnet::torch {

// Left over in many checkpoints, and no part of the network: counters of batches, profilers' totals, auxiliary classifiers,
// losses, MoCo's queue.
bool is_leftover(std::string_view name);

// Takes off what all weights of the trunk have before their names: "module.", "_orig_mod.", "model.", "module.encoder_q.", ... A
// head beside the trunk keeps its name. Of two networks of the same names (MoCo's encoder_q and encoder_k) one stays, and a note
// says which. Returns what was taken off.
std::string take_off_prefixes(Weights& weights);

}  // namespace resnet::torch
