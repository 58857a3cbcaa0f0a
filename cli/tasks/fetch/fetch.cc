#include "cli/tasks/fetch/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/tasks/fetch/hub_server.h"
#include "formats/hub/cache.h"
#include "formats/hub/catalogue.h"
#include "formats/safetensors/shards.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t most_json_bytes = std::uint64_t{16} << 20;
constexpr std::uint64_t most_bytes = std::uint64_t{16} << 30;
constexpr std::size_t most_shards = 1000;
// In the order in which timm and transformers look for them.
constexpr const char* weight_files[] = {"model.safetensors", "model.safetensors.index.json",
                                        "pytorch_model.bin", "pytorch_model.bin.index.json",
                                        "pytorch_model.pth", "model.pth"};

nlohmann::json json_of(const fs::path& file) {
  const std::string text = read_file(file, Role::model, {.most_bytes = most_json_bytes, .expected = "a JSON file"});
  return nlohmann::json::parse(text, nullptr, false);
}

class HubFetch {
 public:
  HubFetch(const FetchRequest& request, Observer& observer, const Stop& stop)
      : request_(request), observer_(observer), stop_(stop), repository_(request.settings.folders.hub, request.name.repository) {}

  Fetched run() {
    const std::optional<std::string> known = repository_.commit_of(request_.name.revision);
    if (known && !request_.update) {
      commit_ = *known;
      if (auto path = collect(From::cache)) return {*path, false};
    }
    if (request_.settings.offline || !request_.may_fetch) {
      if (auto path = known ? collect(From::what_there_is) : std::nullopt) return {*path, false};
      refuse_to_fetch(request_);
    }
    try {
      return from_network();
    } catch (const Error& error) {
      if (error.fault() != Fault::unreadable || !known || request_.update) throw;
      commit_ = *known;
      auto path = collect(From::what_there_is);
      if (!path) throw;
      observer_.warning(fmt::format("{}; taken as it is in the cache", error.what()));
      return {*path, false};
    }
  }

 private:
  // How a file is got: from the cache, where a file of which nothing is known makes the whole incomplete; from the cache, where
  // it counts as missing; from the network.
  enum class From { cache, what_there_is, network };

  Fetched from_network() {
    if (request_.update) commit_.clear();
    server_.emplace(request_, stop_);
    const auto path = collect(From::network);
    if (!path) throw failure(Fault::unreadable, no_weights());
    repository_.set_commit(request_.name.revision, commit_);
    if (has_come_) tell_licence(request_.name, licence_, observer_);
    return {*path, has_come_};
  }

  Error failure(Fault fault, const std::string& problem) const {
    return {fault, Frame::file(Role::model, request_.name.text()), problem};
  }

  std::string no_weights() const {
    return "the repository has none of model.safetensors, pytorch_model.bin and model.pth, nor an index of them; a file of "
           "another name is asked for as hf:" +
           request_.name.repository + ":PATH";
  }

  // The file or folder that is the network; nothing where it is not complete.
  std::optional<fs::path> collect(From from) {
    const std::string& file = request_.name.file;
    if (!file.empty()) {
      auto path = get(file, from);
      if (!path && from == From::network) throw failure(Fault::unreadable, fmt::format("the repository has no file '{}'", file));
      return path;
    }
    const auto config = get("config.json", from);
    if (!config && from == From::cache && !is_missing("config.json")) return std::nullopt;
    if (!config || !is_timm(*config)) {
      const auto preprocessor = get("preprocessor_config.json", from);
      if (!preprocessor && from == From::cache && !is_missing("preprocessor_config.json")) return std::nullopt;
    }
    for (const char* name : weight_files) {
      const auto weights = get(name, from);
      if (!weights) continue;
      const bool index = std::string_view(name).ends_with(".index.json");
      if (index && !get_shards(*weights, from)) return std::nullopt;
      return repository_.snapshot(commit_);
    }
    return std::nullopt;
  }

  bool is_missing(const std::string& file) const { return repository_.is_known_missing(commit_, file); }

  bool is_timm(const fs::path& config) {
    const nlohmann::json json = json_of(config);
    if (!json.is_object()) return false;
    if (const auto own = json.find("pretrained_cfg"); own != json.end() && own->is_object()) {
      if (const auto licence = own->find("license"); licence != own->end() && licence->is_string()) licence_ = *licence;
    }
    return json.contains("pretrained_cfg") || json.contains("architecture");
  }

  bool get_shards(const fs::path& index, From from) {
    const std::string text =
        read_file(index, Role::model, {.most_bytes = safetensors::most_index_bytes, .expected = "an index of weights"});
    std::vector<std::string> files;
    try {
      files = safetensors::parse_index(text, index.string()).shards;
    } catch (const Error&) {  // what is wrong in it is said where it is opened
    }
    if (files.empty() || files.size() > most_shards) {
      throw Error(Fault::malformed, Frame::file(Role::model, index.string()),
                  "weight_map does not name files of the same folder, expected names such as model-00001-of-00002.safetensors");
    }
    for (const std::string& file : files) {
      if (get(file, from)) continue;
      if (from == From::network)
        throw failure(Fault::unreadable, fmt::format("the repository has no file '{}', which its index names", file));
      return false;
    }
    return true;
  }

  std::optional<fs::path> get(const std::string& file, From from) {
    if (!commit_.empty()) {
      if (auto path = repository_.find(commit_, file)) return path;
      if (from != From::network || is_missing(file)) return std::nullopt;
    }
    std::string commit = commit_;
    const auto remote = server_->look_up(commit_.empty() ? request_.name.revision : commit_, file, commit);
    // All files are of the commit of the first one.
    if (commit_.empty()) commit_ = commit;
    if (!remote) {
      if (!commit_.empty()) repository_.set_missing(commit_, file);
      return std::nullopt;
    }
    if (auto path = repository_.find(commit_, file)) return path;
    bring(file, *remote);
    repository_.add(commit_, file, remote->etag);
    return repository_.find(commit_, file);
  }

  bool has_blob(const fs::path& blob, const RemoteFile& remote) const {
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(blob, error))) return false;
    const auto bytes = fs::file_size(blob, error);
    return !error && (!remote.size || bytes == *remote.size);
  }

  void bring(const std::string& file, const RemoteFile& remote) {
    const fs::path blob = repository_.blob(remote.etag);
    if (has_blob(blob, remote)) return;
    const std::string name = request_.name.repository + ": " + file;
    const std::uint64_t most = file.ends_with(".json") ? most_json_bytes : most_bytes;
    if (remote.size.value_or(0) > most) {
      throw Error(Fault::malformed, Frame::file(Role::model, name),
                  fmt::format("is said to have {} bytes, expected at most {}", *remote.size, most));
    }
    const FileLock lock(repository_.lock(remote.etag), name, observer_, stop_);
    if (has_blob(blob, remote)) return;
    PartFile part(blob.string() + ".incomplete");
    bool first = true;
    const auto address = [&] {
      if (std::exchange(first, false)) return remote.address;
      std::string commit;
      const auto again = server_->look_up(commit_, file, commit);
      return again ? again->address : remote.address;
    };
    const bool is_sha256 = remote.etag.size() == 64 && remote.etag.find_first_not_of("0123456789abcdef") == std::string::npos;
    // Of a length that nobody has said, no more than of a small file.
    const DownloadRequest wanted{.name = name,
                                 .address = address,
                                 .token = request_.settings.token,
                                 .token_origin = origin_of(request_.settings.endpoint),
                                 .size = remote.size,
                                 .digits = is_sha256 ? remote.etag : "",
                                 .most_bytes = std::min(most, std::uint64_t{64} << 20)};
    download(server_->client(), wanted, part, request_.settings.patience, request_.settings.proxy, observer_, stop_);
    part.become(blob);
    has_come_ = true;
  }

  const FetchRequest& request_;
  Observer& observer_;
  const Stop& stop_;
  hub::Repository repository_;
  std::optional<HubServer> server_;
  std::string commit_, licence_;
  bool has_come_ = false;
};

}  // namespace

Fetched fetch(const FetchRequest& request, Observer& observer, const Stop& stop) {
  const bool hub = request.name.place == hub::Name::Place::hub;
  if ((hub ? request.settings.folders.hub : request.settings.folders.torch).empty())
    throw Error(Fault::invalid, "there is no folder for a cache: expected HOME, or HF_HOME and TORCH_HOME");
  return hub ? HubFetch(request, observer, stop).run() : fetch_torch_file(request, observer, stop);
}

void tell_licence(const hub::Name& name, const std::string& licence, Observer& observer) {
  const hub::Entry* entry = hub::find_entry(name.repository);
  const std::string known = entry == nullptr ? licence : std::string(entry->licence);
  observer.note(
      fmt::format("{}: {}", name.repository, known.empty() ? "its licence is on its page at the hub" : "licence " + known));
}

std::string hint_for_name(const std::string& name) {
  const std::string nearest = hub::nearest_name(name);
  return nearest.empty() || nearest == name ? "" : fmt::format("; did you mean {}?", nearest);
}

void refuse_to_fetch(const FetchRequest& request) {
  const std::string name = request.name.text();
  const fs::path& folder =
      request.name.place == hub::Name::Place::hub ? request.settings.folders.hub : request.settings.folders.torch;
  if (request.settings.offline && request.may_fetch) {
    throw Error(Fault::unreadable, Frame::file(Role::model, name),
                fmt::format("is not, or not wholly, in the cache {}, and nothing is fetched offline (--offline, HF_HUB_OFFLINE)",
                            folder.string()));
  }
  throw Error(Fault::invalid,
              fmt::format("{}: there is no such path, it is not in the cache, and the catalogue (fetch --list) has no such name; "
                          "'resnet-cli fetch {}' asks the hub for it{}",
                          name, name, hint_for_name(request.name.repository)));
}

}  // namespace resnet::cli
