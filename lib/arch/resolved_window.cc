#include "lib/arch/resolved_window.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace resnet::arch {

ResolvedWindow resolved(const WindowAttributes& attributes, const Fact& x) {
  const std::size_t axes = attributes.kernel.size();
  if (x.dims && x.rank() == axes + 2) {
    const Window window = resolve_window(attributes, Dims(x.dims->begin() + 2, x.dims->end()));
    ResolvedWindow result{window.kernel, window.strides, window.dilations, window.pads_begin};
    result.pads.insert(result.pads.end(), window.pads_end.begin(), window.pads_end.end());
    return result;
  }
  const auto filled = [axes](const std::vector<std::int64_t>& list, std::int64_t value, std::size_t times) {
    return list.empty() ? std::vector<std::int64_t>(axes * times, value) : list;
  };
  return {attributes.kernel, filled(attributes.strides, 1, 1), filled(attributes.dilations, 1, 1), filled(attributes.pads, 0, 2)};
}

std::string short_form(const std::vector<std::int64_t>& list) {
  const bool same = std::all_of(list.begin(), list.end(), [&](std::int64_t n) { return n == list.front(); });
  return same && !list.empty() ? fmt::format("{}", list.front()) : fmt::format("{}", fmt::join(list, ","));
}

std::string square(const std::vector<std::int64_t>& list) { return fmt::format("{}", fmt::join(list, "x")); }

}  // namespace resnet::arch
