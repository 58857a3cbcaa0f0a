#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/train/layer.h"

namespace resnet::train {

namespace {

using dnnl::normalization_flags;
using Forward = dnnl::batch_normalization_forward;
using Backward = dnnl::batch_normalization_backward;

// By the batch's mean and variance where it is trained, else by the running ones. A ReLU after it is fused.
class BatchNormLayer : public Layer {
 public:
  BatchNormLayer(Planner& planner, const Site& site, const BatchNormalization& op, bool with_relu)
      : x_(*site.inputs[0]),
        y_(site.output),
        scale_(*site.weights[1]),
        shift_(*site.weights[2]),
        mean_(*site.weights[3]),
        variance_(*site.weights[4]),
        epsilon_(op.epsilon),
        momentum_(op.momentum),
        flags_(normalization_flags::use_scale | normalization_flags::use_shift) {
    if (with_relu) flags_ = flags_ | normalization_flags::fuse_norm_relu;
    const memory::desc data = x_.data.get_desc(), channels = plain({data.dims()[1]});
    for (Weights* weights : {&scale_, &shift_, &mean_, &variance_}) planner.place(*weights, channels);
    planner.give(y_, data);
    const Forward::primitive_desc by_running(
        Forward::desc(dnnl::prop_kind::forward_inference, data, epsilon_, flags_ | normalization_flags::use_global_stats),
        planner.engine);
    inference_ = {Forward(by_running), arguments(mean_.values, variance_.values)};
    if (!scale_.is_trained) return;
    training_desc_ =
        Forward::primitive_desc(Forward::desc(dnnl::prop_kind::forward_training, data, epsilon_, flags_), planner.engine);
    batch_mean_ = planner.keep(channels);
    batch_variance_ = planner.keep(channels);
    training_ = Call{Forward(training_desc_), arguments(batch_mean_, batch_variance_)};
    if (with_relu) {
      workspace_ = planner.keep(training_desc_.workspace_desc());
      training_->arguments[DNNL_ARG_WORKSPACE] = workspace_;
    }
  }

  void forward(Planner& planner, Mode mode) override {
    if (mode == Mode::inference || !training_) return planner.run(inference_);
    planner.run(*training_);
    if (mode == Mode::calibration) {
      note();
      return planner.run(inference_);
    }
    const memory::dims dims = x_.data.get_desc().dims();
    const auto count = static_cast<double>(dims[0] * dims[2] * dims[3]);
    // The running variance is that of the population, as every framework keeps it.
    const auto unbiased = static_cast<float>(count > 1 ? count / (count - 1) : 1);
    const float *mean = floats(batch_mean_), *variance = floats(batch_variance_);
    float *running_mean = floats(mean_.values), *running_variance = floats(variance_.values);
    for (memory::dim c = 0; c < dims[1]; ++c) {
      running_mean[c] = momentum_ * running_mean[c] + (1 - momentum_) * mean[c];
      running_variance[c] = momentum_ * running_variance[c] + (1 - momentum_) * unbiased * variance[c];
    }
  }

  void finish_calibration() override {
    if (noted_ == 0) return;
    const auto batches = static_cast<double>(std::exchange(noted_, 0));
    for (std::size_t c = 0; c < means_.size(); ++c) {
      const double mean = means_[c] / batches;
      // Within the batches and between them.
      const double variance = std::max(0.0, (variances_[c] + squares_[c]) / batches - mean * mean);
      const double slope = static_cast<double>(floats(scale_.values)[c]) /
                           std::sqrt(static_cast<double>(floats(variance_.values)[c]) + static_cast<double>(epsilon_));
      const double moved = mean - static_cast<double>(floats(mean_.values)[c]);
      floats(scale_.values)[c] = static_cast<float>(slope * std::sqrt(variance + static_cast<double>(epsilon_)));
      floats(shift_.values)[c] += static_cast<float>(slope * moved);
      floats(mean_.values)[c] = static_cast<float>(mean);
      floats(variance_.values)[c] = static_cast<float>(variance);
    }
  }

  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    const memory::desc data = x_.data.get_desc();
    const Backward::primitive_desc desc(Backward::desc(dnnl::prop_kind::backward, data, data, epsilon_, flags_), planner.engine,
                                        training_desc_);
    const Gradient dx = planner.lease(data);
    backward_ = {Backward(desc),
                 {{DNNL_ARG_SRC, x_.data},
                  {DNNL_ARG_MEAN, batch_mean_},
                  {DNNL_ARG_VARIANCE, batch_variance_},
                  {DNNL_ARG_SCALE, scale_.values},
                  {DNNL_ARG_SHIFT, shift_.values},
                  {DNNL_ARG_DIFF_DST, dy.data},
                  {DNNL_ARG_DIFF_SRC, dx.data},
                  {DNNL_ARG_DIFF_SCALE, scale_.gradient},
                  {DNNL_ARG_DIFF_SHIFT, shift_.gradient}}};
    if (workspace_) backward_.arguments[DNNL_ARG_WORKSPACE] = workspace_;
    if (x_.wants_gradient) x_.gradients.push_back(dx);
  }

  void backward(Planner& planner) override {
    incoming_.run();
    planner.run(backward_);
  }

 private:
  void note() {
    if (noted_++ == 0) {
      for (auto* sums : {&means_, &squares_, &variances_})
        sums->assign(static_cast<std::size_t>(x_.data.get_desc().dims()[1]), 0);
    }
    for (std::size_t c = 0; c < means_.size(); ++c) {
      const auto mean = static_cast<double>(floats(batch_mean_)[c]);
      means_[c] += mean;
      squares_[c] += mean * mean;
      variances_[c] += static_cast<double>(floats(batch_variance_)[c]);
    }
  }

  std::unordered_map<int, memory> arguments(const memory& mean, const memory& variance) const {
    return {{DNNL_ARG_SRC, x_.data},       {DNNL_ARG_DST, y_.data},         {DNNL_ARG_MEAN, mean},
            {DNNL_ARG_VARIANCE, variance}, {DNNL_ARG_SCALE, scale_.values}, {DNNL_ARG_SHIFT, shift_.values}};
  }

  Value &x_, &y_;
  Weights &scale_, &shift_, &mean_, &variance_;
  float epsilon_, momentum_;
  normalization_flags flags_;
  Forward::primitive_desc training_desc_;
  memory batch_mean_, batch_variance_, workspace_;
  Call inference_, backward_;
  std::optional<Call> training_;  // where it is not frozen
  IncomingGradient incoming_;
  // Sums over the batches of a calibration.
  std::vector<double> means_, squares_, variances_;
  std::size_t noted_ = 0;
};

}  // namespace

std::unique_ptr<Layer> make_batch_norm(Planner& planner, const Site& site, const BatchNormalization& op, bool with_relu) {
  return std::make_unique<BatchNormLayer>(planner, site, op, with_relu);
}

}  // namespace resnet::train
