// Opaque: an operator that we do not know, kept so that a file can still be looked at and written back.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "lib/graph/op_traits.h"

namespace resnet {

// What only the file format can read (a subgraph, a sparse tensor), as the bytes that it wrote.
struct RawAttribute {
  std::string bytes;
  friend bool operator==(const RawAttribute&, const RawAttribute&) = default;
};
using Attribute = std::variant<std::int64_t, float, std::string, Tensor, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<std::string>, RawAttribute>;

struct Opaque {
  static constexpr OpTraits traits{"Opaque", {0, OpTraits::any}, {1, OpTraits::any}};
  std::string domain, type;
  std::map<std::string, Attribute> attributes;
  friend bool operator==(const Opaque&, const Opaque&) = default;
};
// Everything downstream of it is unknown.
std::vector<Fact> infer(const Opaque& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet
