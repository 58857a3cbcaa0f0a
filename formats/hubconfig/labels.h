// The names of classes, as configurations have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/hubconfig/field.h"

namespace resnet::hubconfig {

// A list of names, or an object with the numbers from 0 on as keys. Throws Error(malformed) where a number is missing or no name.
std::vector<std::string> read_labels(const Field& field);

// The description of each that has one: {"n02099601": "golden retriever"}.
void describe_labels(std::vector<std::string>& labels, const Field& descriptions);

// Whether they are what transformers write where nobody has named the classes: "LABEL_0", "LABEL_1", ...
bool are_placeholders(const std::vector<std::string>& labels);

}  // namespace resnet::hubconfig
