#include "lib/graph/ops/window.h"
#include "lib/train/layer.h"

namespace resnet::train {

namespace {

using dnnl::algorithm;
using Forward = dnnl::pooling_forward;
using Backward = dnnl::pooling_backward;

class PoolLayer : public Layer {
 public:
  PoolLayer(Planner& planner, const Site& site, algorithm kind, const Window& window)
      : x_(*site.inputs[0]), y_(site.output), kind_(kind) {
    const memory::desc x = x_.data.get_desc();
    const memory::dims y_dims = dims_of(site.shape);
    strides_ = {window.strides.begin(), window.strides.end()};
    kernel_ = {window.kernel.begin(), window.kernel.end()};
    for (std::size_t i = 0; i < 2; ++i) {
      before_.push_back(window.pads_begin[i]);
      // Of a ceil_mode the last window reaches further than the attribute says.
      behind_.push_back((y_dims[i + 2] - 1) * strides_[i] + kernel_[i] - x.dims()[i + 2] - before_[i]);
    }
    forward_desc_ = Forward::primitive_desc(
        Forward::desc(dnnl::prop_kind::forward_training, kind_, x,
                      memory::desc(y_dims, memory::data_type::f32, memory::format_tag::any), strides_, kernel_, before_, behind_),
        planner.engine);
    planner.give(y_, forward_desc_.dst_desc());
    forward_ = {Forward(forward_desc_), {{DNNL_ARG_SRC, x_.data}, {DNNL_ARG_DST, y_.data}}};
    if (kind_ == algorithm::pooling_max) {
      workspace_ = planner.keep(forward_desc_.workspace_desc());
      forward_.arguments[DNNL_ARG_WORKSPACE] = workspace_;
    }
  }
  void forward(Planner& planner, Mode) override { planner.run(forward_); }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    const memory::desc x = x_.data.get_desc();
    const Backward::primitive_desc desc(Backward::desc(kind_, x, y_.data.get_desc(), strides_, kernel_, before_, behind_),
                                        planner.engine, forward_desc_);
    backward_ = {Backward(desc), {{DNNL_ARG_DIFF_DST, dy.data}, {DNNL_ARG_DIFF_SRC, planner.add_gradient(x_)}}};
    if (workspace_) backward_.arguments[DNNL_ARG_WORKSPACE] = workspace_;
  }
  void backward(Planner& planner) override {
    incoming_.run();
    planner.run(backward_);
  }

 private:
  Value &x_, &y_;
  algorithm kind_;
  memory::dims strides_, kernel_, before_, behind_;
  Forward::primitive_desc forward_desc_;
  memory workspace_;
  Call forward_, backward_;
  IncomingGradient incoming_;
};

Dims spatial_of(const Site& site) { return {(*site.facts[0].dims)[2], (*site.facts[0].dims)[3]}; }

}  // namespace

std::unique_ptr<Layer> make_max_pool(Planner& planner, const Site& site, const MaxPool& op) {
  return std::make_unique<PoolLayer>(planner, site, algorithm::pooling_max, window_of(op, spatial_of(site)));
}

std::unique_ptr<Layer> make_average_pool(Planner& planner, const Site& site, const AveragePool& op) {
  return std::make_unique<PoolLayer>(
      planner, site, op.count_include_pad ? algorithm::pooling_avg_include_padding : algorithm::pooling_avg_exclude_padding,
      window_of(op, spatial_of(site)));
}

std::unique_ptr<Layer> make_global_average_pool(Planner& planner, const Site& site) {
  AveragePool whole;
  for (const Dim& dim : spatial_of(site)) whole.kernel_shape.push_back(dim.number());
  return make_average_pool(planner, site, whole);
}

}  // namespace resnet::train
