// Diagrams out: as Graphviz DOT, and as SVG drawn by Graphviz's library.
#pragma once

#include <string>

#include "formats/graphviz/diagram.h"

namespace resnet::graphviz {

// Deterministic; any bytes in the labels.
std::string to_dot(const Diagram& diagram);

// The picture as an SVG document. Throws Error(internal) with Graphviz's own words where it fails.
std::string to_svg(const Diagram& diagram);

}  // namespace resnet::graphviz
