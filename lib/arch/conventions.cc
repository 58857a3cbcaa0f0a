#include "lib/arch/conventions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "lib/base/error.h"

namespace resnet::arch {

namespace {

// `from`: # is a number, a * at its end the rest. `to`: {0}, {1} are those numbers, {0+1} one more, {0-1} one less, * the rest.
struct Rule {
  std::string_view from, to;
};

constexpr auto transformers_rules = std::to_array<Rule>({
    {"embedder.embedder.convolution.*", "conv1.*"},
    {"embedder.embedder.normalization.*", "bn1.*"},
    {"encoder.stages.#.layers.#.layer.#.convolution.*", "layer{0+1}.{1}.conv{2+1}.*"},
    {"encoder.stages.#.layers.#.layer.#.normalization.*", "layer{0+1}.{1}.bn{2+1}.*"},
    {"encoder.stages.#.layers.#.shortcut.convolution.*", "layer{0+1}.{1}.downsample.0.*"},
    {"encoder.stages.#.layers.#.shortcut.normalization.*", "layer{0+1}.{1}.downsample.1.*"},
    {"classifier.1.*", "fc.*"},
});
// downsample.0 becomes downsample.1 where a pool comes before it: translate() sees to that.
constexpr auto timm_v2_rules = std::to_array<Rule>({
    {"stem.conv.*", "conv1.*"},
    {"stem.conv1.*", "conv1.0.*"},
    {"stem.norm1.*", "conv1.1.*"},
    {"stem.conv2.*", "conv1.3.*"},
    {"stem.norm2.*", "conv1.4.*"},
    {"stem.conv3.*", "conv1.6.*"},
    {"stages.#.blocks.#.conv#.*", "layer{0+1}.{1}.conv{2}.*"},
    {"stages.#.blocks.#.norm#.*", "layer{0+1}.{1}.bn{2}.*"},
    {"stages.#.blocks.#.downsample.conv.*", "layer{0+1}.{1}.downsample.0.*"},
    {"head.fc.*", "fc.*"},
});
constexpr auto kuangliu_rules = std::to_array<Rule>({
    {"layer#.#.shortcut.#.*", "layer{0}.{1}.downsample.{2}.*"},
    {"linear.*", "fc.*"},
});
constexpr auto weiaicunzai_rules = std::to_array<Rule>({
    {"conv1.0.*", "conv1.*"},
    {"conv1.1.*", "bn1.*"},
    {"conv#_x.#.residual_function.0.*", "layer{0-1}.{1}.conv1.*"},
    {"conv#_x.#.residual_function.1.*", "layer{0-1}.{1}.bn1.*"},
    {"conv#_x.#.residual_function.3.*", "layer{0-1}.{1}.conv2.*"},
    {"conv#_x.#.residual_function.4.*", "layer{0-1}.{1}.bn2.*"},
    {"conv#_x.#.residual_function.6.*", "layer{0-1}.{1}.conv3.*"},
    {"conv#_x.#.residual_function.7.*", "layer{0-1}.{1}.bn3.*"},
    {"conv#_x.#.shortcut.#.*", "layer{0-1}.{1}.downsample.{2}.*"},
});

struct Convention {
  Naming naming;
  std::string_view first;       // a name that each of its networks has
  std::string_view classifier;  // the beginning of its classifier's names
  std::span<const Rule> rules;
};
constexpr auto conventions = std::to_array<Convention>({
    {Naming::torchvision, "layer1.0.conv1.weight", "fc.", {}},
    {Naming::kuangliu, "layer1.0.conv1.weight", "linear.", kuangliu_rules},
    {Naming::weiaicunzai, "conv2_x.0.residual_function.0.weight", "fc.", weiaicunzai_rules},
    {Naming::timm_v2, "stages.0.blocks.0.conv1.weight", "head.fc.", timm_v2_rules},
    {Naming::transformers, "encoder.stages.0.layers.0.layer.0.convolution.weight", "classifier.1.", transformers_rules},
});

// `name` by one rule, or nothing where it does not fit.
std::optional<std::string> apply(const Rule& rule, std::string_view name) {
  std::array<int, 4> numbers{};
  std::size_t count = 0, at = 0;
  std::string_view rest;
  for (const char c : rule.from) {
    if (c == '*') {
      rest = name.substr(at);
      at = name.size();
    } else if (c == '#') {
      std::size_t digits = 0;
      int number = 0;
      for (; digits < 4 && at < name.size() && name[at] >= '0' && name[at] <= '9'; ++at, ++digits)
        number = number * 10 + (name[at] - '0');
      if (digits == 0) return std::nullopt;
      numbers[count++] = number;
    } else if (at >= name.size() || name[at++] != c) {
      return std::nullopt;
    }
  }
  if (at != name.size()) return std::nullopt;
  std::string result;
  for (std::size_t i = 0; i < rule.to.size(); ++i) {
    if (rule.to[i] == '*') {
      result += rest;
    } else if (rule.to[i] == '{') {
      const char sign = rule.to[i + 2];
      result += std::to_string(numbers[static_cast<std::size_t>(rule.to[i + 1] - '0')] + (sign == '+'   ? 1
                                                                                          : sign == '-' ? -1
                                                                                                        : 0));
      i = rule.to.find('}', i);
    } else {
      result += rule.to[i];
    }
  }
  return result;
}

// A network among the weights: what its names begin with, and how they go on.
struct Trunk {
  const Convention* convention;
  std::string prefix;
};

bool has_part(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

std::vector<Trunk> find_trunks(std::span<const std::string> names) {
  std::vector<Trunk> trunks;
  for (const std::string& name : names) {
    for (const Convention& convention : conventions) {
      if (!name.ends_with(convention.first)) continue;
      std::string prefix = name.substr(0, name.size() - convention.first.size());
      if (!prefix.empty() && prefix.back() != '.') continue;
      trunks.push_back({&convention, std::move(prefix)});
      break;
    }
  }
  // The words that tell kuangliu's names from torchvision's.
  for (Trunk& trunk : trunks) {
    if (trunk.convention->naming != Naming::torchvision) continue;
    const bool other = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      if (!name.starts_with(trunk.prefix)) return false;
      const std::string_view rest = std::string_view(name).substr(trunk.prefix.size());
      return rest.starts_with("linear.") || (rest.starts_with("layer") && has_part(rest, ".shortcut."));
    });
    if (other) trunk.convention = &conventions[1];
  }
  return trunks;
}

// Copies that follow a network slowly, and students, come after the others.
bool is_secondary(std::string_view prefix) {
  constexpr auto secondary = std::to_array<std::string_view>({"encoder_k.", "momentum", "ema.", "ema_", "target", "student"});
  return std::any_of(secondary.begin(), secondary.end(), [&](std::string_view word) { return has_part(prefix, word); });
}

// Nobody's weights: counters, profilers' sums, queues, losses, auxiliary heads.
bool is_harmless(std::string_view name) {
  constexpr auto endings =
      std::to_array<std::string_view>({"num_batches_tracked", "total_ops", "total_params", "queue", "queue_ptr", "n_averaged"});
  constexpr auto beginnings = std::to_array<std::string_view>({"aux_classifier.", "criterion.", "ema."});
  const std::size_t dot = name.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  if (std::find(endings.begin(), endings.end(), last) != endings.end()) return true;
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view word) { return name.starts_with(word) || has_part(name, "." + std::string(word)); });
}

class Translator {
 public:
  Translator(std::span<const std::string> names, std::vector<Trunk> trunks) : names_(names), trunks_(std::move(trunks)) {
    const auto primary = std::find_if(trunks_.begin(), trunks_.end(), [](const Trunk& t) { return !is_secondary(t.prefix); });
    trunk_ = primary != trunks_.end() ? *primary : trunks_.front();
  }

  Translation run() {
    Translation result;
    result.naming = trunk_.convention->naming;
    result.prefix = trunk_.prefix;
    if (trunks_.size() > 1) {
      result.notes.push_back(fmt::format("the weights of {} networks: {} was taken", trunks_.size(),
                                         trunk_.prefix.empty() ? "the one without a prefix" : in_quotes(trunk_.prefix)));
    }
    projects_ = has_part(trunk_.prefix, "encoder_q.") || has_part(trunk_.prefix, "encoder_k.") ||
                has_part(trunk_.prefix, "base_encoder.");
    find_head();
    bool deep = false, projection = false;
    for (const std::string& name : names_) {
      result.names.push_back(translated(name));
      deep = deep || result.names.back() == "conv1.0.weight";
      projection = projection || (projects_ && is_classifier(name));
    }
    if (projection) result.notes.emplace_back("its fc is the projection of a contrastive loss, not a classifier: features only");
    if (deep && result.naming == Naming::timm_v2) shift_shortcuts(result.names);
    return result;
  }

 private:
  // The classifier is beside the trunk, or beside what holds the trunk: "resnet." and "classifier.1.".
  void find_head() {
    head_ = trunk_.prefix;
    const auto there = [&] {
      const std::string wanted = head_ + std::string(trunk_.convention->classifier) + "weight";
      return std::find(names_.begin(), names_.end(), wanted) != names_.end();
    };
    while (!there() && !head_.empty()) {
      head_.pop_back();
      const std::size_t dot = head_.rfind('.');
      head_.resize(dot == std::string::npos ? 0 : dot + 1);
    }
    if (!there()) head_ = trunk_.prefix;
  }

  bool is_classifier(const std::string& name) const {
    return name.starts_with(head_) && std::string_view(name).substr(head_.size()).starts_with(trunk_.convention->classifier);
  }

  std::string translated(const std::string& name) const {
    const bool inside = name.starts_with(trunk_.prefix);
    const std::string_view rest = std::string_view(name).substr(inside ? trunk_.prefix.size() : 0);
    if (is_harmless(inside ? rest : std::string_view(name))) return "";
    if (is_classifier(name)) return projects_ ? "" : by_rules(std::string_view(name).substr(head_.size()));
    if (inside && !in_another(name)) return by_rules(rest);
    return in_another(name) ? "" : name;
  }

  // Of a network whose prefix says more than this one's.
  bool in_another(const std::string& name) const {
    return std::any_of(trunks_.begin(), trunks_.end(), [&](const Trunk& other) {
      return other.prefix != trunk_.prefix && !trunk_.prefix.starts_with(other.prefix) && name.starts_with(other.prefix);
    });
  }

  std::string by_rules(std::string_view name) const {
    for (const Rule& rule : trunk_.convention->rules) {
      if (const auto result = apply(rule, name)) return *result;
    }
    return std::string(name);
  }

  // In a deep net of timm's v2 a pool comes before the shortcut's convolution.
  static void shift_shortcuts(std::vector<std::string>& names) {
    for (std::string& name : names) {
      constexpr std::string_view plain = ".downsample.0.";
      const std::size_t at = name.find(plain);
      if (at != std::string::npos) name.replace(at, plain.size(), ".downsample.1.");
    }
  }

  std::span<const std::string> names_;
  std::vector<Trunk> trunks_;
  Trunk trunk_;
  std::string head_;  // what the classifier's names begin with
  bool projects_ = false;
};

}  // namespace

Translation translate(std::span<const std::string> names) {
  std::vector<Trunk> trunks = find_trunks(names);
  if (trunks.empty()) {
    std::string some;
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i) some += (i == 0 ? "" : ", ") + in_quotes(names[i]);
    throw Error(
        Fault::malformed,
        fmt::format("the weights of no known ResNet: none of its {} tensors is named as in the first block of one; expected "
                    "'layer1.0.conv1.weight' or its like{}",
                    names.size(), some.empty() ? "" : ", found " + some));
  }
  return Translator(names, std::move(trunks)).run();
}

std::string in_quotes(const std::string& name) {
  constexpr std::size_t shown = 80;
  std::string text = name.substr(0, shown);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return fmt::format("'{}{}'", text, name.size() > shown ? "..." : "");
}

}  // namespace resnet::arch
