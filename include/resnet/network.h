// A model made ready to run.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "resnet/export.h"
#include "resnet/model.h"

RESNET_NAMESPACE_BEGIN

struct NetworkOptions {
  // The classes' names: "imagenet1k", "cifar10", or a file of one name a line. Empty: the model's own, or by the number of
  // classes.
  std::string labels = {};
  // How photos are prepared: "torchvision", "caffe", "tf", "mlperf", "cifar10" or "raw", as `resnet-cli predict --preprocess` has
  // them. Empty: as the model says; where it says nothing it is guessed, and notes() says so.
  std::string preprocessing = {};
  std::size_t threads = 0;     // that compute; 0: one for each physical core that the process may use
  std::size_t batch_size = 1;  // images that run at once, from 1 to 4096
};

// Immutable; copies share what they hold. May be used on several threads at once.
class RESNET_API Network {
 public:
  // Takes the time to pack the weights. Throws Error: unsupported where the model does not classify images or has an operator
  // that cannot be run, invalid_argument where an option does not fit.
  explicit Network(const Model& model, const NetworkOptions& options = {});

  // How many scores an image has.
  std::size_t classes() const noexcept;
  // One per class, or none.
  const std::vector<std::string>& labels() const noexcept;
  // Of the images that the network takes, in pixels.
  std::size_t height() const noexcept;
  std::size_t width() const noexcept;
  // How photos are prepared, in words: "torchvision: shorter side to 256 (bilinear), centre crop 224, ...".
  const std::string& preprocessing() const noexcept;
  // What was assumed, and what makes answers doubtful: one line each.
  const std::vector<std::string>& notes() const noexcept;

  // For images that are prepared already: `images` holds `count` of them, each of 3 x height() x width() numbers, as the
  // network's input wants them (normalised, channel by channel). The result holds count x classes() numbers: what the network
  // gives, logits or probabilities. Calls wait for each other. Throws Error (invalid_input) where the sizes do not fit.
  std::vector<float> scores(std::span<const float> images, std::size_t count = 1) const;

  struct Data;  // the library's own

 private:
  friend class Classifier;
  std::shared_ptr<Data> data_;
};

RESNET_NAMESPACE_END
