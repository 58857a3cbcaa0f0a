#include "lib/xnnpack/emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

namespace {

// The Transpose that brings bytes from one order into another.
Transpose between(const Order& from, const Order& to) {
  Transpose op;
  for (const std::size_t axis : to) {
    op.perm.push_back(std::find(from.begin(), from.end(), axis) - from.begin());
  }
  return op;
}

// XNNPACK's, by the size of an element.
struct TransposeOperator {
  xnn_status (*create)(std::uint32_t flags, xnn_operator_t* op);
  xnn_status (*reshape)(xnn_operator_t op, std::size_t rank, const std::size_t* shape, const std::size_t* perm,
                        pthreadpool_t pool);
  xnn_status (*setup)(xnn_operator_t op, const void* x, void* y);
};
const TransposeOperator* transpose_of(std::size_t element_bytes) {
  static constexpr TransposeOperator x8 = {xnn_create_transpose_nd_x8, xnn_reshape_transpose_nd_x8, xnn_setup_transpose_nd_x8},
                                     x16 = {xnn_create_transpose_nd_x16, xnn_reshape_transpose_nd_x16,
                                            xnn_setup_transpose_nd_x16},
                                     x32 = {xnn_create_transpose_nd_x32, xnn_reshape_transpose_nd_x32,
                                            xnn_setup_transpose_nd_x32};
  switch (element_bytes) {
    case 1: return &x8;
    case 2: return &x16;
    case 4: return &x32;
  }
  return nullptr;
}

}  // namespace

Order canonical_order(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

Order channels_last(std::size_t rank) {
  Order order = canonical_order(rank);
  std::rotate(order.begin() + 1, order.begin() + 2, order.end());
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

Shape physical(const Shape& shape, const Order& order) {
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(shape[axis]);
  return Shape(std::move(dims));
}

void Emitter::emit(const Step& step, Operator& kept) {
  call_ = {step.node(), step.kind(), step.method()};
  kept_ = &kept;
  if (!step.takes_empty() && has_empty_operand()) return emit_empty(step);
  step.emit(*this);
}

bool Emitter::has_empty_operand() {
  for (ValueId input : node().inputs) {
    if (!input.is_none() && shape(input).elements() == 0) return true;
  }
  return shape({call_.node, 0}).elements() == 0;
}

// Nothing to compute, or a result that is the same for all: lib/reference says which, but has no weights that are packed.
void Emitter::emit_empty(const Step& step) {
  if (!step.weights() && !step.has_absorbed()) return add_reference();
  const Shape& output = shape(step.output());
  if (output.elements() > 0) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("its input is {}, which is empty, and its output is not ({})", shape(node().inputs[0]).to_string(),
                            output.to_string()));
  }
  produce(step.output(), canonical_order(output.rank()));
}

const Shape& Emitter::shape(ValueId id) {
  const auto found = shapes_.find(id);
  if (found != shapes_.end()) return found->second;
  const auto known = graph_.fact(id).shape();
  if (!known)
    throw Error(Fault::mismatch, Frame::node(describe(graph_.node(id.node))),
                "the shape of its output depends on the values of an input")
        .in(Frame::file(Role::input));
  return shapes_.emplace(id, *known).first->second;
}

std::size_t Emitter::bytes(ValueId id) {
  const auto size = checked_multiply(elements(id), size_of(dtype(id)));
  if (size) return *size;
  throw Error(Fault::exhausted,
              fmt::format("a {} tensor of {} does not fit into memory", name_of(dtype(id)), shape(id).to_string()));
}

std::vector<std::int64_t> Emitter::integers(std::size_t operand) const {
  const std::vector<ValueId>& inputs = node().inputs;
  if (operand >= inputs.size() || inputs[operand].is_none()) return {};
  return constant(inputs[operand])->values_as<std::int64_t>();
}

int Emitter::allocate(std::size_t size) {
  emitted_.sizes.push_back(size);
  return static_cast<int>(emitted_.sizes.size()) - 1;
}

int Emitter::allocate_floats(const std::vector<std::int64_t>& dims) {
  std::optional<std::size_t> size = sizeof(float);
  for (const std::int64_t dim : dims) {
    if (size) size = checked_multiply(*size, static_cast<std::size_t>(dim));
  }
  if (!size) throw Error(Fault::exhausted, "the memory that it needs beside its result does not fit into 64 bits");
  return allocate(*size);
}

int Emitter::hold(Tensor tensor) {
  const int buffer = allocate(0);
  emitted_.constant_of.emplace(buffer, emitted_.constants.size());
  emitted_.constants.push_back(std::move(tensor));
  return buffer;
}

const Place& Emitter::home(ValueId id) {
  const auto found = homes_.find(id);
  if (found != homes_.end()) return found->second;
  const auto& value = constant(id);
  if (!value) throw Error(Fault::internal, fmt::format("{} is read before it is made", describe(graph_.node(id.node))));
  // A copy, for XNNPACK reads past the end of what it is given.
  Tensor copy = Tensor::allocate(value->dtype(), value->shape());
  std::copy(value->bytes().begin(), value->bytes().end(), copy.mutable_bytes().begin());
  return homes_.emplace(id, Place{hold(std::move(copy)), canonical_order(value->shape().rank())}).first->second;
}

int Emitter::moved_constant(const Tensor& constant, const Shape& source, const Op& op, const Shape& target) {
  // Where a view was made of it, it has another shape.
  const Tensor seen = constant.reshaped(source);
  const Tensor* input = &seen;
  Tensor moved = Tensor::allocate(constant.dtype(), target);
  reference::evaluate(op, std::span(&input, 1), std::span(&moved, 1));
  return hold(std::move(moved));
}

int Emitter::demand(ValueId id, const Order& order) {
  const Place from = home(id);
  if (same_bytes(shape(id), from.order, order)) return from.buffer;
  const auto key = std::pair(id, order);
  if (const auto found = copies_.find(key); found != copies_.end()) return found->second;
  const Transpose op = has_fault(PlantedFault::permutation_inverted) ? between(order, from.order) : between(from.order, order);
  const Shape source = physical(shape(id), from.order), target = physical(shape(id), order);
  if (const auto held = emitted_.constant_of.find(from.buffer); held != emitted_.constant_of.end()) {
    const int buffer = moved_constant(emitted_.constants[held->second], source, op, target);
    copies_.emplace(key, buffer);
    return buffer;
  }
  const int buffer = allocate(bytes(id));
  // Reports have it beside the node whose result is moved.
  const Call outer = std::exchange(call_, {id.node, "transpose", {}});
  const TransposeOperator* transpose = transpose_of(size_of(dtype(id)));
  if (transpose != nullptr && source.rank() <= 6 && source.elements() > 0) {
    xnn_operator_t created = nullptr;
    check(transpose->create(0, &created), "xnn_create_transpose_nd");
    SharedOperator handle = own(created);
    const std::vector<std::size_t> dims(source.dims().begin(), source.dims().end()), perm(op.perm.begin(), op.perm.end());
    check(transpose->reshape(created, dims.size(), dims.data(), perm.data(), pool_.native()), "xnn_reshape_transpose_nd");
    add_operator(std::move(handle), {{from.buffer}, {buffer}}, [transpose](xnn_operator_t o, Addresses at) {
      check(transpose->setup(o, at[0], at[1]), "xnn_setup_transpose_nd");
    });
  } else {
    add_reference(op, {{.buffer = from.buffer, .dtype = dtype(id), .shape = source}},
                  {{.buffer = buffer, .dtype = dtype(id), .shape = target}});
  }
  call_ = outer;
  copies_.emplace(key, buffer);
  return buffer;
}

int Emitter::produce(ValueId id, Order order) {
  const int buffer = allocate(bytes(id));
  place(id, {buffer, std::move(order)});
  return buffer;
}

Emitter::SharedOperator Emitter::keep(const std::function<Operator()>& create) {
  if (!*kept_) *kept_ = create();
  return {SharedOperator(), kept_->get()};  // the session owns it
}

void Emitter::add_operator(SharedOperator op, Access access, Setup setup, Loop after) {
  pthreadpool* pool = pool_.native();
  const std::string label = describe(node());
  auto addresses = std::make_shared<std::vector<std::byte*>>();
  const auto bind = [op, setup, label, addresses](Addresses given) {
    addresses->assign(given.begin(), given.end());
    try {
      setup(op.get(), given);
    } catch (Error& error) {
      error.in(Frame::node(label));
      throw;
    }
  };
  auto run = [op, pool] { check(xnn_run_operator(op.get(), pool), "xnn_run_operator"); };
  if (!after.body) return add({call_.node, call_.kind, std::move(access), bind, run});
  add({call_.node, call_.kind, std::move(access), bind, [run, addresses, loop = made(std::move(after))] {
         run();
         loop(*addresses);
       }});
}

void Emitter::add_call(Access access, std::function<void(Addresses)> body) {
  auto addresses = std::make_shared<std::vector<std::byte*>>();
  add({call_.node, call_.kind, std::move(access), [addresses](Addresses given) { addresses->assign(given.begin(), given.end()); },
       [addresses, body = std::move(body)] { body(*addresses); }, call_.method});
}

std::function<void(Addresses)> Emitter::made(Loop loop) {
  struct Bound {
    Addresses addresses;
    std::function<void(std::size_t, std::size_t)> loop;
  };
  auto bound = std::make_shared<Bound>();
  bound->loop = [bound = bound.get(), body = std::move(loop.body)](std::size_t begin, std::size_t end) {
    body(bound->addresses, begin, has_fault(PlantedFault::part_cut_short) && begin > 0 ? end - 1 : end);
  };
  return [bound, pool = &pool_, count = loop.count, grain = loop.grain](Addresses addresses) {
    bound->addresses = addresses;
    pool->parallel_for(count, grain, bound->loop);
  };
}

void Emitter::add_loop(Access access, std::size_t count, std::size_t grain, LoopBody body) {
  add_call(std::move(access), made({count, grain, std::move(body)}));
}

Emitter::Operand Emitter::operand(ValueId id, const Order& order) {
  if (id.is_none()) return {.left_out = true};
  if (const auto& value = constant(id); value && order == canonical_order(order.size())) {
    return {.value = value, .dtype = value->dtype(), .shape = value->shape()};
  }
  return {.buffer = demand(id, order), .dtype = dtype(id), .shape = physical(shape(id), order)};
}

Emitter::Operand Emitter::result(ValueId id, const Order& order) {
  return {.buffer = produce(id, order), .dtype = dtype(id), .shape = physical(shape(id), order)};
}

void Emitter::add_reference(Op op, std::vector<Operand> inputs, std::vector<Operand> outputs) {
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
  const std::string label = describe(node());
  add({call_.node, call_.kind, std::move(access),
       [bound, inputs, outputs, in_memory](Addresses addresses) {
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

void Emitter::add_reference() {
  std::vector<Operand> inputs, outputs;
  for (ValueId input : node().inputs)
    inputs.push_back(operand(input, input.is_none() ? Order{} : canonical_order(shape(input).rank())));
  for (std::size_t slot = 0; slot < node().outputs.size(); ++slot) {
    const ValueId id{call_.node, static_cast<std::int32_t>(slot)};
    outputs.push_back(result(id, canonical_order(shape(id).rank())));
  }
  add_reference(node().op, std::move(inputs), std::move(outputs));
}

}  // namespace resnet::xnnpack
