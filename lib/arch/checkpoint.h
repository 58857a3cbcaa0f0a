// Names and shapes of weights -> Spec: which network they are of, without a graph and without a configuration.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/tensor/shape.h"

namespace resnet::arch {

struct NamedShape {
  std::string name;  // build()'s, as translate() gives them
  Shape shape;
};

struct FoundSpec {
  Spec spec;
  // What names and shapes do not tell, and what was assumed: "resnet50 v1.5 was assumed: ...". One line each.
  std::vector<std::string> notes;
};

// By the names of its layers and the shapes of their weights. Not every weight is looked at: whether all are there, and as the
// network has them, is seen when it is filled. Throws Error(malformed) for what is not a network that is built: "its norms have
// no running statistics: ...".
FoundSpec find_spec(std::span<const NamedShape> weights);

}  // namespace resnet::arch
