#include "cli/tasks/open/checkpoint.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/named.h"
#include "formats/safetensors/safetensors.h"
#include "formats/safetensors/shards.h"
#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/model/from_weights.h"
#include "lib/tensor/tensor.h"

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
  const std::string& name = source.name();
  if (!source.is_file()) throw Error(Fault::unreadable, Frame::file(Role::model, name), "is not a regular file");
  std::shared_ptr<const Buffer> bytes = Buffer::map_descriptor(source.descriptor(), name);
  if (torch::is_checkpoint(source.head())) return torch::parse(std::move(bytes), name, source.descriptor());
  const auto ending = kind_of_ending(name);
  if (name.ends_with(".safetensors") || !ending || source.kind()) return safetensors::parse(std::move(bytes), name);
  return torch::parse(std::move(bytes), name, source.descriptor());
}

Weights read_shards(const Source& source, std::vector<std::string>& data_files) {
  const std::string& name = source.name();
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

}  // namespace

bool is_weights_file(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored) || has_photo_ending(path)) return false;
  return is_index(path) || is_of_weights(kind_of_file(path), path);
}

bool holds_weights(const Source& source) {
  return source.is_file() && (is_index(source.name()) || is_of_weights(source.kind(), source.name()));
}

Model read_weights(const Source& source, const ArchOptions& options) {
  const std::string& name = source.name();
  std::optional<arch::Spec> asked;
  if (!options.arch.empty()) {
    asked = arch::find_timm_spec(options.arch);
    if (!asked) asked = arch::find_spec(options.arch);
    if (!asked) throw Error(Fault::invalid, "--arch: " + unknown_arch(options.arch));
  }
  return named(name, [&] {
    std::vector<std::string> data_files;
    Weights weights = is_index(name) ? read_shards(source, data_files) : read_one(source);
    Model model = from_weights(std::move(weights), asked);
    model.data_files = std::move(data_files);
    return model;
  });
}

}  // namespace resnet::cli
