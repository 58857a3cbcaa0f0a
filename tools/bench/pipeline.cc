// What a folder of photos costs: decoding and resizing alone on all threads, the network alone on all threads, and both as
// predict does them; the last should take hardly more than the first two together.
//   resnet_bench_pipeline MODEL.onnx FOLDER [BATCH [PHOTOS [THREADS]]]

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "lib/classify/classifier.h"

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int run(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: resnet_bench_pipeline MODEL.onnx FOLDER [BATCH [PHOTOS [THREADS]]]\n");
    return 2;
  }
  const auto number = [&](int index, std::size_t otherwise) {
    return argc > index ? static_cast<std::size_t>(std::max(1L, std::atol(argv[index]))) : otherwise;
  };
  const std::size_t batch = number(3, 8), wanted = number(4, 10'000), threads = number(5, physical_cores());
  std::vector<std::filesystem::path> found, photos;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2])) {
    if (entry.path().extension() == ".jpg") found.push_back(entry.path());
  }
  if (found.empty()) throw Error(ErrorKind::usage, fmt::format("{}: holds no .jpg", argv[2]));
  std::sort(found.begin(), found.end());
  while (photos.size() < wanted) photos.push_back(found[photos.size() % found.size()]);

  const Preprocessing preprocessing = *find_preprocessing("torchvision");
  const auto plan = xnnpack::Plan::make(onnx::read(argv[1]).graph);
  ThreadPool pool(threads);
  const double decoding = seconds_of([&] {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::size_t k = next++; k < photos.size(); k = next++) image::prepare(image::decode(photos[k]), preprocessing);
      });
    }
  });
  Scorer scorer(plan, pool);
  const image::Pixels one = image::prepare(image::decode(photos[0]), preprocessing);
  const std::vector<PreparedImage> images(batch, PreparedImage(one));
  scorer.run(images, preprocessing);
  const double computing = seconds_of([&] {
    for (std::size_t i = 0; i < photos.size(); i += batch) scorer.run(images, preprocessing);
  });
  ClassifierOptions options;
  options.batch_size = batch;
  options.decode_threads = threads;
  options.preprocessing = preprocessing;
  Classifier classifier(plan, pool, options);
  const double both = seconds_of([&] { classifier.classify(photos, [](Result&&) {}); });
  fmt::print(
      "{} photos, batches of {}, {} threads: decoding and resizing {:.2f} s, the network {:.2f} s, both {:.2f} s, which is "
      "{:.3f} "
      "of the sum\n",
      photos.size(), batch, threads, decoding, computing, both, both / (decoding + computing));
  return 0;
}

}  // namespace
}  // namespace resnet

int main(int argc, char** argv) {
  try {
    return resnet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "resnet_bench_pipeline: {}\n", error.what());
    return 1;
  }
}
