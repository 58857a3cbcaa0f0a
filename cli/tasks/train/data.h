// The pictures that `train` learns from and is tested on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/stop.h"
#include "lib/train/examples.h"

namespace resnet::cli {

struct TrainingData {
  std::vector<train::Example> training, test;
  std::vector<std::string> classes;          // their names
  std::vector<std::string> notes;            // what was assumed
  std::vector<std::filesystem::path> files;  // lists and batches that were read
};

// What is tested on: `data`, "" for what lies beside the training pictures; or, in its place, a share of those.
struct TestOn {
  std::string data;
  std::optional<double> share = {};  // of each class, chosen by the seed
  std::uint64_t seed = 0;
};

// `data`: a folder per class; a folder that holds such folders as train and val (or validation, valid, test); CIFAR-10's binary
// batches, one or the folder of all; or, with `labels`, whatever evaluate reads. `test_on.data` the same.
// `labels`: the classes of a network that keeps them (`classes` of them), else nothing: the folders' names, sorted, are the
// classes. Throws Error(invalid) for what cannot be understood, Error(Role::input) for a class without pictures or only one
// class.
TrainingData load_training_data(const std::string& data, const TestOn& test_on,
                                std::optional<std::span<const std::string>> labels, std::int64_t classes, const Stop& stop);

}  // namespace resnet::cli
