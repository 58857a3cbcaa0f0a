// Elementwise operators as chains, with a Cast or a DequantizeLinear before them and a QuantizeLinear after them; and what else
// lib/reference does element by element.
#include "lib/xnnpack/lower/elementwise.h"

#include <array>
#include <iterator>
#include <utility>

#include "lib/reference/reference.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/functions.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/quantization.h"

namespace resnet::xnnpack {

namespace {

using Links = std::vector<PlannedLink>;

constexpr std::size_t most_operands = 16;  // of a chain

// A constant as if it had these axes, in this order.
Tensor ordered(const Tensor& constant, const std::vector<std::int64_t>& dims, const Order& order) {
  const Tensor expanded = constant.reshaped(Shape(dims));
  const Tensor* pointer = &expanded;
  Transpose op;
  op.perm.assign(order.begin(), order.end());
  return reference::evaluate(op, std::span(&pointer, 1), 1)[0];
}

// A node's functions, and those of the nodes after it, in one pass over the data.
class ChainStep final : public Step {
 public:
  ChainStep(Links links, const Site& site)
      : Step(site),
        from_(*element_of(site.fact(0).dtype)),
        to_(*element_of(site.dtype())),
        source_(site.node().inputs[0]),
        wants_(layout_of_photo(site.fact(0))),
        links_(std::move(links)) {}
  std::string_view kind() const override { return "elementwise"; }
  Layout wants() const override { return wants_; }
  bool absorb(const Site& reader, std::size_t operand) override;
  void emit(Emitter& emitter) const override;

 private:
  static Order order_of(Emitter& emitter, const std::vector<ValueId>& operands, std::size_t rank);
  // The values of the graph that it reads: the source, then the links' operands.
  std::vector<ValueId> operands() const;

  kernels::Element from_, to_;
  ValueId source_;
  Layout wants_;
  Links links_;
};

bool ChainStep::absorb(const Site& reader, std::size_t operand) {
  const auto quantizing = operand == 0 ? quantizing_links(reader) : std::nullopt;
  const auto links = quantizing ? quantizing : links_of(reader, operand);
  const auto &own = reader.graph().fact(output()).dims, &dims = reader.node().outputs[0].fact.dims;
  if (to_ != kernels::Element::float32 || !links || !own || own != dims || links_.size() + links->size() >= most_operands)
    return false;
  if (quantizing) to_ = *element_of(reader.dtype());
  for (const PlannedLink& planned : *links) {
    const bool lost = has_fault(PlantedFault::function_lost) && !quantizing;
    if (lost || (!links_.empty() && take_bounds(links_.back().link, planned.link))) continue;
    links_.push_back(planned);
  }
  return true;
}

std::vector<ValueId> ChainStep::operands() const {
  std::vector<ValueId> operands = {source_};
  for (const PlannedLink& planned : links_) {
    if (!planned.operand.is_none()) operands.push_back(planned.operand);
  }
  return operands;
}

// The order of the largest operand of full rank that is not constant, so that an image stays where it is beside a vector of its
// channels. An operand of lower rank that is computed lies in the graph's order, which decides where the other one would move it.
Order ChainStep::order_of(Emitter& e, const std::vector<ValueId>& operands, std::size_t rank) {
  Order order = canonical_order(rank);
  std::size_t most = 0;
  for (ValueId operand : operands) {
    if (e.constant(operand) || e.shape(operand).rank() < rank || e.elements(operand) <= most) continue;
    order = e.home(operand).order;
    most = e.elements(operand);
  }
  for (ValueId operand : operands) {
    if (e.constant(operand) || e.shape(operand).rank() == rank) continue;
    if (!same_bytes(Shape(full_dims(e.shape(operand), rank)), canonical_order(rank), order)) return canonical_order(rank);
  }
  return order;
}

int demand(Emitter& e, const Tensor& constant, const Order& order) {
  return e.hold(ordered(constant, full_dims(constant.shape(), order.size()), order));
}

// The operand's buffer, with its axes in this order.
int demand(Emitter& e, ValueId operand, const Order& order) {
  const Shape& shape = e.shape(operand);
  if (shape.rank() == order.size()) return e.demand(operand, order);
  if (const auto& value = e.constant(operand)) return demand(e, *value, order);
  return e.demand(operand, canonical_order(shape.rank()));
}

// How an operand moves along the result's axes.
kernels::Axes axes_of(const Shape& operand, const Shape& result, const Order& order) {
  const std::vector<std::int64_t> full = full_dims(operand, order.size());
  kernels::Axes axes(order.size());
  std::size_t step = 1;
  for (std::size_t k = order.size(); k-- > 0;) {
    const auto size = static_cast<std::size_t>(full[order[k]]);
    axes[k] = {static_cast<std::size_t>(result[order[k]]), size == 1 ? 0 : step};
    step *= size;
  }
  return kernels::joined(axes);
}

void ChainStep::emit(Emitter& e) const {
  const Shape& shape = e.shape(output());
  const Order order = order_of(e, operands(), shape.rank());
  Access access{.reads = {demand(e, source_, order)}};
  kernels::Chain chain{.from = from_, .to = to_, .axes = axes_of(e.shape(source_), shape, order), .links = {}};
  for (const PlannedLink& planned : links_) {
    chain.links.push_back(planned.link);
    if (!has_operand(planned.link.function)) continue;
    chain.links.back().operand = access.reads.size() - 1;
    chain.links.back().axes = axes_of(planned.constant ? planned.constant->shape() : e.shape(planned.operand), shape, order);
    access.reads.push_back(planned.constant ? demand(e, *planned.constant, order) : demand(e, planned.operand, order));
  }
  access.writes = {e.produce(output(), order)};
  e.add_loop(std::move(access), e.elements(output()), loop_grain,
             [chain = std::move(chain)](Addresses at, std::size_t begin, std::size_t end) {
               std::array<const float*, most_operands> others = {};
               for (std::size_t i = 1; i + 1 < at.size(); ++i) others[i - 1] = as<float>(at[i]);
               kernels::run(chain, at[0], others.data(), at.back(), begin, end);
             });
}

class ElementwiseStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "fallback"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& operands = e.node().inputs;
    const Order order = e.home(operands[0]).order;
    std::vector<Emitter::Operand> inputs = {e.operand(operands[0], order)};
    for (std::size_t i = 1; i < operands.size(); ++i)
      inputs.push_back(e.operand(operands[i], operands[i].is_none() ? Order{} : canonical_order(e.shape(operands[i]).rank())));
    e.add_reference(e.node().op, std::move(inputs), {e.result(output(), order)});
  }
};

bool has_few_axes(const Site& site) {
  const Fact& result = site.node().outputs[0].fact;
  return result.has_rank() && result.rank() <= kernels::most_axes;
}

// By a chain that begins with these links; else, where one scale stands for all elements, by lib/reference on whatever layout
// there is.
std::unique_ptr<Step> quantization(std::optional<Links> links, const Site& site) {
  if (links && has_few_axes(site)) return std::make_unique<ChainStep>(std::move(*links), site);
  const auto& scale = site.fact(1).value;
  return scale && scale->elements() == 1 && site.are_constant_from(1) ? by_element(site) : nullptr;
}

}  // namespace

std::vector<std::int64_t> full_dims(const Shape& shape, std::size_t rank) {
  std::vector<std::int64_t> full(rank - shape.rank(), 1);
  full.insert(has_fault(PlantedFault::broadcast_axis) ? full.begin() : full.end(), shape.dims().begin(), shape.dims().end());
  return full;
}

Layout layout_of_photo(const Fact& source) {
  constexpr std::int64_t most_channels = 4;
  const bool photo = source.has_rank() && source.rank() == 4 && (*source.dims)[1].is_number() && (*source.dims)[1].number() > 1 &&
                     (*source.dims)[1].number() <= most_channels;
  return photo ? Layout::nhwc : Layout::as_graph;
}

std::unique_ptr<Step> by_element(const Site& site) { return std::make_unique<ElementwiseStep>(site); }

std::unique_ptr<Step> elementwise(const Site& site) {
  if (effect_of(site.node().op) != Effect::elementwise) return nullptr;
  auto links = links_of(site, 0);
  if (links && has_few_axes(site) && links->size() < most_operands) return std::make_unique<ChainStep>(std::move(*links), site);
  return site.node().inputs.size() == 1 ? by_element(site) : nullptr;
}

std::unique_ptr<Step> lower(const Cast&, const Site& site) {
  const bool widens = element_of(site.fact(0).dtype) && site.is_float() && has_few_axes(site);
  return widens ? std::make_unique<ChainStep>(Links(), site) : by_element(site);
}
std::unique_ptr<Step> lower(const QuantizeLinear&, const Site& site) { return quantization(quantizing_links(site), site); }
std::unique_ptr<Step> lower(const DequantizeLinear&, const Site& site) { return quantization(dequantizing_links(site), site); }

}  // namespace resnet::xnnpack
