// How far two results are from each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"

namespace resnet {

// Within: |a - b| <= absolute + relative * |b|, or at most `of_scale` of the largest |b|, or one unit in the last place that the
// largest |b| has in the coarser of the two element types, where that has 16 bits: so far apart are equal sums, rounded twice.
struct Tolerance {
  double absolute = 1e-4, relative = 1e-4, of_scale = 0;
};

// The distance from |value| to the next larger number of the type: 2^-10 for 1 in float16. 0 for float32 and every type that
// is finer, and for integers.
double last_place(DType dtype, double value);

// What a result may be off by, as a share of its largest number, where it is computed from or in numbers of this type: four units
// in the last place of 16 bits (networks of 20 to 152 layers were off by one to two); 0 for the others.
double rounding_of_scale(DType dtype);

// The coarsest floating-point type that the graph computes in (not: in which its weights are stored).
DType coarsest_type(const Graph& graph);

struct TensorDifference {
  std::string problem;                       // why they cannot be compared: shapes, element types; empty where they can
  double largest = 0, mean = 0, median = 0;  // of |a - b|; two NaNs are equal, one is infinitely far
  double scale = 0;                          // the largest |b|
  double last_place = 0;                     // of the coarser element type at `scale`; 0 where that is float32 or finer
  std::int64_t elements = 0, outside = 0;    // of the tolerance
  double decibels = 0;                       // signal to noise where b is the signal; infinite where there is no difference
  std::int64_t rows = 0, same_best = 0;      // of a matrix of scores: how often the largest entry of a row is the same one
  bool within() const { return problem.empty() && outside == 0; }
};
TensorDifference difference_of(const Tensor& a, const Tensor& b, const Tolerance& tolerance);

// Inputs that fit the graph: floats standard normal, integers 0 to 255, from `seed`. The first dim is `batch` where it is a
// symbol; other symbols are 224. Throws Error(unsupported) where an input's rank or type is not known.
std::vector<Tensor> random_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed);

// Runs it once; `optimize` off computes node by node. Throws Error(unsupported) also as analysis::refuse_growth() does.
std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs, ThreadPool& pool, bool optimize = true);

// How many of these inputs' images, along an open first axis, are run at once: as many as keep activations within 256 MiB, and
// at least one; one where the graph takes no more.
std::int64_t images_at_once(const Graph& graph, const std::vector<Tensor>& inputs);
// The multiply-adds of one run on these inputs. Throws Error where they depend on the data.
std::int64_t macs_of(const Graph& graph, const std::vector<Tensor>& inputs);
// `count` entries along the first axis, from `begin` on.
Tensor rows_of(const Tensor& tensor, std::int64_t begin, std::int64_t count);
// In another type of floats, rounded.
Tensor converted(const Tensor& tensor, DType dtype);
// Of another type of floats where the graph wants that: the same network in 16 bits, beside the one in 32.
std::vector<Tensor> inputs_for(const Graph& graph, std::vector<Tensor> inputs);

// What lib/reference says, which has nothing in common with the executor.
struct Reference {
  std::vector<Tensor> inputs, outputs;
};
// Of the first of `inputs`' images: as many as take at most `macs` multiply-adds together (an element of any other operator
// counts as ten) and 256 MiB at once, or all where the batch is fixed. Nothing where that is not one.
std::optional<Reference> reference_of(const Graph& graph, const std::vector<Tensor>& inputs, std::int64_t macs);
// A few seconds of one processor.
constexpr std::int64_t reference_macs = 6'000'000'000;

// The graph with these values as its outputs.
Graph with_outputs(const Graph& graph, const std::vector<std::string>& names);

}  // namespace resnet
