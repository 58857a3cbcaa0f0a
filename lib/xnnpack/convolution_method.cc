#include "lib/xnnpack/convolution_method.h"

#include <algorithm>
#include <vector>

#include "lib/passes/rewrite.h"

namespace resnet::xnnpack {

namespace {

// Winograd's are for filters of 3x3 at stride 1 over enough channels to fill vectors.
bool fits_winograd(const Conv& conv, const Shape& weight) {
  const auto ones = [](const std::vector<std::int64_t>& list) {
    return std::all_of(list.begin(), list.end(), [](std::int64_t n) { return n == 1; });
  };
  return conv.group == 1 && weight[2] == 3 && weight[3] == 3 && ones(conv.strides) && ones(conv.dilations) && weight[0] >= 16 &&
         weight[1] >= 16;
}

}  // namespace

ConvolutionMethods::ConvolutionMethods(const Graph& graph, const Job& job, std::size_t threads)
    : graph_(graph), job_(job), threads_(job.threads > 0 ? job.threads : threads) {
  if (job.input_shapes.size() != graph.inputs().size()) return;
  std::vector<Fact> facts;
  for (std::size_t i = 0; i < job.input_shapes.size(); ++i) {
    facts.push_back(graph.fact(graph.inputs()[i]));
    facts.back().dims = Dims(job.input_shapes[i].dims().begin(), job.input_shapes[i].dims().end());
  }
  const Graph sized = with_input_facts(graph, facts);
  for (std::size_t id = 0; id < sized.nodes().size(); ++id) {
    const Node& node = sized.nodes()[id];
    if (std::holds_alternative<Conv>(node.op)) expected_[static_cast<NodeId>(id)] = node.outputs[0].fact.dims;
  }
}

kernels::Method ConvolutionMethods::of(NodeId id) const {
  using kernels::Method;
  const Node& node = graph_.node(id);
  const Shape& weight = graph_.fact(node.inputs[1]).value->shape();
  if (!fits_winograd(std::get<Conv>(node.op), weight) || job_.convolutions == Convolutions::direct) return Method::direct;
  const auto found = expected_.find(id);
  const std::optional<Dims>& dims = found != expected_.end() ? found->second : graph_.fact({id, 0}).dims;
  const bool winograd = job_.convolutions == Convolutions::winograd;
  if (!dims || !(*dims)[2].is_number() || !(*dims)[3].is_number()) return winograd ? Method::winograd2 : Method::direct;
  return kernels::choose({weight[1], weight[0], (*dims)[2].number(), (*dims)[3].number()}, {job_.batch, job_.images, threads_},
                         winograd);
}

}  // namespace resnet::xnnpack
