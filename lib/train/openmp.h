// oneDNN's threads: they are OpenMP's, and the loops of this folder run on the same ones, so that no second pool fights for
// cores.
#pragma once

#include <cstddef>
#include <functional>

namespace resnet::train {

// How many threads oneDNN and parallel_for() use when they are called by the calling thread.
void set_threads(std::size_t threads);

// Calls body(begin, end) over disjoint parts of [0, count), one for each thread: which part is whose depends on the number of
// threads alone. body() throws nothing.
void parallel_for(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace resnet::train
