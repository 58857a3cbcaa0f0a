// Steps of training as tools/bench/train_versus drives them: for each line "go" on stdin one step, its milliseconds on stdout.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "lib/arch/build.h"
#include "lib/base/random.h"
#include "lib/train/loops.h"
#include "lib/train/loss.h"
#include "lib/train/network.h"
#include "lib/train/openmp.h"

int main(int argc, char** argv) {
  using namespace resnet;
  const auto spec = argc == 4 ? arch::find_spec(argv[1]) : std::nullopt;
  if (!spec) {
    std::cerr << "usage: resnet_bench_train ARCH BATCH THREADS\n";
    return 2;
  }
  const std::int64_t batch = std::atoll(argv[2]);
  train::set_threads(static_cast<std::size_t>(std::atoll(argv[3])));
  train::Network network(arch::build(*spec, {.seed = 1}), batch);
  fill_normal(network.input(), stream_key(1, "input"), 1);
  std::vector<std::int64_t> truths;
  for (std::int64_t i = 0; i < batch; ++i) truths.push_back(i % spec->classes);
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    train::cross_entropy(network.forward(train::Mode::training), truths, 0, network.logits_gradient());
    network.backward();
    for (train::Parameter& p : network.parameters()) train::descend({1e-4f, 0.9f, 1e-4f}, p.values, p.gradient, p.velocity);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{:.3f}", time.count()) << std::endl;
  }
}
