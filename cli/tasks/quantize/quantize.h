// A network in floats becomes one that computes in 8-bit integers: it is shown photos, which says what values it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "lib/quantize/range.h"
#include "lib/quantize/rewrite.h"

namespace resnet::cli {

struct QuantizeRequest {
  std::string model;
  NetworkOptions network;           // how it is opened and prepared
  std::vector<std::string> photos;  // as Photos takes them
  std::size_t most_photos = 500;    // of them, evenly spread

  quantize::Method method = quantize::Method::entropy;
  double percentile = 99.99;
  quantize::Form form = quantize::Form::qdq;
  quantize::Activations activations = quantize::Activations::u8;
  bool bias_correction = true;
  std::vector<std::string> excluded = {};  // names or patterns of nodes that stay in floats

  bool choose_layers = false;  // leave the layers that cost the most in floats, until no more is lost than
  double most_loss = 0.5;      // this, in points of top-1

  std::string check = {};  // photos of known classes, as evaluate takes them; empty: none

  std::string output;
  bool native = false;            // .resnet, else ONNX
  std::optional<int> opset = {};  // of ONNX files
};

struct LayerNoise {
  std::string name, op;
  double decibels = 0;  // of what it gives, against the network in floats; infinite where both are the same
};

// One network on the check's photos.
struct CheckedNetwork {
  double top1 = 0, top5 = 0;            // percent
  std::optional<std::uintmax_t> bytes;  // of its files; nothing of a network that is built
  double milliseconds = 0;              // an image, the median
};

struct QuantizeResult {
  std::size_t photos = 0, failed = 0;     // images that it was calibrated with; files that could not be read
  std::size_t layers = 0, quantized = 0;  // convolutions, products and additions; of them in integers
  // By --auto: those left in floats, the worst first, with their signal to noise when they alone are quantized; and what is lost
  // then.
  std::vector<LayerNoise> chosen;
  std::optional<double> loss;
  std::vector<LayerNoise> noise;  // of the layers in integers, the worst first; for the check alone
  struct Check {
    CheckedNetwork before, after;
    std::int64_t photos = 0;
    bool any_failed = false;
  };
  std::optional<Check> check;
  std::uintmax_t bytes = 0;  // of the file that was written
};

class QuantizeTask {
 public:
  // Opens the model, and finds the photos. Request and context outlive the task. Throws Error: of the model; Error(invalid) where
  // it is quantized already, where nothing is called as an excluded node is, and what `before_reading` throws.
  QuantizeTask(const QuantizeRequest& request, const TaskContext& context);
  ~QuantizeTask();

  // Called once; the file is written whole or not at all. Photos that cannot be read are told to the observer. Throws
  // Error(unreadable) where there is none left, Error(unwritable), Error(interrupted).
  QuantizeResult run();

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace resnet::cli
