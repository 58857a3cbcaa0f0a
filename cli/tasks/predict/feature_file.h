// Rows of features, or of another output, as a .npy file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/files.h"

namespace resnet::cli {

// The file appears whole or not at all; its first lines are written last, when the rows are counted. Throws Error(unwritable).
class FeatureFile {
 public:
  explicit FeatureFile(const std::string& name);

  // Whether a row of these dims can stand beside those before it. More than four dims become one.
  bool fits(const std::vector<std::int64_t>& dims) const { return !dims_ || *dims_ == shortened(dims); }
  // The dims of a row, as "2048" or "2048x7x7".
  std::string row() const;
  // A row that fits.
  void add(std::span<const float> row, const std::vector<std::int64_t>& dims);
  // A row of NaN.
  void add_failure();
  void commit();

 private:
  static std::vector<std::int64_t> shortened(const std::vector<std::int64_t>& dims);
  void write_failure();
  AtomicFile file_;
  std::optional<std::vector<std::int64_t>> dims_;  // of a row, from the first one on
  std::size_t rows_ = 0, waiting_ = 0;
};

}  // namespace resnet::cli
