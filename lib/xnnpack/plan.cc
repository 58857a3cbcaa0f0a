#include "lib/xnnpack/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/weighted.h"
#include "lib/xnnpack/plan_state.h"

namespace resnet::xnnpack {

namespace {

void refuse_what_cannot_run(const Graph& graph) {
  std::vector<std::string> missing;
  std::size_t operators = 0;
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<Constant>(node.op) && !std::holds_alternative<Input>(node.op)) ++operators;
    if (!reference::can_evaluate(node.op)) missing.push_back(describe(node));
    const auto* norm = std::get_if<BatchNormalization>(&node.op);
    if (norm != nullptr && norm->training_mode) missing.push_back(describe(node) + " in training mode");
  }
  if (missing.empty()) return;
  throw Error(Fault::unsupported,
              fmt::format("cannot run {} of {} nodes: {}", missing.size(), operators, fmt::join(missing, ", ")));
}

bool is_float(const Fact& fact) { return fact.dtype == DType::float32; }

class Lowering {
 public:
  Lowering(Graph& graph, const Job& job, const PackedWeightsOf& given, ThreadPool& pool)
      : graph_(graph), job_(job), given_(given), pool_(pool), readers_(graph), fused_(graph.nodes().size(), false) {
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

  std::vector<Step> run() {
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (fused_[id] || std::holds_alternative<Input>(node.op) || std::holds_alternative<Constant>(node.op)) continue;
      lower(static_cast<NodeId>(id));
    }
    pack_waiting();
    std::vector<Step> steps;
    for (std::optional<Step>& step : steps_) {
      if (step) steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  const Fact& input(const Node& node, std::size_t index) const { return graph_.fact(node.inputs[index]); }
  bool has_input(const Node& node, std::size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].is_none();
  }
  bool is_constant(const Node& node, std::size_t index) const { return input(node, index).value.has_value(); }

  // The bounds of a Relu, or of a Clip by constants.
  std::optional<Activation> activation_of(const Node& node) const {
    if (!is_float(node.outputs[0].fact)) return std::nullopt;
    Activation activation;
    if (std::holds_alternative<Relu>(node.op)) {
      activation.least = 0;
      return activation;
    }
    if (!std::holds_alternative<Clip>(node.op)) return std::nullopt;
    for (std::size_t i = 1; i < 3; ++i) {
      if (!has_input(node, i)) continue;
      if (!is_constant(node, i)) return std::nullopt;
      if (has_fault(PlantedFault::upper_bound_lost) && i == 2) continue;
      (i == 1 ? activation.least : activation.most) = input(node, i).value->values_as<float>().at(0);
    }
    if (!(activation.least < activation.most)) return std::nullopt;
    return activation;
  }

  // Takes the activation that alone reads the step's output into the step.
  void fuse_activation(Step& step) {
    const auto reader = readers_.only(step.output);
    if (!reader) return;
    const auto activation = activation_of(graph_.node(*reader));
    if (!activation || graph_.node(*reader).inputs[0] != step.output) return;
    if (!has_fault(PlantedFault::activation_lost)) step.activation = *activation;
    step.output = {*reader, 0};
    fused_[static_cast<std::size_t>(*reader)] = true;
  }

  Kind kind_of(const Node& node) const {
    if (!is_float(node.outputs[0].fact)) return other_kind(node);
    const bool ranked = !node.inputs.empty() && input(node, 0).has_rank();
    const std::size_t rank = ranked ? input(node, 0).rank() : 0;
    if (const auto* conv = std::get_if<Conv>(&node.op)) {
      const bool weights = is_constant(node, 1) && (!has_input(node, 2) || is_constant(node, 2));
      // SAME padding depends on the size, which must then be known now.
      const bool padding_known =
          conv->auto_pad == AutoPad::notset || conv->auto_pad == AutoPad::valid ||
          (ranked && rank == 4 && (*input(node, 0).dims)[2].is_number() && (*input(node, 0).dims)[3].is_number());
      const bool fits = rank == 4 && weights && padding_known && input(node, 1).value->elements() > 0;
      if (!fits) return Kind::fallback;
      const Shape& weight = input(node, 1).value->shape();
      return fits_window({weight[2], weight[3]}, *conv) ? Kind::convolution : Kind::fallback;
    }
    if (const auto* gemm = std::get_if<Gemm>(&node.op)) {
      bool fits = !gemm->transA && is_constant(node, 1) && input(node, 1).value->elements() > 0;
      if (has_input(node, 2)) {
        fits = fits && is_constant(node, 2);
        if (fits) {
          const Shape& c = input(node, 2).value->shape();
          const std::int64_t outputs = input(node, 1).value->shape()[gemm->transB ? 0 : 1];
          fits = c.elements() == 1 || (c.elements() == outputs && c[c.rank() - 1] == outputs);
        }
      }
      return fits ? Kind::product : Kind::fallback;
    }
    if (std::holds_alternative<MatMul>(node.op)) {
      const bool fits =
          rank >= 2 && is_constant(node, 1) && input(node, 1).value->shape().rank() == 2 && input(node, 1).value->elements() > 0;
      return fits ? Kind::product : Kind::fallback;
    }
    if (const auto* pool = std::get_if<MaxPool>(&node.op)) {
      return rank == 4 && node.outputs.size() == 1 && fits_max_pool(*pool) ? Kind::max_pool : Kind::fallback;
    }
    if (const auto* pool = std::get_if<AveragePool>(&node.op)) {
      return rank == 4 && fits_average_pool(*pool) ? Kind::average_pool : Kind::fallback;
    }
    if (std::holds_alternative<GlobalAveragePool>(node.op)) return rank >= 3 && rank <= 6 ? Kind::mean : Kind::fallback;
    if (const auto* mean = std::get_if<ReduceMean>(&node.op)) {
      const Fact* facts[] = {&input(node, 0), has_input(node, 1) ? &input(node, 1) : nullptr};
      const auto axes = reduced_axes(*mean, Facts(facts));
      return axes && !axes->empty() && rank <= 6 ? Kind::mean : Kind::fallback;
    }
    if (const auto* norm = std::get_if<BatchNormalization>(&node.op)) {
      bool fits = rank == 4 && !norm->training_mode;
      for (std::size_t i = 1; i < 5; ++i) fits = fits && is_constant(node, i);
      return fits ? Kind::normalization : Kind::fallback;
    }
    if (std::holds_alternative<Add>(node.op) || std::holds_alternative<Sub>(node.op) || std::holds_alternative<Mul>(node.op) ||
        std::holds_alternative<Div>(node.op)) {
      const bool ranks = ranked && input(node, 1).has_rank() && rank <= 6 && input(node, 1).rank() <= 6;
      if (!ranks) return Kind::fallback;
      const bool same = *input(node, 0).dims == *input(node, 1).dims && !is_constant(node, 0) && !is_constant(node, 1);
      return same && std::holds_alternative<Add>(node.op) ? Kind::add : Kind::binary;
    }
    if (std::holds_alternative<Sum>(node.op)) {
      const bool same = node.inputs.size() == 2 && ranked && input(node, 0).dims == input(node, 1).dims;
      return same ? Kind::add : Kind::fallback;
    }
    if (activation_of(node)) return Kind::clamp;
    if (std::holds_alternative<Sigmoid>(node.op)) return Kind::sigmoid;
    if (const auto* softmax = std::get_if<Softmax>(&node.op)) {
      const bool last = ranked && rank > 0 && !softmax->coerce_to_2d &&
                        (normalize_axis(softmax->axis, rank) + 1 == rank || has_fault(PlantedFault::softmax_over_any_axis));
      return last ? Kind::softmax : Kind::fallback;
    }
    return other_kind(node);
  }

  // Kinds that do not depend on the element type.
  Kind other_kind(const Node& node) const {
    if (std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Flatten>(node.op) ||
        std::holds_alternative<Squeeze>(node.op) || std::holds_alternative<Unsqueeze>(node.op) ||
        std::holds_alternative<Identity>(node.op)) {
      return Kind::view;
    }
    if (std::holds_alternative<Transpose>(node.op)) return Kind::transpose;
    if (std::holds_alternative<Slice>(node.op) && constants_from(node, 1)) return Kind::slice;
    if (std::holds_alternative<Pad>(node.op) && constants_from(node, 1)) return Kind::pad;
    if (std::holds_alternative<Concat>(node.op)) return Kind::concat;
    const bool element_by_element = std::holds_alternative<Cast>(node.op) || std::holds_alternative<Relu>(node.op) ||
                                    std::holds_alternative<HardSigmoid>(node.op);
    if (element_by_element) return Kind::elementwise;
    if (std::holds_alternative<QuantizeLinear>(node.op) || std::holds_alternative<DequantizeLinear>(node.op)) {
      const auto& scale = input(node, 1).value;
      const bool single = scale && (scale->elements() == 1 || has_fault(PlantedFault::scale_per_axis_as_one));
      return single && constants_from(node, 1) ? Kind::elementwise : Kind::fallback;
    }
    return Kind::fallback;
  }

  bool constants_from(const Node& node, std::size_t first) const {
    for (std::size_t i = first; i < node.inputs.size(); ++i) {
      if (has_input(node, i) && !is_constant(node, i)) return false;
    }
    return true;
  }

  static std::int64_t at(const std::vector<std::int64_t>& list, std::size_t index) { return list.empty() ? 1 : list[index]; }

  // XNNPACK counts in 32 bits, where a file may hold any number: one that is cut would no longer give the graph's output.
  template <typename Operator>
  static bool fits_window(const std::vector<std::int64_t>& kernel, const Operator& op) {
    constexpr std::int64_t most = std::int64_t{1} << 24;
    for (std::size_t i = 0; i < 2; ++i) {
      if (kernel[i] > most || at(op.strides, i) > most || at(op.dilations, i) > most) return false;
      if (kernel[i] * at(op.dilations, i) > most) return false;
    }
    return std::all_of(op.pads.begin(), op.pads.end(), [](std::int64_t pad) { return pad <= most; });
  }

  // XNNPACK refuses windows of one element and strides beyond the window. Where padding meets dilation it reads edge pixels that
  // are not in the window.
  static bool fits_max_pool(const MaxPool& pool) {
    if (!fits_window(pool.kernel_shape, pool)) return false;
    bool dilated = false, padded = pool.auto_pad != AutoPad::notset || pool.ceil_mode;
    for (std::size_t i = 0; i < 2; ++i) {
      if (at(pool.strides, i) > pool.kernel_shape[i]) return false;
      dilated = dilated || at(pool.dilations, i) > 1;
      // A window that lies in the padding alone has nothing to take the maximum of.
      if (!pool.pads.empty() && (pool.pads[i] >= pool.kernel_shape[i] || pool.pads[i + 2] >= pool.kernel_shape[i])) return false;
    }
    for (const std::int64_t pad : pool.pads) padded = padded || pad != 0;
    return pool.kernel_shape[0] * pool.kernel_shape[1] > 1 && !(dilated && padded);
  }

  // XNNPACK leaves padding out of the count and knows no dilation.
  static bool fits_average_pool(const AveragePool& pool) {
    if (!fits_window(pool.kernel_shape, pool)) return false;
    bool padded = pool.auto_pad != AutoPad::notset;
    for (const std::int64_t pad : pool.pads) padded = padded || pad != 0;
    for (std::size_t i = 0; i < 2; ++i) {
      if (at(pool.dilations, i) != 1 || at(pool.strides, i) > pool.kernel_shape[i]) return false;
      if (!pool.pads.empty() && (pool.pads[i] >= pool.kernel_shape[i] || pool.pads[i + 2] >= pool.kernel_shape[i])) return false;
    }
    const bool counts_padding =
        pool.count_include_pad && (padded || pool.ceil_mode) && !has_fault(PlantedFault::padding_not_counted);
    return pool.kernel_shape[0] * pool.kernel_shape[1] > 1 && !counts_padding;
  }

  void lower(NodeId id) {
    const Node& node = graph_.node(id);
    Step step;
    step.node = id;
    step.output = {id, 0};
    step.kind = kind_of(node);
    switch (step.kind) {
      case Kind::convolution:
        fuse_activation(step);
        pack_convolution(step);
        break;
      case Kind::product:
        fuse_activation(step);
        pack_product(step);
        break;
      case Kind::add:
        if (fuse_addition(id)) return;
        fuse_activation(step);
        break;
      case Kind::normalization:
        fuse_activation(step);
        prepare_normalization(step);
        break;
      case Kind::clamp: step.activation = *activation_of(node); break;
      case Kind::max_pool:
      case Kind::average_pool:
      case Kind::mean:
      case Kind::binary:
      case Kind::sigmoid:
      case Kind::softmax:
      case Kind::view:
      case Kind::transpose:
      case Kind::slice:
      case Kind::pad:
      case Kind::concat:
      case Kind::elementwise:
      case Kind::fallback: break;
    }
    add(std::move(step));
  }

  void add(Step step) {
    maker_[step.output] = steps_.size();
    steps_.push_back(std::move(step));
  }

  // Puts an addition, and the activation behind it, into a convolution of lib/kernels that nobody else reads. That one then runs
  // here, where the other operand is known to be there.
  bool fuse_addition(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.inputs[0] == node.inputs[1]) return false;  // a value that is added to itself
    // Of two that could take it the later one does.
    std::vector<std::pair<std::size_t, std::size_t>> makers;  // steps, and which operand they make
    for (const std::size_t operand : {0, 1}) {
      if (const auto found = maker_.find(node.inputs[operand]); found != maker_.end())
        makers.emplace_back(found->second, operand);
    }
    std::sort(makers.rbegin(), makers.rend());
    for (const auto& [index, operand] : makers) {
      std::optional<Step>& maker = steps_[index];
      const bool plain = maker && maker->kind == Kind::convolution && maker->filter && maker->addend.is_none() &&
                         maker->output.node == maker->node;
      if (!plain || readers_.only(maker->output) != id) continue;
      Step step = std::move(*maker);
      maker.reset();
      if (!has_fault(PlantedFault::residual_lost)) step.addend = node.inputs[1 - operand];
      step.output = {id, 0};
      fuse_activation(step);
      add(std::move(step));
      return true;
    }
    return false;
  }

  // Winograd's are for filters of 3x3 at stride 1 over enough channels to fill vectors.
  kernels::Method choose_method(NodeId id, const Conv& conv, const Shape& weight) const {
    using kernels::Method;
    const auto ones = [](const std::vector<std::int64_t>& list) {
      return std::all_of(list.begin(), list.end(), [](std::int64_t n) { return n == 1; });
    };
    const bool fits = conv.group == 1 && weight[2] == 3 && weight[3] == 3 && ones(conv.strides) && ones(conv.dilations) &&
                      weight[0] >= 16 && weight[1] >= 16;
    if (!fits || job_.convolutions == Convolutions::direct) return Method::direct;
    const auto found = expected_.find(id);
    const std::optional<Dims>& dims = found != expected_.end() ? found->second : graph_.fact({id, 0}).dims;
    const bool winograd = job_.convolutions == Convolutions::winograd;
    if (!dims || !(*dims)[2].is_number() || !(*dims)[3].is_number()) return winograd ? Method::winograd2 : Method::direct;
    return kernels::choose({weight[1], weight[0], (*dims)[2].number(), (*dims)[3].number()},
                           {job_.batch, job_.images, job_.threads > 0 ? job_.threads : pool_.asked()}, winograd);
  }

  void pack_convolution(Step& step) {
    const Node& node = graph_.node(step.node);
    const Tensor& weight = *input(node, 1).value;
    step.has_bias = has_input(node, 2) && !has_fault(PlantedFault::bias_lost);
    if (step.has_bias) step.bias = *input(node, 2).value;
    const auto& conv = std::get<Conv>(node.op);
    step.method = choose_method(step.node, conv, weight.shape());
    if (step.method != kernels::Method::direct) {
      const kernels::WinogradFilter filter = winograd_filter_of(step.method, weight.shape());
      pack_filter(step, weight, kernels::packed_size(filter), [filter](const Tensor& w, const float* b, float* packed) {
        kernels::pack_winograd(filter, convolution_weight(w).data<float>().data(), b, packed);
      });
      return;
    }
    if (fits_kernels(conv, weight.shape())) {
      const kernels::Filter filter = filter_of(conv, weight.shape());
      pack_filter(step, weight, kernels::packed_size(filter), [filter](const Tensor& w, const float* b, float* packed) {
        kernels::pack_filter(filter, convolution_weight(w).data<float>().data(), b, packed);
      });
      return;
    }
    if (!given(step)) step.weight = convolution_weight(weight);
    if (has_fault(PlantedFault::group_shifted) && conv.group > 1 && step.weight.elements() > 0) {
      const auto data = step.weight.mutable_data<float>();
      std::rotate(data.begin(), data.begin() + step.weight.elements() / weight.shape()[0], data.end());
    }
    pack(step, create_convolution);
  }

  // The packed weights that the step is given, or null.
  std::shared_ptr<const Buffer> given(const Step& step) const {
    const auto found = given_.find(step.node);
    for (const auto& [node, packed] : given_) {
      const bool other = has_fault(PlantedFault::stale_packed_weights) && found != given_.end() && node != step.node;
      if (other && packed->bytes().size() == found->second->bytes().size()) return packed;
    }
    if (found != given_.end()) return found->second;
    const Node& node = graph_.node(step.node);
    if (input(node, 1).value->is_released())
      throw Error(Fault::malformed, Frame::node(describe(node)), "its weights are gone, and it is given no packed ones");
    return nullptr;
  }

  using Pack = std::function<void(const Tensor& weight, const float* bias, float* packed)>;

  void pack_filter(Step& step, const Tensor& weight, std::size_t floats, Pack pack) {
    const std::size_t size = floats * sizeof(float);
    step.filter = given(step);
    if (step.filter && step.filter->bytes().size() != size) {
      throw Error(Fault::malformed, Frame::node(describe(graph_.node(step.node))),
                  fmt::format("is given {} bytes of packed weights, expected {}", step.filter->bytes().size(), size));
    }
    if (!step.filter) {
      auto packed = Buffer::allocate(size);
      step.filter = packed;
      pack_later(step, weight, std::move(packed), std::move(pack));
    }
    step.bias = Tensor();
    release(graph_.node(step.node).inputs[1], step.node);
  }

  // Layers are packed some at a time, each by one thread; the weights that they come from are held until then.
  void pack_later(const Step& step, const Tensor& weight, std::shared_ptr<Buffer> packed, Pack pack) {
    constexpr std::size_t held_bytes = 16 << 20;
    waiting_.push_back([pack = std::move(pack), weight, bias = step.has_bias ? step.bias : Tensor(), packed = std::move(packed)] {
      pack(weight, bias.elements() > 0 ? bias.data<float>().data() : nullptr,
           reinterpret_cast<float*>(packed->mutable_bytes().data()));
    });
    waiting_bytes_ += weight.size_bytes();
    if (waiting_bytes_ >= held_bytes) pack_waiting();
  }

  void pack_waiting() {
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

  void pack_product(Step& step) {
    const Node& node = graph_.node(step.node);
    step.weight = *input(node, 1).value;
    const auto* gemm = std::get_if<Gemm>(&node.op);
    if (gemm != nullptr && gemm->alpha != 1.0f && !given(step) && !has_fault(PlantedFault::alpha_lost)) {
      Tensor scaled = Tensor::allocate(DType::float32, step.weight.shape());
      for (std::int64_t i = 0; i < scaled.elements(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        scaled.mutable_data<float>()[at] = gemm->alpha * step.weight.data<float>()[at];
      }
      step.weight = std::move(scaled);
    }
    if (gemm != nullptr && has_input(node, 2)) {
      const std::int64_t outputs = step.weight.shape()[gemm->transB ? 0 : 1];
      const auto values = input(node, 2).value->values_as<float>();
      step.bias = Tensor::allocate(DType::float32, Shape{outputs});
      for (std::size_t i = 0; i < static_cast<std::size_t>(outputs); ++i) {
        step.bias.mutable_data<float>()[i] = gemm->beta * values[values.size() == 1 ? 0 : i];
      }
      step.has_bias = true;
    }
    const kernels::Filter filter = filter_of_product(graph_, node);
    if (!fits_kernels(filter)) return pack(step, create_product);
    pack_filter(step, std::exchange(step.weight, Tensor()), kernels::packed_size(filter),
                [filter, transposed = !rows_are_outputs(node)](const Tensor& w, const float* b, float* packed) {
                  kernels::pack_filter(filter, (transposed ? transpose(w) : w).data<float>().data(), b, packed);
                });
  }

  void pack(Step& step, Operator (*create)(const Graph&, const Step&)) {
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

  // Frees a constant's data once nothing else will read it. Its facts stay, its bytes may not be touched any more.
  void release(ValueId id, NodeId reader) {
    Node& source = graph_.node(id.node);
    auto* constant = std::get_if<Constant>(&source.op);
    if (constant == nullptr || readers_.is_output(id)) return;
    for (const NodeId other : readers_.of(id.node)) {
      if (other != reader) return;
    }
    constant->value = Tensor::released(constant->value.dtype(), constant->value.shape());
    source.outputs[0].fact.value = constant->value;
  }

  void prepare_normalization(Step& step) {
    const Node& node = graph_.node(step.node);
    const auto& norm = std::get<BatchNormalization>(node.op);
    const auto scale = input(node, 1).value->values_as<double>(), shift = input(node, 2).value->values_as<double>();
    const auto mean = input(node, 3).value->values_as<double>(), variance = input(node, 4).value->values_as<double>();
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double factor = scale[c] / std::sqrt(variance[c] + static_cast<double>(norm.epsilon));
      step.scale.push_back(static_cast<float>(factor));
      step.shift.push_back(static_cast<float>(shift[c] - mean[c] * factor));
    }
  }

  Graph& graph_;
  const Job& job_;
  const PackedWeightsOf& given_;
  ThreadPool& pool_;
  std::map<NodeId, std::optional<Dims>> expected_;  // of convolutions' outputs, where the job says more than the graph
  Readers readers_;
  std::vector<bool> fused_;
  std::vector<std::function<void()>> waiting_;  // filters to be packed
  std::size_t waiting_bytes_ = 0;
  std::vector<std::optional<Step>> steps_;  // in the order in which they run; nothing where one has moved to a later place
  std::map<ValueId, std::size_t> maker_;    // whose output it is, by place
};

// Whether shapes may depend on what an input holds: the plan is then made again with those inputs as constants.
bool values_may_decide_shapes(const Graph& graph) {
  for (ValueId id : graph.inputs()) {
    const Fact& fact = graph.fact(id);
    const bool integers = !fact.dtype || *fact.dtype == DType::int64 || *fact.dtype == DType::int32;
    if (integers && (!fact.has_rank() || fact.rank() <= 1)) return true;
  }
  for (const Node& node : graph.nodes()) {
    for (const Value& value : node.outputs) {
      if (!value.fact.has_rank()) return true;
    }
  }
  return false;
}

// An image input is filled in the layout that its first reader wants.
std::vector<Layout> input_layouts(const Graph& graph, const std::vector<Step>& steps) {
  std::vector<Layout> layouts;
  for (ValueId input : graph.inputs()) {
    Layout layout = Layout::as_graph;
    for (const Step& step : steps) {
      const Node& node = graph.node(step.node);
      if (node.inputs.empty() || node.inputs[0] != input) continue;
      const bool wants_nhwc = step.kind == Kind::convolution || step.kind == Kind::max_pool || step.kind == Kind::average_pool ||
                              step.kind == Kind::normalization;
      if (wants_nhwc) layout = Layout::nhwc;
      break;
    }
    layouts.push_back(is_output(graph, input) ? Layout::as_graph : layout);
  }
  return layouts;
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::convolution: return "convolution";
    case Kind::product: return "product";
    case Kind::max_pool: return "max_pool";
    case Kind::average_pool: return "average_pool";
    case Kind::mean: return "mean";
    case Kind::add: return "add";
    case Kind::binary: return "binary";
    case Kind::normalization: return "normalization";
    case Kind::clamp: return "clamp";
    case Kind::sigmoid: return "sigmoid";
    case Kind::softmax: return "softmax";
    case Kind::view: return "view";
    case Kind::transpose: return "transpose";
    case Kind::slice: return "slice";
    case Kind::pad: return "pad";
    case Kind::concat: return "concat";
    case Kind::elementwise: return "elementwise";
    case Kind::fallback: return "fallback";
  }
  __builtin_unreachable();
}

const char* method_of(const Step& step) {
  if (step.kind != Kind::convolution) return "";
  return step.filter ? kernels::name_of(step.method) : "xnnpack";
}

Plan::Plan(Graph graph, std::unique_ptr<State> state) : graph_(std::move(graph)), state_(std::move(state)) {}
Plan::~Plan() = default;

std::shared_ptr<const Plan> Plan::make(Graph graph, const PlanOptions& options) {
  refuse_what_cannot_run(graph);
  initialize();
  PassLog log;
  if (options.optimize) graph = optimize(graph, log);
  auto state = std::make_unique<State>();
  if (values_may_decide_shapes(graph)) state->unpacked = graph;
  std::optional<ThreadPool> own;
  if (options.pool == nullptr) own.emplace(1);
  state->steps = Lowering(graph, options.job, options.packed, options.pool != nullptr ? *options.pool : *own).run();
  state->input_layouts = input_layouts(graph, state->steps);
  for (const Step& step : state->steps) {
    if (step.filter) state->weight_bytes += step.filter->bytes().size();
    if (step.packed) state->weight_bytes += step.packed->is_packed() ? step.packed->bytes() : step.weight.size_bytes();
  }
  return std::shared_ptr<const Plan>(new Plan(std::move(graph), std::move(state)));
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> infos;
  for (const Step& step : state_->steps) {
    const Node& node = graph_.node(step.node);
    infos.push_back({node.name.empty() ? node.outputs[0].name : node.name, name_of(step.kind), method_of(step)});
  }
  return infos;
}

std::optional<PackedWeightsOf> Plan::packed_weights() const {
  if (state_->unpacked) return std::nullopt;
  PackedWeightsOf packed;
  for (const Step& step : state_->steps) {
    if (step.filter) packed[step.node] = step.filter;
    if (step.packed && step.packed->is_packed()) packed[step.node] = step.packed->buffer();
  }
  return packed;
}

std::size_t Plan::weight_bytes() const { return state_->weight_bytes; }

}  // namespace resnet::xnnpack
