#include "cli/tasks/predict/feature_file.h"

#include <cstdint>
#include <limits>
#include <ostream>
#include <vector>

#include "formats/npy/npy.h"

namespace resnet::cli {

FeatureFile::FeatureFile(const std::string& name) : file_(name) { file_.stream() << std::string(npy::fixed_header, ' '); }

std::vector<std::int64_t> FeatureFile::shortened(const std::vector<std::int64_t>& dims) {
  constexpr std::size_t most = 4;
  return dims.size() <= most ? dims : std::vector<std::int64_t>{Shape(dims).elements()};
}

std::string FeatureFile::row() const { return Shape(dims_.value_or(std::vector<std::int64_t>{})).to_string(); }

void FeatureFile::add(std::span<const float> row, const std::vector<std::int64_t>& dims) {
  if (!dims_) {
    dims_ = shortened(dims);
    for (; waiting_ > 0; --waiting_) write_failure();
  }
  file_.stream().write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
  ++rows_;
}

void FeatureFile::add_failure() {
  if (!dims_) {
    ++waiting_;  // how long a row is is not known yet
  } else {
    write_failure();
  }
}

void FeatureFile::commit() {
  rows_ += waiting_;  // nothing but failures: rows of no numbers
  std::vector<std::int64_t> shape = dims_.value_or(std::vector<std::int64_t>{0});
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows_));
  file_.stream().seekp(0) << npy::header_of(DType::float32, Shape(shape), npy::fixed_header);
  file_.commit();
}

void FeatureFile::write_failure() {
  const std::vector<float> nothing(static_cast<std::size_t>(Shape(*dims_).elements()), std::numeric_limits<float>::quiet_NaN());
  file_.stream().write(reinterpret_cast<const char*>(nothing.data()),
                       static_cast<std::streamsize>(nothing.size() * sizeof(float)));
  ++rows_;
}

}  // namespace resnet::cli
