// What a file states of values that nothing here can infer: those that unknown operators (Opaque) make, and what follows without
// a known rank. Whoever makes one graph of another carries it over, node by node, so that what follows is inferred from it.
#pragma once

#include <functional>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet {

// By NodeId: the operators that are not known, and all that is computed from what they make.
std::vector<bool> after_unknown(const Graph& graph);
// Gives a value what is stated of it, as far as nothing is inferred.
void add_stated(Fact& fact, const Fact& stated);
// To the copy of a node that was just appended.
void copy_stated(const Node& from, Node& to);
// Lets `change` have the facts of all values after_unknown(): other sizes, or nothing. They hold when the next graph is made of
// this one (with_input_facts), as far as nothing is inferred then. Whether something was stated.
bool change_stated(Graph& graph, const std::function<void(Fact&)>& change);

}  // namespace resnet
