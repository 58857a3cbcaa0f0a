#include "formats/onnx/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "formats/labels/labels.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

// Floats as the shortest text that reads back as the same float.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

constexpr const char* labels_key = "resnet-cli.labels";
constexpr const char* preprocessing_key = "resnet-cli.preprocessing";
constexpr const char* spec_key = "resnet-cli.architecture";
constexpr const char* stems[] = {"imagenet", "deep", "cifar"};
constexpr const char* interpolations[] = {"bilinear", "bicubic", "lanczos"};

Json json_of(const Preprocessing& p) {
  Json json = {{"name", p.name},
               {"resize", p.resize ? Json(*p.resize) : Json()},
               {"crop_size", p.crop_size ? Json(*p.crop_size) : Json()},
               {"interpolation", interpolations[static_cast<std::size_t>(p.interpolation)]},
               {"channel_order", p.channel_order == ChannelOrder::bgr ? "bgr" : "rgb"},
               {"scale", p.scale},
               {"mean", p.mean},
               {"std", p.std},
               {"exif", p.exif}};
  // Where they are not the default: files of networks without them are as they were.
  if (p.crop_mode != CropMode::center) json["crop_mode"] = word_of(p.crop_mode);
  if (p.crop_corner != CropCorner::half_to_even) json["crop_corner"] = word_of(p.crop_corner);
  if (p.crop_pct) json["crop_pct"] = static_cast<float>(*p.crop_pct);
  return json;
}

template <typename Choice>
void read_choice(const Json& json, const char* key, Choice& choice) {
  if (!json.contains(key)) return;
  const std::string word = json.at(key).get<std::string>();
  const auto found = find_value<Choice>(word);
  if (!found) throw Error(Fault::malformed, fmt::format("'{}' is '{}', expected {}", key, word, listed_words<Choice>("or")));
  choice = *found;
}

// The keys that are only there where their value is not the default.
void read_crop(const Json& json, Preprocessing& p) {
  read_choice(json, "crop_mode", p.crop_mode);
  read_choice(json, "crop_corner", p.crop_corner);
  if (json.contains("crop_pct")) p.crop_pct = shortest_decimal(json.at("crop_pct").get<float>());
}

// Throws Json::exception for what is not a preprocessing, and Error for one that cannot be used.
Preprocessing preprocessing_of(const Json& json) {
  Preprocessing p;
  p.name = json.at("name").get<std::string>();
  const auto size = [&](const char* key, const char* what) -> std::optional<int> {
    const Json& value = json.at(key);
    if (value.is_null()) return std::nullopt;
    if (!value.is_number_integer())
      throw Error(Fault::malformed, fmt::format("'{}' is {}, expected a number of pixels", key, value.dump()));
    // As it is in the file, of whatever length.
    const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() - 1 < std::uint64_t{largest_side};
    if (!fits)
      throw Error(Fault::malformed,
                  fmt::format("the {} of '{}' is {}, expected 1 to {} pixels", what, p.name, value.dump(), largest_side));
    return static_cast<int>(value.get<std::uint64_t>());
  };
  p.resize = size("resize", "resize");
  p.crop_size = size("crop_size", "crop size");
  const std::string interpolation = json.at("interpolation").get<std::string>();
  const auto* const known = std::find(std::begin(interpolations), std::end(interpolations), interpolation);
  if (known == std::end(interpolations))
    throw Error(Fault::malformed,
                fmt::format("'{}' is not an interpolation, expected bilinear, bicubic or lanczos", interpolation));
  p.interpolation = static_cast<Interpolation>(known - std::begin(interpolations));
  const std::string order = json.at("channel_order").get<std::string>();
  if (order != "rgb" && order != "bgr")
    throw Error(Fault::malformed, fmt::format("'{}' is not an order of channels, expected rgb or bgr", order));
  p.channel_order = order == "bgr" ? ChannelOrder::bgr : ChannelOrder::rgb;
  p.scale = json.at("scale").get<float>();
  const auto channels = [&](const char* key) {
    const Json& values = json.at(key);
    if (values.is_array() && values.size() != 3) {
      throw Error(Fault::malformed, fmt::format("'{}' has {} number{}, expected three, one for each channel", key, values.size(),
                                                values.size() == 1 ? "" : "s"));
    }
    return values.get<std::array<float, 3>>();
  };
  p.mean = channels("mean");
  p.std = channels("std");
  p.exif = json.at("exif").get<bool>();
  read_crop(json, p);
  if (const std::string mistake = find_mistake(p); !mistake.empty()) throw Error(Fault::malformed, mistake);
  return p;
}

Json json_of(const arch::Spec& spec) {
  return {{"name", spec.name},
          {"block", word_of(spec.block)},
          {"blocks", spec.blocks},
          {"stem", stems[static_cast<std::size_t>(spec.stem)]},
          {"first_channels", spec.first_channels},
          {"shortcut", arch::name_of(spec.shortcut)},
          {"zero_channels", word_of(spec.zero_channels)},
          {"variant", arch::name_of(spec.variant)},
          {"pre_activation", spec.pre_activation},
          {"groups", spec.groups},
          {"width_per_group", spec.width_per_group},
          {"average_shortcut", spec.average_shortcut},
          {"squeeze", spec.squeeze},
          {"squeeze_multiple", spec.squeeze_multiple},
          {"efficient_attention", spec.efficient_attention},
          {"stem_channels", spec.stem_channels},
          {"tiered_stem", spec.tiered_stem},
          {"stem_pool", word_of(spec.stem_pool)},
          {"anti_alias", word_of(spec.anti_alias)},
          {"stem_norm", spec.stem_norm},
          {"last_norm", spec.last_norm},
          {"norm", word_of(spec.norm)},
          {"standardized", spec.standardized},
          {"classes", spec.classes},
          {"batch", spec.batch ? Json(*spec.batch) : Json()},
          {"height", spec.height},
          {"width", spec.width}};
}

// What files of before do not have.
void take_newer_fields(const Json& json, arch::Spec& spec) {
  const auto take = [&](const char* key, auto& field) {
    if (const auto found = json.find(key); found != json.end()) found->get_to(field);
  };
  const auto choose = [&](const char* key, auto& field) {
    std::string word(word_of(field));
    take(key, word);
    field = find_value<std::decay_t<decltype(field)>>(word).value_or(field);
  };
  spec.squeeze_multiple = arch::older_squeeze_multiple(spec);
  take("squeeze_multiple", spec.squeeze_multiple);
  take("efficient_attention", spec.efficient_attention);
  take("stem_channels", spec.stem_channels);
  take("tiered_stem", spec.tiered_stem);
  choose("stem_pool", spec.stem_pool);
  choose("anti_alias", spec.anti_alias);
  take("stem_norm", spec.stem_norm);
  take("last_norm", spec.last_norm);
  choose("norm", spec.norm);
  take("standardized", spec.standardized);
  choose("zero_channels", spec.zero_channels);
}

// Throws Json::exception for what does not fit, and Error for what is not an architecture.
arch::Spec spec_of(const Json& json) {
  arch::Spec spec;
  spec.name = json.at("name").get<std::string>();
  spec.block = find_value<arch::Block>(json.at("block").get<std::string>()).value_or(arch::Block::basic);
  spec.blocks = json.at("blocks").get<std::vector<int>>();
  const std::string stem = json.at("stem").get<std::string>();
  for (std::size_t i = 0; i < std::size(stems); ++i) {
    if (stem == stems[i]) spec.stem = static_cast<arch::Stem>(i);
  }
  spec.first_channels = json.at("first_channels").get<std::int64_t>();
  spec.shortcut = arch::find_shortcut(json.at("shortcut").get<std::string>()).value_or(arch::Shortcut::none);
  spec.variant = arch::find_variant(json.at("variant").get<std::string>()).value_or(arch::Variant::v1_5);
  spec.pre_activation = json.at("pre_activation").get<bool>();
  spec.groups = json.at("groups").get<std::int64_t>();
  spec.width_per_group = json.at("width_per_group").get<std::int64_t>();
  spec.average_shortcut = json.at("average_shortcut").get<bool>();
  spec.squeeze = json.at("squeeze").get<std::int64_t>();
  take_newer_fields(json, spec);
  spec.classes = json.at("classes").get<std::int64_t>();
  if (!json.at("batch").is_null()) spec.batch = json.at("batch").get<std::int64_t>();
  spec.height = json.at("height").get<std::int64_t>();
  spec.width = json.at("width").get<std::int64_t>();
  arch::check(spec);
  return spec;
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
    } catch (const Error& error) {
      notes.add(fmt::format("the metadata '{}' cannot be read: {}", key, error.what()));
    }
  };
  take(labels_key, [&](const Json& json) { model.labels = json.get<std::vector<std::string>>(); });
  if (const auto names = model.metadata.find("names"); model.labels.empty() && names != model.metadata.end()) {
    const std::size_t first = names->second.find_first_not_of(' ');
    const bool is_list = first != std::string::npos && (names->second[first] == '{' || names->second[first] == '[');
    try {
      if (is_list) model.labels = labels::parse(names->second, "names");
    } catch (const Error&) {  // it stands for something else
    }
  }
  take(preprocessing_key, [&](const Json& json) { model.preprocessing = preprocessing_of(json); });
  take(spec_key, [&](const Json& json) { model.spec = spec_of(json); });
}

std::map<std::string, std::string> written_metadata(const Model& model) {
  std::map<std::string, std::string> metadata = model.metadata;
  const auto text = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (!model.labels.empty()) metadata[labels_key] = text(model.labels);
  if (model.preprocessing) metadata[preprocessing_key] = text(json_of(*model.preprocessing));
  if (model.spec) metadata[spec_key] = text(json_of(*model.spec));
  return metadata;
}

}  // namespace resnet::onnx
