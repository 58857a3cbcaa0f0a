#include "lib/classify/scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/overloaded.h"

namespace resnet {

namespace {

std::span<float> floats(std::span<std::byte> bytes) {
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

// One image of `pixels` samples per channel, from one order of axes to the other.
template <typename T>
void copy_image(const T* from, bool from_channels_last, T* to, bool to_channels_last, std::size_t pixels, std::size_t channels) {
  if (from_channels_last == to_channels_last || channels == 1) {
    std::copy_n(from, pixels * channels, to);
    return;
  }
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      if (to_channels_last) {
        to[i * channels + c] = from[c * pixels + i];
      } else {
        to[c * pixels + i] = from[i * channels + c];
      }
    }
  }
}

// Where an image goes: a slot of the network's input, in this order of its axes.
struct Slot {
  std::span<std::byte> bytes;
  DType dtype;
  bool channels_last;
  std::size_t channels;
};

void fill_slot(const Values& values, const Preprocessing& /*preprocessing*/, const Slot& slot) {
  const auto pixels = static_cast<std::size_t>(values.width) * static_cast<std::size_t>(values.height);
  if (slot.dtype == DType::uint8) {
    copy_image(values.tensor.data<std::uint8_t>().data() + values.first, values.channels_last,
               reinterpret_cast<std::uint8_t*>(slot.bytes.data()), slot.channels_last, pixels, slot.channels);
  } else {
    copy_image(values.tensor.data<float>().data() + values.first, values.channels_last, floats(slot.bytes).data(),
               slot.channels_last, pixels, slot.channels);
  }
}

// One channel: its luminance, by the first of the preparation's means and deviations.
void fill_with_luminance(const image::Pixels& pixels, const Preprocessing& preprocessing, const Slot& slot) {
  const std::vector<std::uint8_t> levels = image::luminance(pixels);
  if (slot.dtype == DType::uint8) {
    std::copy(levels.begin(), levels.end(), reinterpret_cast<std::uint8_t*>(slot.bytes.data()));
  } else {
    image::normalize_luminance(levels, preprocessing, floats(slot.bytes));
  }
}

void fill_slot(const image::Pixels& pixels, const Preprocessing& preprocessing, const Slot& slot) {
  if (slot.channels == 1) return fill_with_luminance(pixels, preprocessing, slot);
  if (slot.dtype == DType::float32) {
    (slot.channels_last ? image::normalize_nhwc : image::normalize_nchw)(pixels, preprocessing, floats(slot.bytes));
    return;
  }
  // A network that takes the levels themselves: only their order can differ.
  std::vector<std::uint8_t> levels = pixels.rgb;
  if (preprocessing.channel_order == ChannelOrder::bgr) {
    for (std::size_t i = 0; i < levels.size(); i += 3) std::swap(levels[i], levels[i + 2]);
  }
  copy_image(levels.data(), true, reinterpret_cast<std::uint8_t*>(slot.bytes.data()), slot.channels_last, levels.size() / 3, 3);
}

bool keeps_levels(const Preprocessing& preprocessing) {
  return preprocessing.scale == 1 && preprocessing.mean == std::array<float, 3>{0, 0, 0} &&
         preprocessing.std == std::array<float, 3>{1, 1, 1};
}

// How the scores of a batch lie in the network's output.
struct ScoreLayout {
  std::size_t classes = 0, positions = 1;  // of an image
  bool classes_last = false;               // a position has its classes side by side
};

// Throws Error(unsupported) where they are not those of `batch` images.
ScoreLayout layout_of_scores(const Tensor& output, std::int64_t batch, const std::string& name, bool channels_last) {
  const auto elements = static_cast<std::size_t>(output.elements());
  const Shape& found = output.shape();
  const bool per_image = found.rank() == 1 ? batch == 1 : (found.rank() > 1 && found[0] == batch);
  if (!per_image || elements == 0) {
    throw Error(Fault::unsupported, fmt::format("the model's output '{}' has shape {} for {} images, expected {}xclasses", name,
                                                found.to_string(), batch, batch));
  }
  const std::size_t per_row = elements / static_cast<std::size_t>(batch);
  ScoreLayout layout{per_row, 1, false};
  // (N, classes, H, W), or (N, H, W, classes) of a network that has its channels last; a dim of 1 is either.
  if (found.rank() > 2) {
    layout.classes_last = channels_last && found.rank() == 4;
    const auto candidate = static_cast<std::size_t>(found[layout.classes_last ? found.rank() - 1 : 1]);
    const bool pooled =
        std::count_if(found.dims().begin() + 1, found.dims().end(), [](std::int64_t dim) { return dim != 1; }) <= 1;
    if (!pooled) layout.classes = candidate;
  }
  layout.positions = per_row / layout.classes;
  return layout;
}

// The scores of the first `images`, averaged over the positions.
Scores averaged(const Tensor& output, const ScoreLayout& layout, std::size_t images) {
  const auto [classes, positions, classes_last] = layout;
  const std::size_t per_row = classes * positions;
  Scores scores;
  scores.classes = classes;
  scores.values.resize(images * classes);
  const std::vector<float> converted = output.dtype() == DType::float32 ? std::vector<float>() : output.values_as<float>();
  const std::span<const float> values =
      output.dtype() == DType::float32 ? output.data<float>() : std::span<const float>(converted);
  for (std::size_t image = 0; image < images; ++image) {
    const std::span<const float> row = values.subspan(image * per_row, per_row);
    for (std::size_t c = 0; c < classes; ++c) {
      if (positions == 1) {
        scores.values[image * classes + c] = row[c];
        continue;
      }
      double sum = 0;
      for (std::size_t p = 0; p < positions; ++p)
        sum += static_cast<double>(classes_last ? row[p * classes + c] : row[c * positions + p]);
      scores.values[image * classes + c] = static_cast<float>(sum / static_cast<double>(positions));
    }
  }
  return scores;
}

}  // namespace

int width_of(const PreparedImage& image) {
  return std::visit([](const auto& alternative) { return alternative.width; }, image);
}

int height_of(const PreparedImage& image) {
  return std::visit([](const auto& alternative) { return alternative.height; }, image);
}

bool have_same_size(const PreparedImage& a, const PreparedImage& b) {
  return width_of(a) == width_of(b) && height_of(a) == height_of(b);
}

std::int64_t not_finite(const PreparedImage& image) {
  const auto* values = std::get_if<Values>(&image);
  if (values == nullptr || values->tensor.dtype() != DType::float32) return 0;
  const auto floats = values->tensor.data<float>().subspan(values->first, values->size);
  return std::count_if(floats.begin(), floats.end(), [](float value) { return !std::isfinite(value); });
}

std::optional<std::string> wrong_size(const ImageInput& input, const Preprocessing& preprocessing, std::int64_t width,
                                      std::int64_t height) {
  if (input.height.value_or(height) == height && input.width.value_or(width) == width) return std::nullopt;
  return fmt::format("has {}x{} pixels after the preprocessing '{}', expected {}", width, height, preprocessing.name,
                     input.to_string());
}

namespace {

// Floating-point values of another precision become float, whole numbers from 0 to 255 levels.
Tensor converted_to(DType dtype, const Tensor& tensor) {
  if (dtype == tensor.dtype()) return tensor;
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::mismatch, Frame::file(Role::input), fmt::format("holds {}, expected {}", what, name_of(dtype)));
  };
  const std::string elements = fmt::format("elements of type {}", name_of(tensor.dtype()));
  if (dtype == DType::float32 && is_floating_point(tensor.dtype()))
    return Tensor::from<float>(tensor.shape(), tensor.values_as<float>());
  if (dtype != DType::uint8 || is_floating_point(tensor.dtype())) refuse(elements);
  std::vector<std::uint8_t> levels;
  for (const std::int64_t value : tensor.values_as<std::int64_t>()) {
    if (value < 0 || value > 255) refuse(fmt::format("the value {}", value));
    levels.push_back(static_cast<std::uint8_t>(value));
  }
  return Tensor::from<std::uint8_t>(tensor.shape(), levels);
}

}  // namespace

std::vector<Values> split(const Tensor& tensor, const ImageInput& input) {
  const Shape& shape = tensor.shape();
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("{}, expected {}xHxW or {}", what, input.channels, input.to_string()));
  };
  if (shape.rank() != 3 && shape.rank() != 4) refuse(fmt::format("has shape {}", shape.to_string()));
  const std::size_t front = shape.rank() - 3;
  const bool channels_last = input.channels_last && shape[front + 2] == input.channels;
  if (!channels_last && shape[front] != input.channels) refuse(fmt::format("has shape {}", shape.to_string()));
  const std::int64_t height = shape[front + (channels_last ? 0 : 1)], width = shape[front + (channels_last ? 1 : 2)];
  if (tensor.elements() == 0) refuse(fmt::format("has shape {}, which holds no image", shape.to_string()));
  constexpr std::int64_t largest = 1 << 24;
  if (height > largest || width > largest || (input.height && *input.height != height) ||
      (input.width && *input.width != width)) {
    refuse(fmt::format("has shape {}", shape.to_string()));
  }
  const Tensor converted = converted_to(input.dtype, tensor);
  std::vector<Values> images;
  const auto size = static_cast<std::size_t>(input.channels * height * width);
  for (std::size_t i = 0; i < static_cast<std::size_t>(front == 0 ? 1 : shape[0]); ++i) {
    images.push_back({converted, i * size, size, channels_last, static_cast<int>(width), static_cast<int>(height)});
  }
  return images;
}

Scorer::Scorer(std::shared_ptr<const xnnpack::Plan> plan, ThreadPool& pool)
    : input_(find_image_input(plan->graph())),
      output_(find_score_output(plan->graph())),
      alone_(check_batch(plan->graph()) && !input_.batch),
      session_(std::move(plan), pool, xnnpack::Sharing::where_it_pays) {}

std::size_t Scorer::batch_size(std::size_t wanted) const {
  if (alone_) return 1;
  return static_cast<std::size_t>(std::max<std::int64_t>(1, input_.batch.value_or(static_cast<std::int64_t>(wanted))));
}

void Scorer::fill(std::span<const PreparedImage> images, const Preprocessing& preprocessing) {
  const std::span<std::byte> buffer = session_.input(0);
  const bool channels_last = input_.channels_last || session_.input_layout(0) == xnnpack::Layout::nhwc;
  const std::size_t size = static_cast<std::size_t>(input_.channels) * static_cast<std::size_t>(width_of(images[0])) *
                           static_cast<std::size_t>(height_of(images[0])) * size_of(input_.dtype);
  if (images.size() * size > buffer.size()) {
    throw Error(Fault::unsupported, fmt::format("the model's input '{}' has room for {} bytes, expected {} for {} images",
                                                input_.name, buffer.size(), images.size() * size, images.size()));
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Slot slot{buffer.subspan(i * size, size), input_.dtype, channels_last, static_cast<std::size_t>(input_.channels)};
    std::visit([&](const auto& image) { fill_slot(image, preprocessing, slot); }, images[i]);
  }
  const std::span<std::byte> rest = buffer.subspan(images.size() * size);
  std::fill(rest.begin(), rest.end(), std::byte{0});
}

Scores Scorer::run(std::span<const PreparedImage> images, const Preprocessing& preprocessing) {
  assert(!images.empty() && images.size() <= batch_size(images.size()));
  const std::int64_t height = height_of(images[0]), width = width_of(images[0]);
  if (const auto wrong = wrong_size(input_, preprocessing, width, height))
    throw Error(Fault::mismatch, Frame::file(Role::input), *wrong);
  if (input_.dtype == DType::uint8 && !keeps_levels(preprocessing)) {
    throw Error(Fault::invalid,
                fmt::format("the model takes levels of 0 to 255, the preprocessing '{}' changes them", preprocessing.name));
  }
  const std::int64_t batch = input_.batch.value_or(static_cast<std::int64_t>(images.size()));
  const Shape shape = input_.shape(batch, height, width);
  session_.reshape(std::span(&shape, 1));
  batch_ = static_cast<std::size_t>(batch);
  fill(images, preprocessing);
  session_.run();
  const Tensor& output = session_.output(output_.index);
  return averaged(output, layout_of_scores(output, batch, output_.name, input_.channels_last), images.size());
}

}  // namespace resnet
