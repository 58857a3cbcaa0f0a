#include "formats/hubconfig/preprocessor.h"

#include <fmt/format.h>

#include "formats/hubconfig/hubconfig.h"
#include "lib/base/error.h"

namespace resnet::hubconfig {

namespace {

std::array<float, 3> read_channels(const Field& field, double least, double most) {
  std::array<float, 3> channels = {};
  const std::vector<Field> numbers = field.elements(3, "three numbers, one for each channel");
  for (std::size_t i = 0; i < 3; ++i) channels[i] = static_cast<float>(numbers[i].number(least, most));
  return channels;
}

// PIL's numbers.
Interpolation read_resample(const Field& field) {
  const nlohmann::json& json = field.json();
  if (json == 1) return Interpolation::lanczos;
  if (json == 2) return Interpolation::bilinear;
  if (json == 3) return Interpolation::bicubic;
  field.refuse("1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
}

enum class Processor { convnext, vit };

// Without a type transformers take the one of its ResNet.
Processor read_processor(const Field& file) {
  const auto type = file.find_first({"image_processor_type", "feature_extractor_type"});
  if (!type) return Processor::convnext;
  const std::string text = type->text(100);
  std::string_view name = text;
  for (const std::string_view ending : {"Fast", "ImageProcessor", "FeatureExtractor"}) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  if (name == "ConvNext") return Processor::convnext;
  if (name == "ViT") return Processor::vit;
  type->refuse("ConvNextImageProcessor or ViTImageProcessor");
}

// ConvNeXt's: a shorter side below 384 is resized to n / crop_pct and cropped, from there on squashed without a crop.
void read_convnext_size(const Field& file, Preprocessing& p) {
  constexpr int least_squashed = 384;
  int side = least_squashed;
  if (const auto size = file.find("size")) {
    const auto edge = size->is_object() ? size->find("shortest_edge") : size;
    if (!edge) size->refuse("a number of pixels, or an object with 'shortest_edge'");
    side = read_side(*edge);
  }
  p.resize = p.crop_size = side;
  const auto share = file.find("crop_pct");
  const double crop_pct = share ? read_crop_pct(*share, side) : 224.0 / 256;
  if (side >= least_squashed) {
    p.crop_mode = CropMode::squash;
  } else {
    p.crop_pct = crop_pct;
    p.resize = resized_for(side, crop_pct);
  }
}

void read_vit_size(const Field& file, Preprocessing& p) {
  p.crop_mode = CropMode::squash;
  p.resize = p.crop_size = 224;
  const auto size = file.find("size");
  if (!size) return;
  if (!size->is_object()) {
    p.resize = p.crop_size = read_side(*size);
    return;
  }
  const auto height = size->find("height"), width = size->find("width");
  if (!height || !width) size->refuse("a number of pixels, or an object with 'height' and 'width'");
  p.resize = p.crop_size = read_side(*height);
  if (read_side(*width) != p.resize) width->refuse(fmt::format("{}, as the height is: crops are square", *p.resize));
}

bool does(const Field& file, const char* key) {
  const auto field = file.find(key);
  return !field || field->boolean();
}

Preprocessing read(const Field& file) {
  Preprocessing p;
  p.name = "transformers";
  p.crop_corner = CropCorner::down;
  const Processor processor = read_processor(file);
  (processor == Processor::vit ? read_vit_size : read_convnext_size)(file, p);
  if (!does(file, "do_resize")) {
    p.resize = p.crop_size = std::nullopt;
    p.crop_mode = CropMode::center;
    p.crop_pct.reset();
  }
  if (const auto resample = file.find("resample")) p.interpolation = read_resample(*resample);
  if (const auto factor = file.find("rescale_factor"))
    p.scale = static_cast<float>(factor->number(static_cast<double>(least_factor), static_cast<double>(largest_factor)));
  if (!does(file, "do_rescale")) p.scale = 1;
  p.mean = p.std = {0.5f, 0.5f, 0.5f};
  if (const auto mean = file.find("image_mean")) p.mean = read_mean(*mean);
  if (const auto std = file.find("image_std")) p.std = read_std(*std);
  if (!does(file, "do_normalize")) {
    p.mean = {0, 0, 0};
    p.std = {1, 1, 1};
  }
  if (const std::string mistake = find_mistake(p); !mistake.empty()) throw Error(Fault::malformed, mistake);
  return p;
}

}  // namespace

int read_side(const Field& field) { return static_cast<int>(field.integer(1, largest_side)); }

double read_crop_pct(const Field& field, int side) {
  const std::string expected = fmt::format("a share above {} and up to 1", least_crop_pct);
  if (!field.json().is_number()) field.refuse(expected);
  const double share = field.json().get<double>();
  if (!(share > least_crop_pct && share <= 1)) field.refuse(expected);
  if (const int resized = resized_for(side, share); resized > largest_side)
    field.refuse(fmt::format("a share with which a photo for {} pixels is resized to at most {}", side, largest_side));
  return share;
}

std::array<float, 3> read_mean(const Field& field) {
  return read_channels(field, -static_cast<double>(largest_factor), static_cast<double>(largest_factor));
}

std::array<float, 3> read_std(const Field& field) {
  return read_channels(field, static_cast<double>(least_factor), static_cast<double>(largest_factor));
}

Preprocessing parse_preprocessor(std::string_view text, const std::string& name) {
  Preprocessing result;
  read_json(text, name, [&](const Field& file) { result = read(file); });
  return result;
}

}  // namespace resnet::hubconfig
