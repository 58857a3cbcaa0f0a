#include "lib/train/openmp.h"

#include "lib/train/onednn.h"

namespace resnet::train {

namespace {

// libgomp's own interface in place of pragmas: clang's would start a run time of its own beside the one that oneDNN uses.
struct OpenMp {
  void (*parallel)(void (*body)(void*), void* data, unsigned threads, unsigned flags) = nullptr;
  void (*set_num_threads)(int threads) = nullptr;
  int (*get_max_threads)() = nullptr;
  int (*get_num_threads)() = nullptr;
  int (*get_thread_num)() = nullptr;
};

const OpenMp& openmp() {
  static const OpenMp functions = [] {
    OpenMp found;
    onednn().find("GOMP_parallel", found.parallel);
    onednn().find("omp_set_num_threads", found.set_num_threads);
    onednn().find("omp_get_max_threads", found.get_max_threads);
    onednn().find("omp_get_num_threads", found.get_num_threads);
    onednn().find("omp_get_thread_num", found.get_thread_num);
    return found;
  }();
  return functions;
}

// The thread sanitizer does not see how libgomp's threads wait for each other.
#ifdef RESNET_THREADS_ARE_WATCHED
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
void meet(void* at) {
  __tsan_acquire(at);
  __tsan_release(at);
}
#else
void meet(void*) {}
#endif

struct Loop {
  std::size_t count;
  const std::function<void(std::size_t, std::size_t)>* body;
};

void run_part(void* data) {
  meet(data);
  const Loop& loop = *static_cast<const Loop*>(data);
  const auto threads = static_cast<std::size_t>(openmp().get_num_threads()),
             thread = static_cast<std::size_t>(openmp().get_thread_num());
  const std::size_t begin = loop.count * thread / threads, end = loop.count * (thread + 1) / threads;
  if (begin < end) (*loop.body)(begin, end);
  meet(data);
}

}  // namespace

void set_threads(std::size_t threads) { openmp().set_num_threads(static_cast<int>(threads)); }

void parallel_for(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) {
  if (openmp().get_max_threads() == 1 || count < 2) {
    if (count > 0) body(0, count);
    return;
  }
  Loop loop{count, &body};
  meet(&loop);
  openmp().parallel(run_part, &loop, 0, 0);
  meet(&loop);
}

}  // namespace resnet::train
