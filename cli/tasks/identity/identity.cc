#include "cli/tasks/identity/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int format_number = 1;

// Each field once: what it is called in JSON and in errors, and where it is.
template <typename Struct>
struct Field {
  std::string_view key, words;
  std::string Struct::*value;
  bool is_new = false;  // left out where it is empty: identities that were written before it do not have it
};

constexpr Field<NetworkIdentity> network_fields[] = {
    {"model", "model", &NetworkIdentity::model},
    {"preparation", "preparation", &NetworkIdentity::preparation},
    {"input_shape", "--input-shape", &NetworkIdentity::input_shape},
    {"output", "--output-name", &NetworkIdentity::output, true},
    {"convolution", "--convolution", &NetworkIdentity::convolution},
    {"methods", "convolution methods", &NetworkIdentity::methods},
};

constexpr Field<Identity> fields[] = {
    {"labels", "labels", &Identity::labels},
    {"views", "views", &Identity::views},
    {"average", "average of", &Identity::average},
    {"top_k", "top-k", &Identity::top_k},
    {"min_probability", "least probability", &Identity::min_probability},
    {"max_pixels", "most pixels", &Identity::max_pixels},
    {"valid_labels", "valid labels", &Identity::valid_labels},
    {"pictures", "pictures", &Identity::pictures},
    {"test_pictures", "test pictures", &Identity::test_pictures},
    {"instruction_set", "instruction set", &Identity::instruction_set},
    {"version", "version", &Identity::version},
};

std::string shown(const std::string& value) {
  constexpr std::size_t longest = 300;
  const std::string text = table::printable(value.substr(0, longest));
  return value.size() > longest ? text + "..." : text;
}

// The values of two lists of pairs, in the order of the left one; what one lacks is empty there.
template <typename Pairs, typename Add>
void compare_pairs(const Pairs& left, const Pairs& right, const Add& add) {
  const auto value_in = [](const Pairs& pairs, const std::string& key) -> std::string {
    for (const auto& [name, value] : pairs) {
      if (name == key) return value;
    }
    return "";
  };
  for (const auto& [key, value] : left) add(key, value, value_in(right, key));
  for (const auto& [key, value] : right) {
    const bool is_new = std::none_of(left.begin(), left.end(), [&key = key](const auto& pair) { return pair.first == key; });
    if (is_new) add(key, "", value);
  }
}

std::string side_of(std::span<const Difference> differences, std::string Difference::*side) {
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, differences.size()); ++i) {
    const std::string& value = differences[i].*side;
    text += fmt::format("{}{} {}", i > 0 ? ", " : "", shown(differences[i].field), value.empty() ? "none" : shown(value));
  }
  if (differences.size() > most) text += fmt::format(" and {} more", differences.size() - most);
  return text;
}

Json json_of(const NetworkIdentity& network) {
  Json json;
  json["name"] = network.name;
  for (const auto& field : network_fields) {
    if (const std::string& value = network.*field.value; !field.is_new || !value.empty()) json[std::string(field.key)] = value;
  }
  json["data"] = Json(network.data);
  return json;
}

NetworkIdentity network_of(const Json& json) {
  NetworkIdentity network;
  network.name = json.at("name").get<std::string>();
  for (const auto& field : network_fields) {
    const std::string key(field.key);
    if (!field.is_new || json.contains(key)) network.*field.value = json.at(key).get<std::string>();
  }
  network.data = json.at("data").get<std::map<std::string, std::string>>();
  return network;
}

}  // namespace

std::vector<Difference> differences(const Identity& left, const Identity& right,
                                    std::initializer_list<std::string_view> disregarded) {
  std::vector<Difference> found;
  const auto add = [&](const std::string& field, const std::string& a, const std::string& b) {
    if (a != b && std::find(disregarded.begin(), disregarded.end(), field) == disregarded.end()) found.push_back({field, a, b});
  };
  const std::size_t networks = std::min(left.networks.size(), right.networks.size());
  add("number of models", fmt::format("{}", left.networks.size()), fmt::format("{}", right.networks.size()));
  for (std::size_t i = 0; i < networks; ++i) {
    const NetworkIdentity &a = left.networks[i], &b = right.networks[i];
    const std::string which = left.networks.size() > 1 ? fmt::format(" {}", i + 1) : "";
    for (const auto& field : network_fields) {
      // Two files of one name are told apart by their digests, two of other names more easily.
      const bool names = field.value == &NetworkIdentity::model && a.*field.value != b.*field.value;
      add(std::string(field.words) + which, names ? a.name + ": " + a.model : a.*field.value,
          names ? b.name + ": " + b.model : b.*field.value);
    }
    compare_pairs(a.data, b.data, [&](const std::string& file, const std::string& then, const std::string& now) {
      add("data file " + file + which, then, now);
    });
  }
  for (const auto& field : fields) add(std::string(field.words), left.*field.value, right.*field.value);
  compare_pairs(left.training, right.training, add);
  return found;
}

std::string left_of(std::span<const Difference> differences) { return side_of(differences, &Difference::left); }
std::string right_of(std::span<const Difference> differences) { return side_of(differences, &Difference::right); }

std::string text_of_prepared(const NetworkIdentity& network, const Identity& of) {
  return fmt::format("{}, input shape '{}', output '{}', convolution {}, instruction set {}, version {}", network.model,
                     network.input_shape, network.output, network.convolution, of.instruction_set, of.version);
}

std::string to_json(const Identity& identity) {
  Json json;
  json["format"] = format_number;
  json["networks"] = Json::array();
  for (const NetworkIdentity& network : identity.networks) json["networks"].push_back(json_of(network));
  for (const auto& field : fields) {
    if (const std::string& value = identity.*field.value; !value.empty()) json[std::string(field.key)] = value;
  }
  if (!identity.training.empty()) json["training"] = identity.training;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Identity identity_from_json(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (const int format = json.at("format").get<int>(); format != format_number) {
      throw Error(Fault::invalid,
                  fmt::format("was written by {} version of this program", format > format_number ? "a later" : "an unknown"));
    }
    Identity identity;
    for (const Json& network : json.at("networks")) identity.networks.push_back(network_of(network));
    for (const auto& field : fields) {
      if (const std::string key(field.key); json.contains(key)) identity.*field.value = json.at(key).get<std::string>();
    }
    if (json.contains("training")) identity.training = json.at("training").get<decltype(identity.training)>();
    return identity;
  } catch (const Json::exception&) {
    throw Error(Fault::invalid, "does not say what it was made with");
  }
}

}  // namespace resnet::cli
