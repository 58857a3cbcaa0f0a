// What every operator's struct says of itself; included by each ops/ header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/graph/fact.h"

namespace resnet {

struct OpTraits {
  static constexpr std::size_t any = static_cast<std::size_t>(-1);
  struct Arity {
    std::size_t least, most;
  };
  std::string_view type;  // ONNX's name
  Arity inputs, outputs;
  std::string_view domain = {};     // ONNX's own is empty
  std::uint32_t left_out_bits = 0;  // the inputs below inputs.least that may be left out, as bits
};

}  // namespace resnet
