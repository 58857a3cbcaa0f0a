// The names of a network's classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::labels {

// The built-in lists: "imagenet1k" (ILSVRC 2012, in the order of the WordNet ids) and "cifar10"; nothing for another name.
std::optional<std::vector<std::string>> find(std::string_view name);
// The names above, separated by '|'.
std::string names();

// The WordNet ids ("n01440764") of the classes of imagenet1k, in their order.
std::span<const std::string_view> imagenet1k_wnids();

// A text file of one label per line, or JSON: a list, a map from index to label {"0": "tench"}, to WordNet id and label
// {"0": ["n01440764", "tench"]}, from label to index {"tench": 0}, or an object that holds one of them as "id2label"
// (transformers' config.json), "label_names" (timm's) or "names"; such a map or list as Python prints it, {0: 'tench'}; or YAML
// with `names:`, a list or a map. UTF-8 with or without BOM, any line ends; empty lines at the end are dropped; a file of at most
// 16 MiB. Throws Error(invalid) "FILE: ..."; whether the number fits a model is the caller's to check.
std::vector<std::string> read(const std::filesystem::path& file);
std::vector<std::string> parse(std::string_view text, const std::string& name);

// The name of a class; "" where it has none, or as "class 7".
std::string label_of(std::span<const std::string> labels, std::int64_t index);
std::string label_or_number(std::span<const std::string> labels, std::int64_t index);

// A built-in list where `name_or_file` is its name, else the file.
std::vector<std::string> load(const std::string& name_or_file);

}  // namespace resnet::labels
