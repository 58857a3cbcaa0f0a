#include "formats/torch/file.h"

#include "formats/table/text.h"

namespace resnet::torch {

std::string shown(std::string_view text) {
  constexpr std::size_t most = 80;
  // Escapes make text longer: what is far too long is cut first.
  return table::shortened(table::printable(text.substr(0, 4 * most)), most);
}

}  // namespace resnet::torch
