#include "lib/xnnpack/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "lib/base/error.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/weighted.h"
#include "lib/xnnpack/operands.h"

namespace resnet::xnnpack {

namespace {

Tensor scaled_by(float factor, const Tensor& tensor) {
  Tensor scaled = Tensor::allocate(DType::float32, tensor.shape());
  for (std::int64_t i = 0; i < scaled.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    scaled.mutable_data<float>()[at] = factor * tensor.data<float>()[at];
  }
  return scaled;
}

// Gemm's C, times beta, for each output.
Tensor bias_of(const Gemm& gemm, const Tensor& c, std::int64_t outputs) {
  const auto values = c.values_as<float>();
  Tensor bias = Tensor::allocate(DType::float32, Shape{outputs});
  for (std::size_t i = 0; i < static_cast<std::size_t>(outputs); ++i) {
    bias.mutable_data<float>()[i] = gemm.beta * values[values.size() == 1 ? 0 : i];
  }
  return bias;
}

}  // namespace

void Packing::convolution(Step& step, kernels::Method method) {
  const Node& node = graph_.node(step.node);
  const Operands operands(graph_, node);
  const Tensor& weight = *operands.fact(1).value;
  step.has_bias = operands.has(2) && !has_fault(PlantedFault::bias_lost);
  if (step.has_bias) step.bias = *operands.fact(2).value;
  const auto& conv = std::get<Conv>(node.op);
  step.method = method;
  if (step.method != kernels::Method::direct) {
    const kernels::WinogradFilter filter = winograd_filter_of(step.method, weight.shape());
    by_kernels(step, weight, kernels::packed_size(filter), [filter](const Tensor& w, const float* b, float* packed) {
      kernels::pack_winograd(filter, convolution_weight(w).data<float>().data(), b, packed);
    });
    return;
  }
  if (fits_kernels(conv, weight.shape())) {
    const kernels::Filter filter = filter_of(conv, weight.shape());
    by_kernels(step, weight, kernels::packed_size(filter), [filter](const Tensor& w, const float* b, float* packed) {
      kernels::pack_filter(filter, convolution_weight(w).data<float>().data(), b, packed);
    });
    return;
  }
  if (!given(step)) step.weight = convolution_weight(weight);
  if (has_fault(PlantedFault::group_shifted) && conv.group > 1 && step.weight.elements() > 0) {
    const auto data = step.weight.mutable_data<float>();
    std::rotate(data.begin(), data.begin() + step.weight.elements() / weight.shape()[0], data.end());
  }
  by_xnnpack(step, create_convolution);
}

void Packing::product(Step& step) {
  const Node& node = graph_.node(step.node);
  const Operands operands(graph_, node);
  step.weight = *operands.fact(1).value;
  const auto* gemm = std::get_if<Gemm>(&node.op);
  if (gemm != nullptr && gemm->alpha != 1.0f && !given(step) && !has_fault(PlantedFault::alpha_lost)) {
    step.weight = scaled_by(gemm->alpha, step.weight);
  }
  if (gemm != nullptr && operands.has(2)) {
    step.bias = bias_of(*gemm, *operands.fact(2).value, step.weight.shape()[gemm->transB ? 0 : 1]);
    step.has_bias = true;
  }
  const kernels::Filter filter = filter_of_product(graph_, node);
  if (!fits_kernels(filter)) return by_xnnpack(step, create_product);
  by_kernels(step, std::exchange(step.weight, Tensor()), kernels::packed_size(filter),
             [filter, transposed = !rows_are_outputs(node)](const Tensor& w, const float* b, float* packed) {
               kernels::pack_filter(filter, (transposed ? transpose(w) : w).data<float>().data(), b, packed);
             });
}

void Packing::normalization(Step& step) {
  const Node& node = graph_.node(step.node);
  const auto& norm = std::get<BatchNormalization>(node.op);
  const auto values = [&](std::size_t index) { return Operands(graph_, node).fact(index).value->values_as<double>(); };
  const auto scale = values(1), shift = values(2), mean = values(3), variance = values(4);
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const double factor = scale[c] / std::sqrt(variance[c] + static_cast<double>(norm.epsilon));
    step.scale.push_back(static_cast<float>(factor));
    step.shift.push_back(static_cast<float>(shift[c] - mean[c] * factor));
  }
}

void Packing::finish() {
  std::vector<std::exception_ptr> failures(waiting_.size());  // no memory: not to be thrown in the pool's threads
  pool_.parallel_for(waiting_.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      try {
        std::exchange(waiting_[i], nullptr)();
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

// The packed weights that the step is given, or null.
std::shared_ptr<const Buffer> Packing::given(const Step& step) const {
  const auto found = given_.find(step.node);
  for (const auto& [node, packed] : given_) {
    const bool other = has_fault(PlantedFault::stale_packed_weights) && found != given_.end() && node != step.node;
    if (other && packed->bytes().size() == found->second->bytes().size()) return packed;
  }
  if (found != given_.end()) return found->second;
  const Node& node = graph_.node(step.node);
  if (graph_.fact(node.inputs[1]).value->is_released())
    throw Error(Fault::malformed, Frame::node(describe(node)), "its weights are gone, and it is given no packed ones");
  return nullptr;
}

void Packing::by_kernels(Step& step, const Tensor& weight, std::size_t floats, Pack pack) {
  const std::size_t size = floats * sizeof(float);
  step.filter = given(step);
  if (step.filter && step.filter->bytes().size() != size) {
    throw Error(Fault::malformed, Frame::node(describe(graph_.node(step.node))),
                fmt::format("is given {} bytes of packed weights, expected {}", step.filter->bytes().size(), size));
  }
  if (!step.filter) {
    auto packed = Buffer::allocate(size);
    step.filter = packed;
    later(step, weight, std::move(packed), std::move(pack));
  }
  step.bias = Tensor();
  release(graph_.node(step.node).inputs[1], step.node);
}

void Packing::by_xnnpack(Step& step, Operator (*create)(const Graph&, const Step&)) {
  step.packed = std::make_unique<PackedWeights>(given(step));
  try {
    step.packed->check_size([&] { create(graph_, step); });
    create(graph_, step);
  } catch (Error& error) {
    error.in(Frame::node(describe(graph_.node(step.node))));
    throw;
  }
  if (!step.packed->is_packed()) return;
  step.weight = Tensor();
  step.bias = Tensor();
  release(graph_.node(step.node).inputs[1], step.node);
}

// Layers are packed some at a time, each by one thread; the weights that they come from are held until then.
void Packing::later(const Step& step, const Tensor& weight, std::shared_ptr<Buffer> packed, Pack pack) {
  constexpr std::size_t held_bytes = 16 << 20;
  waiting_.push_back([pack = std::move(pack), weight, bias = step.has_bias ? step.bias : Tensor(), packed = std::move(packed)] {
    pack(weight, bias.elements() > 0 ? bias.data<float>().data() : nullptr,
         reinterpret_cast<float*>(packed->mutable_bytes().data()));
  });
  waiting_bytes_ += weight.size_bytes();
  if (waiting_bytes_ >= held_bytes) finish();
}

// Frees a constant's data once nothing else will read it. Its facts stay, its bytes may no longer be touched.
void Packing::release(ValueId id, NodeId reader) {
  Node& source = graph_.node(id.node);
  auto* constant = std::get_if<Constant>(&source.op);
  if (constant == nullptr || readers_.is_output(id)) return;
  for (const NodeId other : readers_.of(id.node)) {
    if (other != reader) return;
  }
  constant->value = Tensor::released(constant->value.dtype(), constant->value.shape());
  source.outputs[0].fact.value = constant->value;
}

}  // namespace resnet::xnnpack
