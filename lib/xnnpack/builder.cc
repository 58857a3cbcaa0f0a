#include "lib/xnnpack/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

namespace {

Shape physical(const Shape& shape, const Order& order) {
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(shape[axis]);
  return Shape(std::move(dims));
}

// The Transpose that brings bytes from one order into another.
Transpose between(const Order& from, const Order& to) {
  Transpose op;
  for (const std::size_t axis : to) {
    op.perm.push_back(std::find(from.begin(), from.end(), axis) - from.begin());
  }
  return op;
}

}  // namespace

Order canonical_order(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

bool same_bytes(const Shape& shape, const Order& a, const Order& b) {
  std::size_t i = 0, j = 0;
  while (true) {
    while (i < a.size() && shape[a[i]] == 1) ++i;
    while (j < b.size() && shape[b[j]] == 1) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (a[i++] != b[j++]) return false;
  }
}

Builder::Builder(const Plan& plan, const Graph& graph, ThreadPool& pool, std::vector<Operator>& kept)
    : plan_(plan), graph_(graph), pool_(pool), kept_(kept) {}

const Shape& Builder::shape(ValueId id) {
  const auto found = shapes_.find(id);
  if (found != shapes_.end()) return found->second;
  const auto known = graph_.fact(id).shape();
  if (!known)
    throw Error(Fault::mismatch, Frame::node(describe(graph_.node(id.node))),
                "the shape of its output depends on the values of an input")
        .in(Frame::file(Role::input));
  return shapes_.emplace(id, *known).first->second;
}

std::size_t Builder::bytes(ValueId id) {
  const DType dtype = graph_.fact(id).dtype.value_or(DType::float32);
  return Tensor(dtype, shape(id), Buffer::view({static_cast<const std::byte*>(nullptr), SIZE_MAX}, nullptr)).size_bytes();
}

int Builder::allocate(std::size_t size) {
  sizes.push_back(size);
  return static_cast<int>(sizes.size()) - 1;
}

int Builder::hold(Tensor tensor) {
  const int buffer = allocate(0);
  constant_of.emplace(buffer, constants.size());
  constants.push_back(std::move(tensor));
  return buffer;
}

const Place& Builder::home(ValueId id) {
  const auto found = homes_.find(id);
  if (found != homes_.end()) return found->second;
  const auto& value = constant(id);
  if (!value) throw Error(Fault::internal, fmt::format("{} is read before it is made", describe(graph_.node(id.node))));
  // A copy, for XNNPACK reads past the end of what it is given.
  Tensor copy = Tensor::allocate(value->dtype(), value->shape());
  std::copy(value->bytes().begin(), value->bytes().end(), copy.mutable_bytes().begin());
  return homes_.emplace(id, Place{hold(std::move(copy)), canonical_order(value->shape().rank())}).first->second;
}

int Builder::demand(ValueId id, const Order& order) {
  const Place from = home(id);
  if (same_bytes(shape(id), from.order, order)) return from.buffer;
  const auto key = std::pair(id, order);
  if (const auto found = copies_.find(key); found != copies_.end()) return found->second;
  const Transpose op = has_fault(PlantedFault::permutation_inverted) ? between(order, from.order) : between(from.order, order);
  const Shape source = physical(shape(id), from.order), target = physical(shape(id), order);
  const DType dtype = graph_.fact(id).dtype.value_or(DType::float32);
  if (const auto held = constant_of.find(from.buffer); held != constant_of.end()) {
    // Where a view was made of it, it has another shape.
    const Tensor seen = constants[held->second].reshaped(source);
    const Tensor* input = &seen;
    Tensor moved = Tensor::allocate(dtype, target);
    reference::evaluate(op, std::span(&input, 1), std::span(&moved, 1));
    const int buffer = hold(std::move(moved));
    copies_.emplace(key, buffer);
    return buffer;
  }
  const int buffer = allocate(bytes(id));
  Step step;
  step.node = id.node;
  step.kind = Kind::transpose;
  if (size_of(dtype) == 4 && source.rank() <= 6 && source.elements() > 0) {
    xnn_operator_t created = nullptr;
    check(xnn_create_transpose_nd_x32(0, &created), "xnn_create_transpose_nd_x32");
    const xnn_operator_t handle = own(Operator(created));
    const std::vector<std::size_t> dims(source.dims().begin(), source.dims().end()), perm(op.perm.begin(), op.perm.end());
    check(xnn_reshape_transpose_nd_x32(handle, dims.size(), dims.data(), perm.data(), pool_.native()),
          "xnn_reshape_transpose_nd_x32");
    add_operator(step, handle, {{from.buffer}, {buffer}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
      check(xnn_setup_transpose_nd_x32(o, at[0], at[1]), "xnn_setup_transpose_nd_x32");
    });
  } else {
    add_reference(step, op, {{from.buffer, std::nullopt, dtype, source, false}}, {{buffer, std::nullopt, dtype, target, false}});
  }
  copies_.emplace(key, buffer);
  return buffer;
}

int Builder::produce(ValueId id, Order order) {
  const int buffer = allocate(bytes(id));
  place(id, {buffer, std::move(order)});
  return buffer;
}

void Builder::add(Running step) { running.push_back(std::move(step)); }

xnn_operator_t Builder::own(Operator op) {
  owned_.emplace_back(op.release(), DeleteOperator{});
  return owned_.back().get();
}

void Builder::add_operator(const Step& step, xnn_operator_t op, Access access, Setup setup) {
  // What this builder made lives as long as the closure; weighted operators are kept by the session.
  std::shared_ptr<xnn_operator> owner;
  for (const auto& candidate : owned_) {
    if (candidate.get() == op) owner = candidate;
  }
  pthreadpool* pool = pool_.native();
  const std::string label = describe(plan_.graph().node(step.node));
  add({step.node, name_of(step.kind), std::move(access),
       [op, owner, setup, label](std::span<std::byte* const> addresses) {
         try {
           setup(op, addresses);
         } catch (Error& error) {
           error.in(Frame::node(label));
           throw;
         }
       },
       [op, owner, pool] { check(xnn_run_operator(op, pool), "xnn_run_operator"); }});
}

void Builder::add_reference(const Step& step, Op op, std::vector<Operand> inputs, std::vector<Operand> outputs) {
  struct Bound {
    Op op;
    std::vector<Tensor> inputs, outputs;
    std::vector<const Tensor*> pointers;
  };
  auto bound = std::make_shared<Bound>();
  bound->op = std::move(op);
  Access access;
  const auto in_memory = [](const Operand& operand) { return !operand.value && !operand.left_out; };
  for (const Operand& input : inputs) {
    if (in_memory(input)) access.reads.push_back(input.buffer);
  }
  for (const Operand& output : outputs) access.writes.push_back(output.buffer);
  const std::string label = describe(plan_.graph().node(step.node));
  add({step.node, name_of(step.kind), std::move(access),
       [bound, inputs, outputs, in_memory](std::span<std::byte* const> addresses) {
         std::size_t next = 0;
         const auto tensor = [&](const Operand& operand) {
           if (!in_memory(operand)) return operand.value.value_or(Tensor());
           const Shape& s = operand.shape;
           const auto size = static_cast<std::size_t>(s.elements()) * size_of(operand.dtype);
           return Tensor::over(operand.dtype, s, {addresses[next++], size});
         };
         bound->inputs.clear();
         bound->outputs.clear();
         bound->pointers.clear();
         for (const Operand& input : inputs) bound->inputs.push_back(tensor(input));
         for (const Operand& output : outputs) bound->outputs.push_back(tensor(output));
         for (std::size_t i = 0; i < inputs.size(); ++i)
           bound->pointers.push_back(inputs[i].left_out ? nullptr : &bound->inputs[i]);
       },
       [bound, label] {
         try {
           reference::evaluate(bound->op, bound->pointers, bound->outputs);
         } catch (Error& error) {
           error.in(Frame::node(label));
           throw;
         }
       }});
}

Builder::Operand Builder::operand(ValueId id, const Order& order) {
  if (id.is_none()) return {.left_out = true};
  if (const auto& value = constant(id); value && order == canonical_order(order.size())) {
    return {.value = value, .dtype = value->dtype(), .shape = value->shape()};
  }
  return {
      .buffer = demand(id, order), .dtype = graph_.fact(id).dtype.value_or(DType::float32), .shape = physical(shape(id), order)};
}

void Builder::add_kernel(const Step& step, Access access, std::function<void(std::span<float* const>)> body) {
  auto addresses = std::make_shared<std::vector<float*>>();
  add({step.node, name_of(step.kind), std::move(access),
       [addresses](std::span<std::byte* const> given) {
         addresses->clear();
         for (std::byte* address : given) addresses->push_back(reinterpret_cast<float*>(address));
       },
       [addresses, body = std::move(body)] { body(*addresses); }, method_of(step)});
}

void Builder::add_loop(const Step& step, Access access, std::size_t count, std::size_t grain,
                       std::function<void(std::span<float* const>, std::size_t, std::size_t)> body) {
  struct Bound {
    std::span<float* const> addresses;
    std::function<void(std::size_t, std::size_t)> loop;
  };
  auto bound = std::make_shared<Bound>();
  bound->loop = [bound = bound.get(), body = std::move(body)](std::size_t begin, std::size_t end) {
    body(bound->addresses, begin, has_fault(PlantedFault::part_cut_short) && begin > 0 ? end - 1 : end);
  };
  add_kernel(step, std::move(access), [bound, pool = &pool_, count, grain](std::span<float* const> addresses) {
    bound->addresses = addresses;
    pool->parallel_for(count, grain, bound->loop);
  });
}

void Builder::build() {
  const auto& layouts = plan_.state().input_layouts;
  for (std::size_t i = 0; i < graph_.inputs().size(); ++i) {
    const ValueId input = graph_.inputs()[i];
    const Order order = layouts[i] == Layout::nhwc ? nhwc_order() : canonical_order(shape(input).rank());
    input_buffers.push_back(produce(input, order));
  }
  for (std::size_t index = 0; index < plan_.state().steps.size(); ++index) {
    const Step& step = plan_.state().steps[index];
    try {
      build_step(step, index);
    } catch (Error& error) {
      error.in(Frame::node(describe(graph_.node(step.node))));
      throw;
    }
  }
  for (ValueId output : graph_.outputs()) {
    const Order order = canonical_order(shape(output).rank());
    output_places.push_back({demand(output, order), order});
  }
}

// What planted faults forget: that a step reads the copy made just before it, what was there before that copy, or the row-padded
// image made before that.
void Builder::forget_reads(Usage& usage) const {
  for (std::size_t i = 1; i < usage.steps.size(); ++i) {
    const auto is_copy = [&](std::size_t step) { return std::string_view(running[step].kind) == name_of(Kind::transpose); };
    if (!is_copy(i - 1)) continue;
    const int copy = usage.steps[i - 1].writes.front();
    const bool is_padded = i > 1 && running[i].node == running[i - 2].node;
    std::erase_if(usage.steps[i].reads, [&](int buffer) {
      if (has_fault(PlantedFault::copy_dies)) return buffer == copy;
      if (has_fault(PlantedFault::operand_dies)) return buffer != copy;
      return is_padded && buffer == usage.steps[i - 2].writes.front();
    });
  }
}

Usage Builder::usage() const {
  Usage usage{.sizes = sizes, .inputs = input_buffers};
  for (const Running& step : running) usage.steps.push_back(step.access);
  if (has_fault(PlantedFault::copy_dies) || has_fault(PlantedFault::operand_dies) || has_fault(PlantedFault::padded_image_dies))
    forget_reads(usage);
  for (const Place& output : output_places) usage.outputs.push_back(output.buffer);
  for (const auto& [buffer, constant] : constant_of) usage.constants.push_back(buffer);
  return usage;
}

bool Builder::has_empty_operand(const Step& step) {
  const Node& node = graph_.node(step.node);
  for (ValueId input : node.inputs) {
    if (!input.is_none() && shape(input).elements() == 0) return true;
  }
  return shape({step.node, 0}).elements() == 0;
}

void Builder::build_step(const Step& step, std::size_t index) {
  if (step.kind != Kind::view && step.kind != Kind::transpose && has_empty_operand(step)) {
    // Nothing to compute, or a result that is the same for all: lib/reference says which, but has no weights that are packed.
    const bool plain = !step.packed && !step.filter && step.output.node == step.node;
    if (plain) return fallback(step);
    if (shape(step.output).elements() > 0) {
      throw Error(Fault::mismatch, Frame::file(Role::input),
                  fmt::format("its input is {}, which is empty, and its output is not ({})",
                              shape(graph_.node(step.node).inputs[0]).to_string(), shape(step.output).to_string()));
    }
    produce(step.output, canonical_order(shape(step.output).rank()));
    return;
  }
  switch (step.kind) {
    case Kind::convolution: return convolution(step, index);
    case Kind::product: return product(step, index);
    case Kind::max_pool:
    case Kind::average_pool: return pool(step);
    case Kind::mean: return mean(step);
    case Kind::add: return add_residual(step);
    case Kind::binary: return binary(step);
    case Kind::normalization: return normalization(step);
    case Kind::clamp: return clamp(step);
    case Kind::sigmoid: return sigmoid(step);
    case Kind::softmax: return softmax(step);
    case Kind::view: return view(step);
    case Kind::transpose: return transpose(step);
    case Kind::slice: return slice(step);
    case Kind::pad: return pad(step);
    case Kind::concat: return concat(step);
    case Kind::elementwise: return elementwise(step);
    case Kind::fallback: return fallback(step);
  }
}

void Builder::fallback(const Step& step) {
  const Node& node = graph_.node(step.node);
  std::vector<Operand> inputs, outputs;
  for (ValueId input : node.inputs)
    inputs.push_back(operand(input, input.is_none() ? Order{} : canonical_order(shape(input).rank())));
  for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
    const ValueId id{step.node, static_cast<std::int32_t>(slot)};
    const int buffer = produce(id, canonical_order(shape(id).rank()));
    outputs.push_back({.buffer = buffer, .dtype = node.outputs[slot].fact.dtype.value_or(DType::float32), .shape = shape(id)});
  }
  add_reference(step, node.op, std::move(inputs), std::move(outputs));
}

}  // namespace resnet::xnnpack
