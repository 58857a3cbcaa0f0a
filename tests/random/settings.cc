#include "tests/random/settings.h"

#include <fmt/format.h>

#include "tests/random/draw.h"

namespace resnet::random {

std::array<int, Settings::fields> Settings::indices() const {
  return {optimize ? 1 : 0,
          static_cast<int>(batch) - 1,
          threads == 1   ? 0
          : threads == 2 ? 1
                         : 2,
          static_cast<int>(convolutions),
          static_cast<int>(route),
          packed ? 1 : 0,
          open_batch ? 1 : 0,
          job_shapes ? 1 : 0};
}

std::string Settings::to_string() const {
  std::string text = fmt::format("{}, batch {}{}, {} threads", optimize ? "with passes" : "without passes", batch,
                                 open_batch ? " (open)" : "", threads);
  if (convolutions == xnnpack::Convolutions::direct) text += ", direct convolutions";
  if (convolutions == xnnpack::Convolutions::winograd) text += ", Winograd's convolutions";
  if (route == Route::native) text += ", through a .resnet file";
  if (route == Route::onnx) text += ", through an ONNX file";
  if (packed) text += ", from packed weights";
  if (job_shapes) text += ", the job gives shapes";
  return text;
}

Settings draw_settings(std::uint64_t seed) {
  Draw draw(seed, "settings");
  Settings settings;
  settings.optimize = draw.chance(50);
  settings.batch = draw.between(1, 3);
  settings.threads = draw.one_of<std::size_t>({1, 2, 4});
  settings.convolutions =
      draw.one_of({xnnpack::Convolutions::automatic, xnnpack::Convolutions::direct, xnnpack::Convolutions::winograd});
  settings.route = draw.one_of({Route::as_made, Route::native, Route::onnx});
  settings.packed = draw.chance(50);
  settings.open_batch = draw.chance(50);
  settings.job_shapes = draw.chance(50);
  return settings;
}

}  // namespace resnet::random
