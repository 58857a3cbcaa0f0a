#include "lib/train/layer.h"
#include "lib/train/loops.h"
#include "lib/train/openmp.h"

namespace resnet::train {

namespace {

class AdditionLayer : public Layer {
 public:
  AdditionLayer(Planner& planner, const Site& site, bool with_relu)
      : a_(*site.inputs[0]), b_(*site.inputs[1]), y_(site.output), with_relu_(with_relu) {
    Arena::Lease lease;
    b_reordered_ = Reorder(planner, b_.data, a_.data.get_desc(), lease);
    planner.give(y_, a_.data.get_desc());
  }
  void forward(Planner& planner, Mode) override {
    b_reordered_.run(planner);
    (with_relu_ ? add_relu : add)(floats(a_.data), floats(b_reordered_.result()), floats(y_.data), floats_in(y_.data));
  }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_, with_relu_);
    if (a_.wants_gradient) a_.gradients.push_back(dy);
    if (!b_.wants_gradient) return;
    Arena::Lease lease;
    db_ = Reorder(planner, dy.data, b_.data.get_desc(), lease);
    b_.gradients.push_back({db_.result(), lease ? lease : dy.lease});
  }
  void backward(Planner& planner) override {
    incoming_.run();
    db_.run(planner);
  }

 private:
  Value &a_, &b_, &y_;
  bool with_relu_;
  Reorder b_reordered_, db_;
  IncomingGradient incoming_;
};

class ReluLayer : public Layer {
 public:
  ReluLayer(Planner& planner, const Site& site) : x_(*site.inputs[0]), y_(site.output) { planner.give(y_, x_.data.get_desc()); }
  void forward(Planner&, Mode) override { relu(floats(x_.data), floats(y_.data), floats_in(y_.data)); }
  void plan_backward(Planner& planner) override { x_.gradients.push_back(incoming_.plan(planner, y_, true)); }
  void backward(Planner&) override { incoming_.run(); }

 private:
  Value &x_, &y_;
  IncomingGradient incoming_;
};

class SigmoidLayer : public Layer {
 public:
  SigmoidLayer(Planner& planner, const Site& site) : x_(*site.inputs[0]), y_(site.output) {
    planner.give(y_, x_.data.get_desc());
  }
  void forward(Planner&, Mode) override { sigmoid(floats(x_.data), floats(y_.data), floats_in(y_.data)); }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    dy_ = dy.data;
    dx_ = planner.add_gradient(x_);
  }
  void backward(Planner&) override {
    incoming_.run();
    sigmoid_gradient(floats(y_.data), floats(dy_), floats(dx_), floats_in(y_.data));
  }

 private:
  Value &x_, &y_;
  memory dy_, dx_;
  IncomingGradient incoming_;
};

// y[n][c][h][w] = x[n][c][h][w] * factor[n][c]: squeeze-and-excitation's end.
class ChannelScaleLayer : public Layer {
 public:
  ChannelScaleLayer(Planner& planner, const Site& site) : x_(*site.inputs[0]), factor_(*site.inputs[1]), y_(site.output) {
    planner.give(y_, x_.data.get_desc());
  }
  void forward(Planner&, Mode) override {
    for_each_channel([&](const Layout& map, const Layout& channel, std::int64_t n, std::int64_t c) {
      const float factor = floats(factor_.data)[channel.at(n, c, 0, 0)];
      const float* x = floats(x_.data);
      float* y = floats(y_.data);
      for_each_pixel(map, n, c, [&](std::size_t i) { y[i] = x[i] * factor; });
    });
  }
  void plan_backward(Planner& planner) override {
    const Gradient dy = incoming_.plan(planner, y_);
    dy_ = dy.data;
    dx_ = planner.add_gradient(x_);
    dfactor_ = planner.add_gradient(factor_);
  }
  void backward(Planner&) override {
    incoming_.run();
    for_each_channel([&](const Layout& map, const Layout& channel, std::int64_t n, std::int64_t c) {
      const std::size_t place = channel.at(n, c, 0, 0);
      const float factor = floats(factor_.data)[place];
      const float *x = floats(x_.data), *dy = floats(dy_);
      float* dx = floats(dx_);
      double sum = 0;
      for_each_pixel(map, n, c, [&](std::size_t i) {
        sum += static_cast<double>(x[i]) * static_cast<double>(dy[i]);
        dx[i] = dy[i] * factor;
      });
      floats(dfactor_)[place] = static_cast<float>(sum);
    });
  }

 private:
  template <typename Body>
  static void for_each_pixel(const Layout& map, std::int64_t n, std::int64_t c, const Body& body) {
    for (std::int64_t h = 0; h < map.dims[2]; ++h) {
      for (std::int64_t w = 0; w < map.dims[3]; ++w) body(map.at(n, c, h, w));
    }
  }
  template <typename Body>
  void for_each_channel(const Body& body) {
    const Layout map(x_.data.get_desc()), channel(factor_.data.get_desc());
    parallel_for(static_cast<std::size_t>(map.dims[0] * map.dims[1]), [&](std::size_t begin, std::size_t end) {
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        body(map, channel, i / map.dims[1], i % map.dims[1]);
      }
    });
  }

  Value &x_, &factor_, &y_;
  memory dy_, dx_, dfactor_;
  IncomingGradient incoming_;
};

}  // namespace

std::unique_ptr<Layer> make_addition(Planner& planner, const Site& site, bool with_relu) {
  return std::make_unique<AdditionLayer>(planner, site, with_relu);
}
std::unique_ptr<Layer> make_relu(Planner& planner, const Site& site) { return std::make_unique<ReluLayer>(planner, site); }
std::unique_ptr<Layer> make_sigmoid(Planner& planner, const Site& site) { return std::make_unique<SigmoidLayer>(planner, site); }
std::unique_ptr<Layer> make_channel_scale(Planner& planner, const Site& site) {
  return std::make_unique<ChannelScaleLayer>(planner, site);
}

}  // namespace resnet::train
