#include "cli/tasks/open/checkpoint.h"

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/foreign_files.h"
#include "formats/hub/catalogue.h"
#include "formats/hubconfig/hubconfig.h"
#include "formats/labels/labels.h"
#include "formats/safetensors/safetensors.h"
#include "formats/safetensors/shards.h"
#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/model/from_weights.h"
#include "lib/tensor/file_bytes.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

bool is_index(const std::string& name) { return name.ends_with(".index.json"); }

bool is_of_weights(const std::optional<FileKind>& content, const fs::path& file) {
  if (content) return content->group == FileGroup::weights;
  const auto ending = kind_of_ending(file);
  return ending && ending->group == FileGroup::weights;
}

// One file, whichever it is.
Weights read_one(const Source& source) {
  const std::string& name = source.path();
  if (!source.is_file()) throw Error(Fault::unreadable, Frame::file(Role::model, name), "is not a regular file");
  FileBytes bytes(Buffer::map_descriptor(source.descriptor(), name), source.descriptor());
  if (torch::is_checkpoint(source.head())) return torch::parse(std::move(bytes), name);
  const auto ending = kind_of_ending(name);
  if (name.ends_with(".safetensors") || !ending || source.kind()) return safetensors::parse(std::move(bytes), name);
  return torch::parse(std::move(bytes), name);
}

Weights read_shards(const Source& source, std::vector<std::string>& data_files) {
  const std::string& name = source.path();
  const std::shared_ptr<const Buffer> buffer = Buffer::map_descriptor(source.descriptor(), name);
  const auto bytes = buffer->bytes();
  if (bytes.size() > safetensors::most_index_bytes)
    throw Error(Fault::malformed, Frame::file(Role::model, name),
                fmt::format("has {} bytes, expected an index of at most {}", bytes.size(), safetensors::most_index_bytes));
  const auto index = safetensors::parse_index({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  std::vector<Weights> shards;
  for (const std::string& shard : index.shards) {
    const Source file((fs::path(name).parent_path() / shard).string());
    if (!file.is_there())
      throw Error(Fault::unreadable, Frame::file(Role::model, name), fmt::format("names {}, which is not beside it", shard));
    shards.push_back(read_one(file));
    data_files.push_back(shard);
  }
  return safetensors::join(index, std::move(shards));
}

using hubconfig::Configuration;

std::optional<Configuration> read_configuration(const Source& source) {
  const auto found = source.configurations().find("config.json");
  if (found == source.configurations().end()) return std::nullopt;
  return hubconfig::parse(found->second, source.configuration_file(found->first).string());
}

// The network that a configuration describes.
arch::Spec spec_of(const Configuration& configuration, const Source& source) {
  const std::string file = source.configuration_file("config.json").string();
  if (!configuration.model_args.empty())
    throw Error(Fault::malformed, Frame::file(Role::model, file),
                fmt::format("'model_args.{}' is {}, which changes the network in a way that is not known here; override with "
                            "--arch",
                            configuration.model_args.begin()->first, configuration.model_args.begin()->second));
  if (configuration.spec) return *configuration.spec;
  if (auto spec = arch::find_timm_spec(configuration.architecture)) return *spec;
  throw Error(Fault::malformed, Frame::file(Role::model, file),
              fmt::format("'architecture' is '{}', which is not a network that can be built here; expected one such as resnet50 "
                          "(override with --arch)",
                          configuration.architecture));
}

std::optional<arch::Spec> asked_spec(const ArchOptions& options) {
  if (options.arch.empty()) return std::nullopt;
  auto asked = arch::find_timm_spec(options.arch);
  if (!asked) asked = arch::find_spec(options.arch);
  if (!asked) throw Error(Fault::invalid, "--arch: " + unknown_arch(options.arch));
  return asked;
}

// Of torchvision's own files, by their names.
const hub::Entry* entry_of(const Source& source) { return hub::entry_of_file(fs::path(source.path()).filename().string()); }

// How their publisher prepares photos; nothing where nobody says it.
std::optional<Preprocessing> preparation_of(const Source& source, const std::optional<Configuration>& configuration,
                                            bool test_size) {
  if (test_size) {
    if (!configuration || !configuration->test_preprocessing)
      throw Error(Fault::invalid, "--test-size: config.json gives no other size for tests");
    return configuration->test_preprocessing;
  }
  if (configuration && configuration->preprocessing) return configuration->preprocessing;
  const auto processor = source.configurations().find("preprocessor_config.json");
  if (processor != source.configurations().end())
    return hubconfig::parse_preprocessor(processor->second, source.configuration_file(processor->first).string());
  const hub::Entry* entry = configuration ? nullptr : entry_of(source);
  if (entry == nullptr) return std::nullopt;
  Preprocessing result = preprocessing_of(Convention::torchvision);
  result.resize = entry->resize;
  return result;
}

// Labels, and what the publisher says besides.
void describe(Model& model, const Source& source, const std::optional<Configuration>& configuration) {
  const std::int64_t classes = model.spec ? model.spec->classes : 0;
  if (configuration) {
    if (const auto said = configuration->classes.value_or(0); said > 0 && classes > 0 && said != classes)
      throw Error(Fault::malformed, Frame::file(Role::model, source.configuration_file("config.json").string()),
                  fmt::format("has {} classes, but the classifier of the weights has {}", said, classes));
    for (const std::string& note : configuration->notes) model.notes.push_back(note);
    model.labels = configuration->labels;
  }
  const bool imagenet = configuration ? hubconfig::is_imagenet1k(configuration->tag) : entry_of(source) != nullptr;
  if (model.labels.empty() && classes == 1000 && imagenet) model.labels = labels::find("imagenet1k").value();
}

// "model-00001-of-00003.safetensors", as the hub's libraries cut large networks.
bool is_shard(const std::string& path) {
  constexpr std::string_view between = "-of-";
  constexpr std::size_t digits = 5;
  const std::string stem = fs::path(path).stem().string();
  const std::size_t at = stem.rfind(between);
  if (at == std::string::npos || at < digits + 1 || stem.size() != at + between.size() + digits || stem[at - digits - 1] != '-')
    return false;
  const auto is_digit = [&](std::size_t i) { return stem[i] >= '0' && stem[i] <= '9'; };
  for (std::size_t i = 1; i <= digits; ++i) {
    if (!is_digit(at - i) || !is_digit(stem.size() - i)) return false;
  }
  return true;
}

Model filled(Weights weights, const std::optional<arch::Spec>& asked, Fill fill, const Source& source) {
  try {
    return from_weights(std::move(weights), asked, fill);
  } catch (const Error& error) {
    if (!is_shard(source.path())) throw;
    throw Error(error.fault(),
                error.problem() + "; it is one of several shards, expected their index (*.index.json) or the folder");
  }
}

}  // namespace

bool is_weights_file(const std::string& path) {
  std::error_code ignored;
  if (has_photo_ending(path) || !fs::is_regular_file(path, ignored)) return false;
  return is_index(path) || is_of_weights(kind_of_file(path), path);
}

bool holds_weights(const Source& source) {
  return source.is_file() && (is_index(source.path()) || is_of_weights(source.kind(), source.path()));
}

Model read_weights(const Source& source, const ArchOptions& options) {
  std::optional<arch::Spec> asked = asked_spec(options);
  const std::optional<Configuration> configuration = read_configuration(source);
  if (!asked && configuration) asked = spec_of(*configuration, source);
  // Whose files have a name of their own says which network they are of.
  if (const hub::Entry* entry = asked || configuration ? nullptr : entry_of(source); entry != nullptr)
    asked = arch::find_timm_spec(entry->architecture);
  return named(source.name(), [&] {
    const auto preparation = preparation_of(source, configuration, options.test_size);
    if (asked && preparation && preparation->crop_size) asked->height = asked->width = *preparation->crop_size;
    std::vector<std::string> data_files;
    Weights weights = is_index(source.path()) ? read_shards(source, data_files) : read_one(source);
    Model model = filled(std::move(weights), asked, options.shapes_alone ? Fill::zeros : Fill::values, source);
    // As seen from where the name is, which of a folder is not where the shards are.
    const fs::path folder = fs::path(source.path()).parent_path(), base = fs::path(source.name()).parent_path();
    for (const std::string& file : data_files) model.data_files.push_back((folder / file).lexically_relative(base).string());
    if (preparation) model.preprocessing = preparation;
    describe(model, source, configuration);
    return model;
  });
}

void refuse_folder_without_weights(const Source& source) {
  if (const auto foreign = describe_foreign(source.name())) throw Error(Fault::malformed, source.name() + ": " + *foreign);
  read_configuration(source);
  throw Error(Fault::malformed,
              source.name() + ": has no weights, expected model.safetensors, pytorch_model.bin, or the index of such files");
}

}  // namespace resnet::cli
