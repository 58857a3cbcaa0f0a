#include "formats/onnx/metadata.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace resnet::onnx {

namespace {

// Floats as the shortest text that reads back as the same float.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

constexpr const char* labels_key = "resnet-cli.labels";
constexpr const char* preprocessing_key = "resnet-cli.preprocessing";
constexpr const char* interpolations[] = {"bilinear", "bicubic", "lanczos"};

Json json_of(const Preprocessing& p) {
  return {{"name", p.name},
          {"resize", p.resize ? Json(*p.resize) : Json()},
          {"crop_size", p.crop_size ? Json(*p.crop_size) : Json()},
          {"interpolation", interpolations[static_cast<std::size_t>(p.interpolation)]},
          {"channel_order", p.channel_order == ChannelOrder::bgr ? "bgr" : "rgb"},
          {"scale", p.scale},
          {"mean", p.mean},
          {"std", p.std},
          {"exif", p.exif}};
}

// Throws Json::exception for what does not fit.
Preprocessing preprocessing_of(const Json& json) {
  Preprocessing p;
  p.name = json.at("name").get<std::string>();
  const auto size = [&](const char* key) -> std::optional<int> {
    if (json.at(key).is_null()) return std::nullopt;
    return std::clamp(json.at(key).get<int>(), 1, 100'000);
  };
  p.resize = size("resize");
  p.crop_size = size("crop_size");
  const std::string interpolation = json.at("interpolation").get<std::string>();
  for (std::size_t i = 0; i < std::size(interpolations); ++i) {
    if (interpolation == interpolations[i]) p.interpolation = static_cast<Interpolation>(i);
  }
  p.channel_order = json.at("channel_order") == "bgr" ? ChannelOrder::bgr : ChannelOrder::rgb;
  p.scale = json.at("scale").get<float>();
  p.mean = json.at("mean").get<std::array<float, 3>>();
  p.std = json.at("std").get<std::array<float, 3>>();
  p.exif = json.at("exif").get<bool>();
  return p;
}

}  // namespace

void read_metadata(Model& model, Notes& notes) {
  const auto take = [&](const char* key, auto read) {
    const auto entry = model.metadata.find(key);
    if (entry == model.metadata.end()) return;
    try {
      read(Json::parse(entry->second));
      model.metadata.erase(entry);
    } catch (const Json::exception&) {
      notes.add(fmt::format("the metadata '{}' cannot be read", key));
    }
  };
  take(labels_key, [&](const Json& json) { model.labels = json.get<std::vector<std::string>>(); });
  take(preprocessing_key, [&](const Json& json) { model.preprocessing = preprocessing_of(json); });
}

std::map<std::string, std::string> written_metadata(const Model& model) {
  std::map<std::string, std::string> metadata = model.metadata;
  const auto text = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (!model.labels.empty()) metadata[labels_key] = text(model.labels);
  if (model.preprocessing) metadata[preprocessing_key] = text(json_of(*model.preprocessing));
  return metadata;
}

}  // namespace resnet::onnx
