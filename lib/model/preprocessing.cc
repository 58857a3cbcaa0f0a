#include "lib/model/preprocessing.h"

namespace resnet {

namespace {

constexpr std::array<std::string_view, 6> names = {"torchvision", "caffe", "tf", "mlperf", "cifar10", "raw"};

}  // namespace

std::optional<Preprocessing> find_preprocessing(std::string_view name) {
  Preprocessing result;
  result.name = name;
  if (name == "torchvision") {
    result.mean = {0.485f, 0.456f, 0.406f};
    result.std = {0.229f, 0.224f, 0.225f};
  } else if (name == "caffe") {
    result.channel_order = ChannelOrder::bgr;
    result.scale = 1;
    result.mean = {103.939f, 116.779f, 123.68f};
  } else if (name == "tf") {
    result.scale = 1.0f / 127.5f;
    result.mean = {1, 1, 1};
  } else if (name == "mlperf") {
    result.scale = 1;
    result.mean = {123.68f, 116.78f, 103.94f};
  } else if (name == "cifar10") {
    result.resize = std::nullopt;
    result.crop_size = std::nullopt;
    result.mean = {0.4914f, 0.4822f, 0.4465f};
    result.std = {0.2470f, 0.2435f, 0.2616f};
  } else if (name == "raw") {
    result.resize = std::nullopt;
    result.crop_size = std::nullopt;
    result.scale = 1;
  } else {
    return std::nullopt;
  }
  return result;
}

std::string preprocessing_names() {
  std::string result;
  for (const std::string_view name : names) {
    if (!result.empty()) result += '|';
    result += name;
  }
  return result;
}

}  // namespace resnet
