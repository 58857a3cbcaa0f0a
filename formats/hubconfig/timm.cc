// timm's config.json. Its newer form keeps how the weights were trained in pretrained_cfg; in the older one the same keys are at
// the top.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "formats/hubconfig/labels.h"
#include "formats/hubconfig/libraries.h"
#include "formats/hubconfig/preprocessor.h"
#include "formats/labels/labels.h"
#include "lib/base/error.h"

namespace resnet::hubconfig {

namespace {

constexpr double default_crop_pct = 0.875;
constexpr std::size_t most_word_bytes = 100;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= most_word_bytes && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string read_architecture(const Field& field) {
  const char* const expected = "a ResNet of timm, such as resnet50, resnext50_32x4d or seresnet50";
  if (!field.json().is_string()) field.refuse(expected);
  const auto& name = field.json().get_ref<const std::string&>();
  const bool is_kin = name.find("resnet") != name.npos || name.find("resnext") != name.npos;
  if (!is_name(name) || !is_kin) field.refuse(expected);
  return name;
}

// [3, side, side]
int read_input_size(const Field& field) {
  const std::vector<Field> sizes = field.elements(3, "three numbers: channels, height and width");
  if (sizes[0].json() != 3) sizes[0].refuse("3 channels");
  const int side = read_side(sizes[1]);
  if (read_side(sizes[2]) != side) sizes[2].refuse(fmt::format("{}, as the height is: crops are square", side));
  return side;
}

Interpolation read_interpolation(const Field& field) {
  const auto found = field.json().is_string() ? find_value<Interpolation>(field.json().get<std::string>()) : std::nullopt;
  if (!found) field.refuse(listed_words<Interpolation>("or"));
  return *found;
}

CropMode read_crop_mode(const Field& field) {
  const auto mode = field.json().is_string() ? find_value<CropMode>(field.json().get<std::string>()) : std::nullopt;
  if (!mode) field.refuse(listed_words<CropMode>("or"));
  return *mode;
}

// By timm's defaults where a key is absent. `test`: with the keys test_*, each of which may be absent, too.
Preprocessing read_preprocessing(const Field& trained, bool test) {
  const auto find = [&](const char* test_key, const char* key) {
    auto found = test ? trained.find(test_key) : std::nullopt;
    return found ? found : trained.find(key);
  };
  Preprocessing p = *find_preprocessing("torchvision");
  p.interpolation = Interpolation::bicubic;
  const auto size = find("test_input_size", "input_size");
  const int side = size ? read_input_size(*size) : 224;
  const auto share = find("test_crop_pct", "crop_pct");
  p.crop_size = side;
  p.crop_pct = share ? read_crop_pct(*share, side) : default_crop_pct;
  p.resize = resized_for(side, *p.crop_pct);
  if (size && *p.resize > largest_side) size->refuse(fmt::format("sides that are {} of at most {}", *p.crop_pct, largest_side));
  if (const auto interpolation = trained.find("interpolation")) p.interpolation = read_interpolation(*interpolation);
  if (const auto mode = trained.find("crop_mode")) p.crop_mode = read_crop_mode(*mode);
  if (const auto mean = trained.find("mean")) p.mean = read_mean(*mean);
  if (const auto std = trained.find("std")) p.std = read_std(*std);
  if (const std::string mistake = find_mistake(p); !mistake.empty()) throw Error(Fault::malformed, mistake);
  return p;
}

// What only training knows, or what is read elsewhere.
bool changes_nothing(std::string_view argument) {
  constexpr std::array<std::string_view, 9> known = {"drop_rate",      "drop_path_rate", "drop_block_rate",
                                                     "zero_init_last", "pretrained",     "num_classes",
                                                     "in_chans",       "global_pool",    "checkpoint_path"};
  return std::find(known.begin(), known.end(), argument) != known.end();
}

void read_model_args(const Field& arguments, Configuration& result) {
  if (!arguments.is_object()) arguments.refuse("an object of arguments");
  for (const auto& [key, value] : arguments.json().items()) {
    if (!is_name(key))
      throw Error(Fault::malformed,
                  fmt::format("'{}' has the key {}, expected an argument's name", arguments.path(), in_quotes(key)));
    if (changes_nothing(key) || value.is_null()) continue;
    std::string text = value.dump();
    if (text.size() > 1000) Field(value, arguments.path() + "." + key).refuse("a value of at most 1000 bytes");
    result.model_args.emplace(key, std::move(text));
  }
  if (const auto channels = arguments.find("in_chans"); channels && channels->json() != 3) channels->refuse("3 channels");
}

void check_pooling(const Field& pooling, Configuration& result) {
  const nlohmann::json& word = pooling.json();
  if (word == "avg" || word == "fast" || word == "fastavg") return;
  if (word != "" || result.classes != 0) pooling.refuse("avg");
  result.notes.emplace_back("its publisher does not pool the features ('global_pool' is ''); here they are averaged");
}

void read_names(const Field& file, const Field& trained, Configuration& result) {
  auto names = file.find_first({"label_names", "labels"});
  if (!names) names = trained.find_first({"label_names", "labels"});
  if (!names || names->json().empty()) {
    if (result.classes == 1000 && is_imagenet1k(result.tag)) result.labels = *labels::find("imagenet1k");
    return;
  }
  result.labels = read_labels(*names);
  if (result.classes == 0) {
    result.labels.clear();  // of a classifier that is not there
    return;
  }
  const auto count = static_cast<std::int64_t>(result.labels.size());
  if (result.classes && *result.classes != count) {
    throw Error(Fault::malformed, fmt::format("'{}' has {} name{}, expected {} as 'num_classes' says", names->path(), count,
                                              count == 1 ? "" : "s", *result.classes));
  }
  result.classes = count;
  auto descriptions = file.find("label_descriptions");
  if (!descriptions) descriptions = trained.find("label_descriptions");
  if (descriptions) describe_labels(result.labels, *descriptions);
}

}  // namespace

Configuration read_timm(const Field& file) {
  Configuration result;
  result.library = Library::timm;
  if (const auto architecture = file.find("architecture")) result.architecture = read_architecture(*architecture);
  const Field trained = file.find("pretrained_cfg").value_or(file);
  if (!trained.is_object()) trained.refuse("an object");
  const auto arguments = file.find("model_args");
  if (arguments) read_model_args(*arguments, result);
  auto classes = arguments ? arguments->find("num_classes") : std::nullopt;
  if (!classes) classes = file.find("num_classes");
  if (!classes) classes = trained.find("num_classes");
  if (classes) result.classes = classes->integer(0, most_classes);
  if (const auto tag = trained.find("tag")) result.tag = tag->text(most_word_bytes);
  auto license = trained.find("license");
  if (!license) license = file.find("license");
  if (license) result.license = license->text(most_word_bytes);
  auto pooling = arguments ? arguments->find("global_pool") : std::nullopt;
  if (!pooling) pooling = file.find("global_pool");
  if (pooling) check_pooling(*pooling, result);
  if (const auto fixed = trained.find("fixed_input_size")) result.fixed_input_size = fixed->boolean();
  read_names(file, trained, result);

  const std::string name = result.tag.empty() ? result.architecture : result.architecture + "." + result.tag;
  result.preprocessing = read_preprocessing(trained, false);
  result.preprocessing->name = name;
  if (trained.find_first({"test_input_size", "test_crop_pct"})) {
    result.test_preprocessing = read_preprocessing(trained, true);
    result.test_preprocessing->name = name + " at test size";
  }
  return result;
}

bool is_imagenet1k(std::string_view tag) {
  constexpr std::string_view ending = "in1k";
  if (!tag.ends_with(ending)) return false;
  tag.remove_suffix(ending.size());
  return tag.empty() || tag.ends_with('_') || tag.ends_with('.') || tag.ends_with('-');
}

}  // namespace resnet::hubconfig
