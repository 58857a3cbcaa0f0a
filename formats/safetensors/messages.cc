#include "formats/safetensors/messages.h"

#include <fmt/format.h>

#include "formats/table/text.h"

namespace resnet::safetensors {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 80, most_before = 4 * most;  // escapes are longer than what they mean
  return fmt::format("'{}'", table::shortened(table::printable(table::shortened(text, most_before)), most));
}

Frame tensor_frame(std::string_view name) { return {Frame::Kind::value, Role::none, "tensor " + in_quotes(name)}; }

}  // namespace resnet::safetensors
