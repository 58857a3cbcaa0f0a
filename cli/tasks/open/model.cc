#include "cli/tasks/open/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <limits>
#include <span>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/open/built_in.h"
#include "cli/tasks/open/checkpoint.h"
#include "cli/tasks/open/foreign_files.h"
#include "formats/hub/catalogue.h"
#include "formats/hub/name.h"
#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool has_model_extension(const std::string& text) {
  for (const std::string_view extension : {".onnx", ".resnet"}) {
    if (text.size() <= extension.size()) continue;
    if (std::equal(extension.begin(), extension.end(), text.end() - static_cast<std::ptrdiff_t>(extension.size()),
                   [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); })) {
      return true;
    }
  }
  return false;
}

}  // namespace

InputShape parse_input_shape(const std::string& text) {
  InputShape result;
  std::string dims = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string::npos) {
    result.input = text.substr(0, colon);
    dims = text.substr(colon + 1);
  }
  const char separator = dims.find(',') != std::string::npos ? ',' : 'x';
  for (const std::string& word : split(dims, separator)) {
    const auto number = parse_integer(word);
    const bool symbol =
        !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isalpha(c) || c == '_'; });
    if (number ? *number < 1 : !symbol) {
      throw Error(Fault::invalid,
                  fmt::format("--input-shape: '{}' is not a dimension of '{}', expected a shape such as 1x3x224x224 "
                              "or input:1,3,224,224",
                              word, text));
    }
    result.dims.push_back(number);
  }
  return result;
}

std::optional<arch::Spec> find_arch(const std::string& name, const ArchOptions& options) {
  auto spec = arch::find_spec(name);
  if (!spec) return std::nullopt;
  arch::SpecOptions asked{.variant = options.variant, .shortcut = options.shortcut, .zero_channels = options.zero_channels};
  if (options.classes > 0) asked.classes = options.classes;
  if (!options.input_shape.empty()) {
    const InputShape shape = parse_input_shape(options.input_shape);
    if (!shape.input.empty() && shape.input != "input") {
      throw Error(Fault::invalid, fmt::format("--input-shape: the input of {} is named 'input', not '{}'", name, shape.input));
    }
    if (shape.dims.size() != 4 || shape.dims[1] != 3 || !shape.dims[2] || !shape.dims[3]) {
      throw Error(Fault::invalid,
                  fmt::format("--input-shape: '{}' does not fit {}, expected Nx3xHEIGHTxWIDTH such as 1x3x224x224",
                              options.input_shape, name));
    }
    asked.batch = shape.dims[0];
    asked.height = shape.dims[2];
    asked.width = shape.dims[3];
  }
  return arch::with_options(*spec, asked);
}

bool is_arch(const std::string& name) { return arch::find_spec(name) && !exists(name); }

arch::BuildOptions build_options(const ArchOptions& options) { return {.init = options.init, .seed = options.seed}; }

std::string unknown_arch(const std::string& name) {
  const std::vector<std::string> known = arch::names();
  const std::string nearest = table::nearest(name, known);
  if (!nearest.empty()) return fmt::format("unknown architecture '{}', did you mean '{}'?", name, nearest);
  std::string all;
  for (const std::string& other : known) all += (all.empty() ? "" : ", ") + other;
  return fmt::format("unknown architecture '{}', expected one of {}", name, all);
}

namespace {

// hf:..., or a name of those who publish ResNets; a photo or a folder of that name is what it is.
bool is_published(const std::string& text) {
  if (has_photo_ending(text) || exists(text)) return false;
  const auto name = hub::parse_name(text);
  return name && (name->has_prefix || name->known_owner || name->in_catalogue);
}

}  // namespace

bool is_model(const std::string& text) {
  return has_model_extension(text) || is_weights_file(text) || is_published_folder(text) || is_arch(text) || is_built_in(text) ||
         is_published(text);
}

namespace {

std::optional<std::pair<std::string, Shape>> asked_shape(const ArchOptions& options) {
  if (options.input_shape.empty()) return std::nullopt;
  const InputShape shape = parse_input_shape(options.input_shape);
  std::vector<std::int64_t> dims;
  for (const auto& dim : shape.dims) {
    if (!dim) {
      throw Error(Fault::invalid,
                  fmt::format("--input-shape: '{}' has a symbol, expected numbers for a file", options.input_shape));
    }
    dims.push_back(*dim);
  }
  try {
    return std::pair(shape.input, Shape(std::move(dims)));
  } catch (const Error& error) {
    throw Error(Fault::invalid, std::string("--input-shape: ") + error.what());
  }
}

Model read_native(const Source& source, const ArchOptions& options) {
  const std::string& name = source.name();
  Model model = read_native_file(source, !options.no_verify);
  const auto asked = asked_shape(options);
  if (!asked) return model;
  std::vector<Fact> facts;
  bool found = false;
  for (const ValueId input : model.graph.inputs()) {
    Fact fact = model.graph.fact(input);
    if (model.graph.value(input).name == asked->first || (asked->first.empty() && !found)) {
      const auto dims = asked->second.dims();
      if (fact.dims && fact.dims->size() != dims.size()) {
        throw Error(Fault::invalid, fmt::format("{}: input '{}': has the shape {}, cannot be given {}", name,
                                                model.graph.value(input).name, to_string(*fact.dims), asked->second.to_string()));
      }
      fact.dims = Dims(dims.begin(), dims.end());
      found = true;
    }
    facts.push_back(std::move(fact));
  }
  if (!found) throw Error(Fault::invalid, fmt::format("{}: the model has no input '{}' to give a shape", name, asked->first));
  model.graph = with_input_facts(model.graph, facts);
  return model;
}

}  // namespace

Model read_native_file(const Source& source, bool verify) {
  const std::string& name = source.name();
  try {
    return source.is_file() ? native::read(source.descriptor(), name, {.verify = verify})
                            : native::read(name, {.verify = verify});
  } catch (const native::ChecksumMismatch& error) {
    throw Error(error.fault(), Frame::file(Role::model, name), error.problem() + " (--no-verify opens it anyway)");
  }
}

Model read_model_file(const Source& source, const ArchOptions& options, Observer& observer) {
  const std::string& name = source.name();
  Model model;
  if (source.is_built_in()) {
    model = onnx::read(built_in_model(), name, {});
  } else if (source.is_native()) {
    model = read_native(source, options);
  } else if (holds_weights(source)) {
    model = read_weights(source, options);
  } else if (!source.is_file() && is_published_folder(name)) {
    refuse_folder_without_weights(source);
  } else {
    refuse_foreign_model(source);
    onnx::ReadOptions read;
    if (auto asked = asked_shape(options)) read.input_shapes.emplace(std::move(asked->first), std::move(asked->second));
    model = source.is_file() ? onnx::read(source.descriptor(), name, read) : onnx::read(name, read);
  }
  tell_notes(model, name, observer);
  return model;
}

Model read_model_file(const std::string& name, const ArchOptions& options, Observer& observer) {
  Source source(name);
  return read_model_file(source, options, observer);
}

void tell_notes(const Model& model, const std::string& name, Observer& observer) {
  for (const std::string& note : model.notes) observer.warning(name + ": " + note);
}

void refuse_arch_options(const Source& source, const ArchOptions& options) {
  for (const auto& [option, given] : {std::pair{"--variant", options.variant.has_value()},
                                      {"--shortcut", options.shortcut.has_value()},
                                      {"--zero-channels", options.zero_channels.has_value()},
                                      {"--classes", options.classes > 0},
                                      {"--init", options.init != arch::Init::he},
                                      {"--seed", options.seed != 0}}) {
    if (!given) continue;
    throw Error(Fault::invalid, fmt::format("{} is for architectures by name, but {} is {}", option, source.name(),
                                            source.is_built_in() ? "the network that is built in" : "a file"));
  }
}

void refuse_weights_options(const Source& source, const ArchOptions& options) {
  const bool has_weights = holds_weights(source);
  if (!options.arch.empty() && !has_weights)
    throw Error(Fault::invalid,
                fmt::format("--arch is for weights without a graph, but {} is not a file of such", source.name()));
  if (options.test_size && !(has_weights && source.configurations().contains("config.json")))
    throw Error(Fault::invalid,
                fmt::format("--test-size is for weights with timm's config.json, which {} has not", source.name()));
}

ArchOptions options_of_one(const std::string& name, const ArchOptions& options, std::span<const std::string> all) {
  if (is_arch(name) || std::none_of(all.begin(), all.end(), is_arch)) return options;
  return {.input_shape = options.input_shape, .no_verify = options.no_verify, .test_size = options.test_size};
}

LoadedModel load_for_examination(const std::string& name, const ArchOptions& options, bool weights, Observer& observer) {
  LoadedModel result;
  Source source(name);
  if (!source.is_there()) result.spec = find_arch(name, options);
  if (!result.spec) {
    ArchOptions of_file = options;
    of_file.shapes_alone = !weights;
    return load_model(source, of_file, observer);
  }
  result.name = name;
  arch::BuildOptions build = build_options(options);
  if (!weights) build.init = arch::Init::zeros;  // not touched, and so no memory
  result.model.graph = arch::build(*result.spec, build);
  return result;
}

LoadedModel load_model(const Source& source, const ArchOptions& options, Observer& observer) {
  const std::string& name = source.name();
  LoadedModel result;
  result.name = name;
  const bool file = source.is_there() || source.is_built_in();
  if (!file) result.spec = find_arch(name, options);
  if (result.spec) {
    refuse_weights_options(source, options);
    // Of the nets for small pictures one has the name of another in the catalogue.
    const std::string_view pretrained = result.spec->height < 64 ? std::string_view() : hub::pretrained_of(name);
    observer.warning(
        pretrained.empty()
            ? fmt::format("{} is built with untrained weights: its answers mean nothing; a trained network is a file *.onnx",
                          name)
            : fmt::format("{} is untrained: its answers mean nothing; {} is not", name, pretrained));
    result.model.graph = arch::build(*result.spec, build_options(options));
    return result;
  }
  if (!file && !has_model_extension(name) && name.find_first_of("./") == std::string::npos) {
    throw Error(Fault::invalid, name + ": no such file, and " + unknown_arch(name));
  }
  refuse_arch_options(source, options);
  refuse_weights_options(source, options);
  result.model = read_model_file(source, options, observer);
  return result;
}

LoadedModel load_model(const std::string& name, const ArchOptions& options, Observer& observer) {
  Source source(name);
  return load_model(source, options, observer);
}

}  // namespace resnet::cli
