#include "formats/table/size.h"

#include <fmt/format.h>

namespace resnet::table {

std::string size_text(std::int64_t bytes) {
  constexpr std::int64_t kib = 1024, mib = 1024 * kib;
  const auto size = static_cast<double>(bytes);
  if (bytes < kib) return fmt::format("{} bytes", bytes);
  if (bytes < 10 * kib) return fmt::format("{:.1f} KiB", size / kib);
  if (bytes < mib) return fmt::format("{:.0f} KiB", size / kib);
  if (bytes < 1000 * mib) return fmt::format("{:.1f} MiB", size / mib);
  return fmt::format("{:.1f} GiB", size / (1024 * mib));
}

}  // namespace resnet::table
