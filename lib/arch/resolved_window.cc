#include "lib/arch/resolved_window.h"

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

}  // namespace resnet::arch
