// The configuration that is published beside weights: timm's config.json; transformers' config.json and preprocessor_config.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/model/preprocessing.h"

namespace resnet::hubconfig {

// What a file has at most: larger ones need not be read. Labels of ImageNet's 21,843 classes with descriptions take about 2 MB.
inline constexpr std::uintmax_t most_bytes = std::uintmax_t{8} << 20;

enum class Library : std::uint8_t { timm, transformers };

struct Configuration {
  Library library = Library::timm;
  // timm's name of the network, "resnet50d", which need not be one that can be built here; of transformers' configuration the
  // name that it has here: "resnet50", "resnet26_bottleneck" (timm's resnet26).
  std::string architecture;
  // transformers' configuration describes the network itself; its classes are 1000 where it does not give them.
  std::optional<arch::Spec> spec;
  // timm: what else the network is made of, each value as JSON: {"stem_width", "32"}. Arguments that change nothing once a
  // network is trained are left out; whoever builds one refuses those that it does not know, for they change what is computed.
  std::map<std::string, std::string> model_args;
  std::optional<std::int64_t> classes;  // 0: no classifier; nothing: as many as the weights have
  std::vector<std::string> labels;      // one per class, or none
  // How the network was evaluated; nothing of transformers' config.json, which has a file of its own for that.
  std::optional<Preprocessing> preprocessing;
  // timm's other one, with which the network is most often right; nothing where there is none.
  std::optional<Preprocessing> test_preprocessing;
  bool fixed_input_size = false;  // the network takes no other size
  std::string tag;                // of the weights among those for this architecture: "a1_in1k"
  std::string license;            // as the publisher writes it: "apache-2.0"
  std::vector<std::string> notes;
};

// config.json of either library. Throws Error(malformed) for whatever cannot be used: "FILE: 'pretrained_cfg.crop_pct' is 0,
// expected a share above 0.01 and up to 1". Every value is checked that is kept, and labels have neither gaps nor control
// characters and are as many as the classes.
Configuration parse(std::string_view text, const std::string& name);

// transformers' preprocessor_config.json, with the same errors.
Preprocessing parse_preprocessor(std::string_view text, const std::string& name);

// Whether a tag ("a1_in1k") or a name ("timm/resnet50.a1_in1k") says that the classes are ImageNet-1k's, in their order.
bool is_imagenet1k(std::string_view tag);

}  // namespace resnet::hubconfig
