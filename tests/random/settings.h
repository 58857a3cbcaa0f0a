// How a random graph is run: every graph draws its own settings, and every pair of values occurs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/xnnpack/plan.h"

namespace resnet::random {

// What a graph goes through before it runs.
enum class Route : std::uint8_t { as_made, native, onnx };

struct Settings {
  bool optimize = true;    // passes first
  std::int64_t batch = 1;  // 1 to 3
  std::size_t threads = 1;
  xnnpack::Convolutions convolutions = xnnpack::Convolutions::automatic;
  Route route = Route::as_made;
  bool packed = false;      // run by a second plan, which is given what the first one packed
  bool open_batch = false;  // the batch is a symbol; nothing mixes images then
  bool job_shapes = false;  // the job gives the inputs' shapes
  // Whether the bits are compared with those of another number of threads; not drawn.
  bool other_threads = true;

  // Each field's value by its index among those that can be drawn.
  static constexpr std::size_t fields = 8;
  static constexpr std::array<int, fields> counts = {2, 3, 3, 3, 3, 2, 2, 2};
  std::array<int, fields> indices() const;
  // "--no-passes batch 2, threads 4, winograd, through .resnet, packed weights, open batch".
  std::string to_string() const;
};

Settings draw_settings(std::uint64_t seed);

}  // namespace resnet::random
