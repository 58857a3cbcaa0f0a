#include "lib/train/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "lib/base/error.h"
#include "lib/train/loops.h"

namespace resnet::train {

Arena::Block& Arena::add_block(std::size_t bytes) {
  constexpr std::size_t alignment = 64;
  // A little more than asked for: blocked kernels may read what lies past the last element.
  auto* pointer = static_cast<std::byte*>(::operator new (bytes + 256, std::align_val_t{alignment}));
  return blocks_.emplace_back(
      Block{{pointer, [](std::byte* p) { ::operator delete (p, std::align_val_t{alignment}); }}, bytes, false});
}

Arena::Lease Arena::lease(std::size_t bytes) {
  Block* best = nullptr;
  for (Block& block : blocks_) {
    // A block that is far too large waits for what fits it.
    if (block.is_free && block.size >= bytes && block.size / 4 <= bytes && (best == nullptr || block.size < best->size))
      best = &block;
  }
  if (best == nullptr) best = &add_block(bytes);
  best->is_free = false;
  return {best->memory.get(), [best, owner = best->memory](std::byte*) { best->is_free = true; }};
}

std::byte* Arena::keep(std::size_t bytes) { return add_block(bytes).memory.get(); }

std::size_t Arena::bytes() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.size;
  return sum;
}

void Planner::give(Value& value, const memory::desc& desc) {
  Gradient leased = lease(desc);
  value.data = std::move(leased.data);
  value.lease = std::move(leased.lease);
}

Gradient Planner::lease(const memory::desc& desc) {
  Arena::Lease bytes = arena.lease(desc.get_size());
  return {memory(desc, engine, bytes.get()), bytes};
}

memory Planner::add_gradient(Value& value) { return value.gradients.emplace_back(lease(value.data.get_desc())).data; }

memory Planner::keep(const memory::desc& desc) { return memory(desc, engine, arena.keep(desc.get_size())); }

void Planner::place(Weights& weights, const memory::desc& desc) {
  weights.values = keep(desc);
  memory source(plain(dims_of(weights.initial.shape())), engine, const_cast<float*>(weights.initial.data<float>().data()));
  // A layer may see the same floats under another shape (grouped convolutions).
  memory shaped = desc.dims() == source.get_desc().dims() ? source : memory(plain(desc.dims()), engine, floats(source));
  copy(shaped, weights.values);
  if (!weights.is_trained) return;
  weights.gradient = keep(desc);
  weights.velocity = keep(desc);
  std::memset(weights.gradient.get_data_handle(), 0, desc.get_size());
  std::memset(weights.velocity.get_data_handle(), 0, desc.get_size());
}

Reorder::Reorder(Planner& planner, const memory& from, const memory::desc& to, Arena::Lease& lease) : to_(from) {
  if (from.get_desc() == to) return;
  Gradient leased = planner.lease(to);
  lease = std::move(leased.lease);
  *this = Reorder(from, leased.data);
}

Reorder::Reorder(const memory& from, const memory& to)
    : to_(to), call_(Call{dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}}) {}

Gradient IncomingGradient::plan(Planner& planner, Value& value, bool masked) {
  std::vector<Gradient> parts = std::exchange(value.gradients, {});
  if (parts.empty()) throw Error(Fault::internal, fmt::format("value '{}' has no gradient", value.name));
  if (parts.size() == 1 && !masked) return std::move(parts.front());
  Gradient sum = planner.lease(value.data.get_desc());
  for (const Gradient& part : parts) parts_.push_back(floats(part.data));
  mask_ = masked ? floats(value.data) : nullptr;
  sum_ = floats(sum.data);
  count_ = floats_in(value.data);
  return sum;
}

void IncomingGradient::run() const {
  if (count_ > 0) add_up(parts_, mask_, sum_, count_);
}

Layout::Layout(const memory::desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  if (desc.data.format_kind != dnnl_blocked || desc.data.ndims != 4 || blocking.inner_nblks > 1 ||
      (blocking.inner_nblks == 1 && blocking.inner_idxs[0] != 1)) {
    throw Error(Fault::internal, "an activation has a layout that is not foreseen");
  }
  if (blocking.inner_nblks == 1) block = blocking.inner_blks[0];
  for (int i = 0; i < 4; ++i) {
    dims[i] = desc.data.dims[i];
    strides[i] = blocking.strides[i];
  }
}

memory::desc like(const memory::desc& desc, const memory::dims& dims) {
  const Layout layout(desc);
  const auto tag = layout.block == 16                                              ? memory::format_tag::nChw16c
                   : layout.block == 8                                             ? memory::format_tag::nChw8c
                   : layout.block == 4                                             ? memory::format_tag::nChw4c
                   : layout.strides[1] == 1 && layout.dims[2] * layout.dims[3] > 1 ? memory::format_tag::nhwc
                                                                                   : memory::format_tag::nchw;
  return {dims, memory::data_type::f32, tag};
}

memory::desc plain(const memory::dims& dims) {
  memory::dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return {dims, memory::data_type::f32, strides};
}

memory::dims dims_of(const Shape& shape) { return {shape.dims().begin(), shape.dims().end()}; }

}  // namespace resnet::train
