// Boxes and arrows, top to bottom: what a picture of a network is made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet::graphviz {

// How a box looks: its place in a network.
enum class Role : std::uint8_t {
  input,
  output,
  convolution,
  normalization,
  activation,
  addition,
  pool,
  classifier,
  block,
  other
};

struct Box {
  std::string id;  // unique
  std::vector<std::string> lines;
  Role role = Role::other;
  std::string group;  // boxes of one group ("conv2_x") stand in a frame of that name; empty: none
  std::string tooltip;
  bool round = false;  // a sign in a small circle: the plus where a shortcut joins
};

struct Arrow {
  std::string from, to;
  std::string tooltip;
  bool dashed = false;  // a projection shortcut, as the paper draws it
  bool side = false;    // an arc around the boxes between: a shortcut does not pull the layout
};

struct Diagram {
  std::vector<std::string> title;  // lines
  std::vector<Box> boxes;
  std::vector<Arrow> arrows;
};

}  // namespace resnet::graphviz
