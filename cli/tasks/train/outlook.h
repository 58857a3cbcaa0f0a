// What a run of `train` will take, told before it begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/tasks/train/job.h"
#include "cli/tasks/train/options.h"
#include "lib/train/network.h"

namespace resnet::cli {

struct Outlook {
  std::size_t bytes = 0;  // of memory
  double seconds = 0;
  // "about 15.0 GiB and 38 days here"
  std::string to_string() const;
  // "..., more than this machine's 8.0 GiB; --accumulate N takes a batch in N parts", or "".
  std::string warning() const;
};

// `network`: the one that will learn, of which nothing is changed. `left`: iterations. `test_pictures`: of each test. `pictures`:
// bytes of those in memory. The time is that of some steps and tests of another network of the same graph, on up to a second of
// constant pictures; the decoding of pictures is done beside it, and not counted.
Outlook outlook_of(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, train::Network& network,
                   std::int64_t left, std::size_t test_pictures, std::size_t pictures);

// "40 s", "12 min", "3.5 h", "38 days".
std::string text_of_duration(double seconds);

}  // namespace resnet::cli
