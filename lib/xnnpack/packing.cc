#include "lib/xnnpack/packing.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "lib/base/error.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

std::size_t weight_operand(const Op& op) {
  const bool after_scales =
      holds_alternative<QLinearConv>(op) || holds_alternative<QLinearMatMul>(op) || holds_alternative<QGemm>(op);
  return after_scales ? 3 : 1;
}

std::shared_ptr<const Buffer> Packing::given(NodeId id) const {
  const auto found = given_.find(id);
  if (has_fault(PlantedFault::stale_packed_weights) && found != given_.end()) {
    for (const auto& [node, packed] : given_) {
      if (node != id && packed->bytes().size() == found->second->bytes().size()) return packed;
    }
  }
  if (found != given_.end()) return found->second;
  const Node& node = graph_.node(id);
  if (graph_.fact(node.inputs[weight_operand(node.op)]).value->is_released())
    throw Error(Fault::malformed, Frame::node(describe(node)), "its weights are gone, and it is given no packed ones");
  return nullptr;
}

// Layers are packed some at a time, each by one thread; the weights that they come from are held until then.
std::shared_ptr<const Buffer> Packing::pack(NodeId id, std::size_t bytes, std::size_t held, Pack pack) {
  constexpr std::size_t held_bytes = 16 << 20;
  std::shared_ptr<const Buffer> result = given(id);
  if (result && result->bytes().size() != bytes) {
    throw Error(Fault::malformed, Frame::node(describe(graph_.node(id))),
                fmt::format("is given {} bytes of packed weights, expected {}", result->bytes().size(), bytes));
  }
  if (!result) {
    auto packed = Buffer::allocate(bytes);
    result = packed;
    waiting_.push_back([pack = std::move(pack), packed = std::move(packed)] { pack(packed->mutable_bytes().data()); });
    waiting_bytes_ += held;
    if (waiting_bytes_ >= held_bytes) finish();
  }
  release(id);
  return result;
}

void Packing::pack_by_operator(NodeId id, PackedWeights& cache, const std::function<void()>& create) {
  try {
    cache.check_size(create);
    create();
  } catch (Error& error) {
    error.in(Frame::node(describe(graph_.node(id))));
    throw;
  }
  if (cache.is_packed()) release(id);
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

// Frees the weights' data once nothing else will read it. Its facts stay, its bytes may no longer be touched.
void Packing::release(NodeId reader) {
  const Node& node = graph_.node(reader);
  const ValueId id = node.inputs[weight_operand(node.op)];
  Node& source = graph_.node(id.node);
  auto* constant = get_if<Constant>(&source.op);
  if (constant == nullptr || readers_.is_output(id)) return;
  for (const NodeId other : readers_.of(id.node)) {
    if (other != reader) return;
  }
  constant->value = Tensor::released(constant->value.dtype(), constant->value.shape());
  source.outputs[0].fact.value = constant->value;
}

}  // namespace resnet::xnnpack
