// transformers' config.json, which describes the network itself; and which library's a file is.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "formats/hubconfig/labels.h"
#include "formats/hubconfig/libraries.h"
#include "lib/base/error.h"

namespace resnet::hubconfig {

namespace {

constexpr std::int64_t most_blocks = 1000, most_channels = 4096;

void expect_value(const Field& file, const char* key, const nlohmann::json& value) {
  if (const auto field = file.find(key); field && field->json() != value) field->refuse(shown(value));
}

bool read_flag(const Field& file, const char* key) {
  const auto field = file.find(key);
  return field && field->boolean();
}

Field require(const Field& file, const char* key) {
  auto field = file.find(key);
  if (!field) throw Error(Fault::malformed, fmt::format("has no '{}', expected a ResNet of transformers", key));
  return *std::move(field);
}

arch::Block read_block(const Field& file) {
  const auto type = file.find("layer_type");
  if (!type || type->json() == "bottleneck") return arch::Block::bottleneck;
  if (type->json() != "basic") type->refuse("basic or bottleneck");
  return arch::Block::basic;
}

std::vector<int> read_depths(const Field& field) {
  if (!field.json().is_array() || field.json().empty() || field.json().size() > 8) field.refuse("the blocks of 1 to 8 stages");
  std::vector<int> blocks;
  for (const Field& depth : field.elements(field.json().size(), "numbers"))
    blocks.push_back(static_cast<int>(depth.integer(1, most_blocks)));
  return blocks;
}

// The channels within a block of the first stage; each later stage has twice as many.
std::int64_t read_channels(const Field& field, const arch::Spec& spec) {
  const std::vector<Field> sizes =
      field.elements(spec.blocks.size(), fmt::format("{} numbers, as 'depths' has", spec.blocks.size()));
  const std::int64_t reduction = spec.block == arch::Block::bottleneck ? 4 : 1;
  std::int64_t expected = sizes.front().integer(1, most_channels * reduction);
  if (expected % reduction != 0) sizes.front().refuse(fmt::format("a multiple of {}", reduction));
  const std::int64_t first = expected / reduction;
  for (const Field& size : sizes) {
    if (size.json() != expected) size.refuse(fmt::format("{}: a stage has twice the last one's", expected));
    expected *= 2;
  }
  return first;
}

// Its name where timm has one, else one by its depth.
std::string name_of_network(const arch::Spec& spec) {
  for (const std::string& name : arch::names()) {
    arch::Spec known = *arch::find_spec(name);
    known.name = spec.name;
    known.variant = spec.variant;
    known.classes = spec.classes;
    if (known == spec) return name;
  }
  return fmt::format("resnet{}", arch::depth_of(spec));
}

arch::Spec read_spec(const Field& file) {
  arch::Spec spec;
  spec.block = read_block(file);
  spec.blocks = read_depths(require(file, "depths"));
  spec.first_channels = read_channels(require(file, "hidden_sizes"), spec);
  if (const auto stem = file.find("embedding_size"); stem && stem->json() != spec.first_channels)
    stem->refuse(fmt::format("{}, as the first of 'hidden_sizes' makes it", spec.first_channels));
  expect_value(file, "num_channels", 3);
  expect_value(file, "hidden_act", "relu");
  expect_value(file, "downsample_in_first_stage", false);
  spec.variant = read_flag(file, "downsample_in_bottleneck") ? arch::Variant::v1 : arch::Variant::v1_5;
  spec.name = name_of_network(spec);
  return spec;
}

void read_classes(const Field& file, Configuration& result) {
  if (const auto classes = file.find("architectures"); classes && classes->json().is_array() && classes->json().size() == 1) {
    const nlohmann::json& name = classes->json().front();
    if (name == "ResNetModel" || name == "ResNetBackbone") {
      result.classes = 0;
      return;
    }
  }
  if (const auto names = file.find("id2label"); names && !names->json().empty()) {
    result.labels = read_labels(*names);
    result.classes = static_cast<std::int64_t>(result.labels.size());
    if (are_placeholders(result.labels)) result.labels.clear();
  } else if (const auto count = file.find("num_labels")) {
    result.classes = count->integer(1, most_classes);
  }
}

Configuration read(const Field& file) {
  const auto type = file.find("model_type");
  if (file.find("architecture") && (!type || type->json() == "timm_wrapper")) return read_timm(file);
  if (type && type->json() == "resnet") return read_transformers(file);
  if (type) type->refuse("resnet");
  if (const auto error = file.find("error")) {
    throw Error(Fault::malformed,
                fmt::format("is an error that a server answered, {}; fetch the file again", shown(error->json())));
  }
  throw Error(Fault::malformed, "has neither 'architecture' nor 'model_type', expected timm's or transformers' configuration");
}

}  // namespace

Configuration read_transformers(const Field& file) {
  Configuration result;
  result.library = Library::transformers;
  result.spec = read_spec(file);
  result.architecture = result.spec->name;
  read_classes(file, result);
  if (result.classes.value_or(0) > 0) result.spec->classes = *result.classes;
  if (const auto license = file.find("license")) result.license = license->text(100);
  return result;
}

Configuration parse(std::string_view text, const std::string& name) {
  Configuration result;
  read_json(text, name, [&](const Field& file) { result = read(file); });
  return result;
}

}  // namespace resnet::hubconfig
