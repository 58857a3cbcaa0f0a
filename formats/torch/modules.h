// Whole modules, as torch.save(model) leaves them: objects of classes that are only known by name, whose tensors are in their
// _parameters, _buffers and _modules.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/torch/tree.h"

namespace resnet::torch {

using NamedIds = std::vector<std::pair<std::string, Id>>;

// What a dictionary has, of whatever class: its keys and values in order. Of another object its attributes.
std::vector<std::pair<Id, Id>> pairs_of(const Tree& tree, Id id);

// The last value of a text key, or Tree::none.
Id value_of(const Tree& tree, Id dict, std::string_view key);

bool is_module(const Tree& tree, Id id);

// "torchvision.models.resnet.ResNet" of an object.
std::string class_of(const Tree& tree, Id object);

// "layer1.0.conv1.weight" and its tensor: what model.state_dict() would give. Throws Error(malformed) where modules contain
// themselves or each other without an end.
NamedIds module_tensors(const Tree& tree, Id module);

}  // namespace resnet::torch
