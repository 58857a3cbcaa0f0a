// A network as exporters write it, made one that takes images and gives scores: what a graph asks of its caller besides is done
// in the graph.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/graph/graph.h"

namespace resnet {

// The same network with an input that find_image_input() takes and one output, its scores.
//
// Input: one without a rank, with one symbol for several dims or with a symbol for its channels becomes NxCxHxW, C as the first
// convolution has it; a single image CxHxW or HxWxC gets a batch of 1; float16, bfloat16 and double are fed from float32, int32
// and int64 from the levels of uint8.
//
// Output: of several the one that find_score_output() would take, but none that another one is computed from (features beside
// logits); where a network decides itself (ArgMax, TopK at its end), what it decides by.
// `output_name`: of the value that is meant in its place, an output or any other.
//
// What fits already stays as it is. Throws Error(unsupported) where several outputs could be the scores and have different
// numbers of classes, Error(invalid) where nothing is called `output_name`.
Graph as_classifier(const Graph& graph, std::string_view output_name = "");

// The same for an output that need not be scores: two outputs, first all numbers of an image in a row as float, Nxnumbers, which
// stand where scores would, then the output as it is. Nothing is taken off its end. Throws as as_classifier().
Graph as_extractor(const Graph& graph, std::string_view output_name = "");

// What the output of a graph is where it does not score classes: "features: the average of the last maps". Nothing where
// they may be scores. Told by the operators that make them.
std::optional<std::string> what_but_scores(const Graph& graph);

}  // namespace resnet
