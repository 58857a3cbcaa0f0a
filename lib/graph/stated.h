// What a file states of the values that unknown operators (Opaque) make. Nothing infers it: whoever makes one graph of another
// carries it over, node by node, so that what follows is inferred from it.
#pragma once

#include <functional>

#include "lib/graph/graph.h"

namespace resnet {

// To the copy of a node that was just appended, where it is Opaque; else nothing.
void copy_stated(const Node& from, Node& to);
// Lets `change` have the facts of all values that Opaque nodes make: other sizes, or nothing. What follows is inferred anew when
// the next graph is made of this one (with_input_facts). Whether something was stated.
bool change_stated(Graph& graph, const std::function<void(Fact&)>& change);

}  // namespace resnet
