// Rows of features as a .npy file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lib/base/files.h"

namespace resnet::cli {

// The file appears whole or not at all; its first lines are written last, when the rows are counted. Throws Error(unwritable).
class FeatureFile {
 public:
  explicit FeatureFile(const std::string& name);

  void add(std::span<const float> row);
  // A row of NaN.
  void add_failure();
  void commit();

 private:
  void write_failure();
  AtomicFile file_;
  std::size_t width_ = 0, rows_ = 0, waiting_ = 0;
};

}  // namespace resnet::cli
