#include "formats/safetensors/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <set>
#include <utility>

#include "formats/safetensors/json_reader.h"
#include "formats/safetensors/messages.h"
#include "formats/safetensors/safetensors.h"
#include "lib/base/error.h"

namespace resnet::safetensors {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

// What opens a file by this name opens one of the index's own folder.
void check_shard(const std::string& shard, const std::string& tensor) {
  constexpr std::size_t most_bytes = 255;
  const bool has_foreign = std::any_of(shard.begin(), shard.end(), [](char c) {
    return c == '/' || c == '\\' || static_cast<std::uint8_t>(c) < 0x20 || c == '\x7f';
  });
  if (shard.empty() || shard == "." || shard == ".." || shard.size() > most_bytes || has_foreign) {
    throw Error(Fault::malformed, tensor_frame(tensor),
                fmt::format("is in {}, expected the name of a file in the same folder", in_quotes(shard)));
  }
  if (shard.ends_with(".json"))
    throw Error(Fault::malformed, tensor_frame(tensor),
                fmt::format("is in {}, expected a file of weights, not an index", in_quotes(shard)));
}

void parse(std::string_view text, Index& index) {
  JsonReader json(text, "the index", 0);
  bool has_map = false;
  json.object(most_name_bytes, [&](const std::string& key) {
    if (key != "weight_map") return json.skip();
    if (std::exchange(has_map, true)) refuse("has 'weight_map' twice");
    json.object(most_name_bytes, [&](std::string tensor) {
      if (index.shard_of.size() == most_tensors) refuse(fmt::format("lists more than {} tensors", most_tensors));
      std::string shard = json.string(most_name_bytes);
      check_shard(shard, tensor);
      const auto [at, is_new] = index.shard_of.emplace(std::move(tensor), std::move(shard));
      if (!is_new) refuse(fmt::format("lists the tensor {} twice", in_quotes(at->first)));
    });
  });
  json.finish();
  if (!has_map) refuse("has no 'weight_map', expected an index of weights in several files");
  if (index.shard_of.empty()) refuse("lists no tensor in its 'weight_map'");
}

}  // namespace

Index parse_index(std::string_view text, const std::string& name) {
  Index index;
  index.file = name;
  try {
    parse(text, index);
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : index.shard_of) shards.insert(shard);
  index.shards.assign(shards.begin(), shards.end());
  return index;
}

Weights join(const Index& index, std::vector<Weights> shards) {
  assert(shards.size() == index.shards.size());
  Weights all;
  std::set<std::string_view> found;
  const auto fail = [&](const std::string& tensor, const std::string& what) {
    throw Error(Fault::malformed, tensor_frame(tensor), what).in(Frame::file(Role::model, index.file));
  };
  for (std::size_t i = 0; i < shards.size(); ++i) {
    Weights& shard = shards[i];
    for (const NamedTensor& named : shard.tensors) {
      const auto listed = index.shard_of.find(named.name);
      if (listed == index.shard_of.end())
        fail(named.name, fmt::format("is in {}, expected it in the index, too", in_quotes(index.shards[i])));
      if (listed->second != index.shards[i])
        fail(named.name,
             fmt::format("is in {}, expected it in {} as the index says", in_quotes(index.shards[i]), in_quotes(listed->second)));
      found.insert(listed->first);
    }
    if (all.format.empty()) all.format = shard.format;
    all.metadata.merge(shard.metadata);
    std::move(shard.tensors.begin(), shard.tensors.end(), std::back_inserter(all.tensors));
    std::move(shard.notes.begin(), shard.notes.end(), std::back_inserter(all.notes));
  }
  for (const auto& [tensor, shard] : index.shard_of) {
    if (!found.contains(tensor)) fail(tensor, fmt::format("is not in {}, where the index lists it", in_quotes(shard)));
  }
  return all;
}

}  // namespace resnet::safetensors
