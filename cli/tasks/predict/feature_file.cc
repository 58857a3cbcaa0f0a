#include "cli/tasks/predict/feature_file.h"

#include <cstdint>
#include <limits>
#include <ostream>
#include <vector>

#include "formats/npy/npy.h"

namespace resnet::cli {

FeatureFile::FeatureFile(const std::string& name) : file_(name) { file_.stream() << std::string(npy::fixed_header, ' '); }

void FeatureFile::add(std::span<const float> row) {
  if (width_ == 0) {
    width_ = row.size();
    for (; waiting_ > 0; --waiting_) write_failure();
  }
  file_.stream().write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
  ++rows_;
}

void FeatureFile::add_failure() {
  if (width_ == 0) {
    ++waiting_;  // how long a row is is not known yet
  } else {
    write_failure();
  }
}

void FeatureFile::commit() {
  rows_ += waiting_;  // nothing but failures: rows of no numbers
  file_.stream().seekp(0) << npy::header_of(
      DType::float32, Shape{static_cast<std::int64_t>(rows_), static_cast<std::int64_t>(width_)}, npy::fixed_header);
  file_.commit();
}

void FeatureFile::write_failure() {
  const std::vector<float> nothing(width_, std::numeric_limits<float>::quiet_NaN());
  file_.stream().write(reinterpret_cast<const char*>(nothing.data()), static_cast<std::streamsize>(width_ * sizeof(float)));
  ++rows_;
}

}  // namespace resnet::cli
