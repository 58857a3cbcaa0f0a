#include "lib/train/layer.h"

namespace resnet::train {

namespace {

// A map as rows of features.
class FlattenLayer : public Layer {
 public:
  FlattenLayer(Planner& planner, const Site& site) : x_(*site.inputs[0]), y_(site.output) {
    const memory::desc rows = plain(dims_of(site.shape)), map = plain(x_.data.get_desc().dims());
    planner.give(y_, rows);
    forward_ = Reorder(x_.data, memory(map, planner.engine, floats(y_.data)));
  }
  void forward(Planner& planner, Mode) override { forward_.run(planner); }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    const memory rows(plain(x_.data.get_desc().dims()), planner.engine, floats(dy.data));
    backward_ = Reorder(rows, planner.add_gradient(x_));
  }
  void backward(Planner& planner) override {
    incoming_.run();
    backward_.run(planner);
  }

 private:
  Value &x_, &y_;
  Reorder forward_, backward_;
  IncomingGradient incoming_;
};

// Gemm with a transposed weight: logits = features * weight^T + bias.
class ClassifierLayer : public Layer {
 public:
  ClassifierLayer(Planner& planner, const Site& site)
      : x_(*site.inputs[0]), y_(site.output), weights_(*site.weights[1]), bias_(*site.weights[2]) {
    y_desc_ = plain(dims_of(site.shape));
    const memory::desc any(dims_of(weights_.initial.shape()), memory::data_type::f32, memory::format_tag::any);
    bias_desc_ = plain(dims_of(bias_.initial.shape()));
    forward_desc_ = dnnl::inner_product_forward::primitive_desc(
        dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_training, x_.data.get_desc(), any, bias_desc_, y_desc_),
        planner.engine);
    planner.place(weights_, forward_desc_.weights_desc());
    planner.place(bias_, bias_desc_);
    planner.give(y_, y_desc_);
    forward_ = {
        dnnl::inner_product_forward(forward_desc_),
        {{DNNL_ARG_SRC, x_.data}, {DNNL_ARG_WEIGHTS, weights_.values}, {DNNL_ARG_BIAS, bias_.values}, {DNNL_ARG_DST, y_.data}}};
  }
  void forward(Planner& planner, Mode) override { planner.run(forward_); }

  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    const memory::desc weights = weights_.values.get_desc();
    if (weights_.is_trained) {
      using Backward = dnnl::inner_product_backward_weights;
      const Backward::primitive_desc desc(Backward::desc(x_.data.get_desc(), weights, bias_desc_, y_desc_), planner.engine,
                                          forward_desc_);
      by_weights_ = Call{Backward(desc),
                         {{DNNL_ARG_SRC, x_.data},
                          {DNNL_ARG_DIFF_DST, dy.data},
                          {DNNL_ARG_DIFF_WEIGHTS, weights_.gradient},
                          {DNNL_ARG_DIFF_BIAS, bias_.gradient}}};
    }
    if (x_.wants_gradient) {
      using Backward = dnnl::inner_product_backward_data;
      const Backward::primitive_desc desc(Backward::desc(x_.data.get_desc(), weights, y_desc_), planner.engine, forward_desc_);
      const memory dx = planner.add_gradient(x_);
      by_data_ =
          Call{Backward(desc), {{DNNL_ARG_DIFF_DST, dy.data}, {DNNL_ARG_WEIGHTS, weights_.values}, {DNNL_ARG_DIFF_SRC, dx}}};
    }
  }
  void backward(Planner& planner) override {
    incoming_.run();
    if (by_weights_) planner.run(*by_weights_);
    if (by_data_) planner.run(*by_data_);
  }

 private:
  Value &x_, &y_;
  Weights &weights_, &bias_;
  memory::desc y_desc_, bias_desc_;
  dnnl::inner_product_forward::primitive_desc forward_desc_;
  Call forward_;
  std::optional<Call> by_weights_, by_data_;
  IncomingGradient incoming_;
};

}  // namespace

std::unique_ptr<Layer> make_flatten(Planner& planner, const Site& site) { return std::make_unique<FlattenLayer>(planner, site); }
std::unique_ptr<Layer> make_classifier(Planner& planner, const Site& site) {
  return std::make_unique<ClassifierLayer>(planner, site);
}

}  // namespace resnet::train
