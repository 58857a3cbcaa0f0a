// What a classifier says of a photo.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "resnet/export.h"

RESNET_NAMESPACE_BEGIN

struct Class {
  std::size_t index = 0;   // among the network's classes, from 0
  std::string label;       // its name; empty where the network's classes have none
  double probability = 0;  // 0 to 1
};

struct Answer {
  std::vector<Class> classes;  // the likeliest one first
};

RESNET_NAMESPACE_END
