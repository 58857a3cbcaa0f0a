#include <fmt/format.h>

#include "lib/graph/ops/window.h"
#include "lib/train/layer.h"

namespace resnet::train {

namespace {

using dnnl::algorithm;

class ConvolutionLayer : public Layer {
 public:
  ConvolutionLayer(Planner& planner, const Site& site, const Conv& op)
      : x_(*site.inputs[0]),
        y_(site.output),
        weights_(*site.weights[1]),
        bias_(site.weights.size() > 2 ? site.weights[2] : nullptr) {
    const Shape& filter = weights_.initial.shape();
    const Fact& fact = site.facts[0];
    const Window window = window_of(op, {filter[2], filter[3]}, {(*fact.dims)[2], (*fact.dims)[3]});
    memory::dims filter_dims = dims_of(filter);
    if (op.group != 1) {
      filter_dims[0] /= op.group;
      filter_dims.insert(filter_dims.begin(), op.group);
    }
    const auto any = [](const memory::dims& dims) { return memory::desc(dims, memory::data_type::f32, memory::format_tag::any); };
    const memory::dims y_dims = dims_of(site.shape);
    x_any_ = any(x_.data.get_desc().dims());
    weights_any_ = any(filter_dims);
    y_any_ = any(y_dims);
    strides_ = {window.strides.begin(), window.strides.end()};
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t dilation = window.dilations[i];
      const std::int64_t reach = (window.kernel[i] - 1) * dilation + 1;
      dilations_.push_back(dilation - 1);
      before_.push_back(window.pads_begin[i]);
      // What the last window needs, which may be less than the attribute says.
      behind_.push_back((y_dims[i + 2] - 1) * strides_[i] + reach - x_any_.dims()[i + 2] - before_[i]);
    }
    const memory::desc bias_desc = plain({y_dims[1]});
    forward_desc_ =
        bias_ != nullptr
            ? dnnl::convolution_forward::primitive_desc(
                  dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm::convolution_direct, x_any_,
                                                  weights_any_, bias_desc, y_any_, strides_, dilations_, before_, behind_),
                  planner.engine)
            : dnnl::convolution_forward::primitive_desc(
                  dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm::convolution_direct, x_any_,
                                                  weights_any_, y_any_, strides_, dilations_, before_, behind_),
                  planner.engine);
    planner.place(weights_, forward_desc_.weights_desc());
    if (bias_ != nullptr) planner.place(*bias_, bias_desc);
    x_reordered_ = Reorder(planner, x_.data, forward_desc_.src_desc(), x_lease_);
    planner.give(y_, forward_desc_.dst_desc());
    forward_ = {dnnl::convolution_forward(forward_desc_),
                {{DNNL_ARG_SRC, x_reordered_.result()}, {DNNL_ARG_WEIGHTS, weights_.values}, {DNNL_ARG_DST, y_.data}}};
    if (bias_ != nullptr) forward_.arguments[DNNL_ARG_BIAS] = bias_->values;
    if (!weights_.is_trained) x_lease_.reset();
  }

  void forward(Planner& planner, Mode) override {
    x_reordered_.run(planner);
    planner.run(forward_);
  }

  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    if (weights_.is_trained) plan_weights_gradient(planner, dy);
    if (x_.wants_gradient) plan_data_gradient(planner, dy);
  }

  void backward(Planner& planner) override {
    incoming_.run();
    if (by_weights_) {
      dy_for_weights_.run(planner);
      x_for_weights_.run(planner);
      planner.run(*by_weights_);
      weights_gradient_.run(planner);
    }
    if (by_data_) {
      dy_for_data_.run(planner);
      weights_for_data_.run(planner);
      planner.run(*by_data_);
      dx_.run(planner);
    }
  }

 private:
  void plan_weights_gradient(Planner& planner, const Gradient& dy) {
    using Backward = dnnl::convolution_backward_weights;
    const memory::desc bias_desc = plain({y_any_.dims()[1]});
    const Backward::primitive_desc desc(
        bias_ != nullptr
            ? Backward::desc(algorithm::convolution_direct, x_any_, weights_any_, bias_desc, y_any_, strides_, dilations_,
                             before_, behind_)
            : Backward::desc(algorithm::convolution_direct, x_any_, weights_any_, y_any_, strides_, dilations_, before_, behind_),
        planner.engine, forward_desc_);
    Arena::Lease dy_lease, x_lease;
    Gradient other_layout;
    dy_for_weights_ = Reorder(planner, dy.data, desc.diff_dst_desc(), dy_lease);
    x_for_weights_ = Reorder(planner, x_reordered_.result(), desc.src_desc(), x_lease);
    memory gradient = weights_.gradient;
    if (desc.diff_weights_desc() != gradient.get_desc()) {
      other_layout = planner.lease(desc.diff_weights_desc());
      gradient = other_layout.data;
      weights_gradient_ = Reorder(gradient, weights_.gradient);
    }
    by_weights_ = Call{Backward(desc),
                       {{DNNL_ARG_SRC, x_for_weights_.result()},
                        {DNNL_ARG_DIFF_DST, dy_for_weights_.result()},
                        {DNNL_ARG_DIFF_WEIGHTS, gradient}}};
    if (bias_ != nullptr) by_weights_->arguments[DNNL_ARG_DIFF_BIAS] = bias_->gradient;
  }

  void plan_data_gradient(Planner& planner, const Gradient& dy) {
    using Backward = dnnl::convolution_backward_data;
    const Backward::primitive_desc desc(
        Backward::desc(algorithm::convolution_direct, x_any_, weights_any_, y_any_, strides_, dilations_, before_, behind_),
        planner.engine, forward_desc_);
    Arena::Lease dy_lease, weights_lease;
    dy_for_data_ = Reorder(planner, dy.data, desc.diff_dst_desc(), dy_lease);
    weights_for_data_ = Reorder(planner, weights_.values, desc.weights_desc(), weights_lease);
    const Gradient dx = planner.lease(desc.diff_src_desc());
    by_data_ = Call{Backward(desc),
                    {{DNNL_ARG_DIFF_DST, dy_for_data_.result()},
                     {DNNL_ARG_WEIGHTS, weights_for_data_.result()},
                     {DNNL_ARG_DIFF_SRC, dx.data}}};
    Arena::Lease reordered;
    dx_ = Reorder(planner, dx.data, x_.data.get_desc(), reordered);
    x_.gradients.push_back({dx_.result(), reordered ? reordered : dx.lease});
  }

  Value &x_, &y_;
  Weights& weights_;
  Weights* bias_;
  memory::desc x_any_, weights_any_, y_any_;
  memory::dims strides_, dilations_, before_, behind_;
  dnnl::convolution_forward::primitive_desc forward_desc_;
  Arena::Lease x_lease_;
  Reorder x_reordered_;
  Call forward_;
  IncomingGradient incoming_;
  Reorder dy_for_weights_, x_for_weights_, weights_gradient_, dy_for_data_, weights_for_data_, dx_;
  std::optional<Call> by_weights_, by_data_;
};

}  // namespace

std::unique_ptr<Layer> make_convolution(Planner& planner, const Site& site, const Conv& op) {
  return std::make_unique<ConvolutionLayer>(planner, site, op);
}

}  // namespace resnet::train
