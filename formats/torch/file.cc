#include "formats/torch/file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::torch {

void File::copy(std::uint64_t offset, std::span<std::byte> out) const {
  if (descriptor < 0) {
    if (!out.empty()) std::memcpy(out.data(), bytes().data() + offset, out.size());
    return;
  }
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t got = pread(descriptor, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Fault::unreadable, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) throw Error(Fault::unreadable, "became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 80;
  // Escapes make text longer: what is far too long is cut first.
  return table::shortened(table::printable(text.substr(0, 4 * most)), most);
}

}  // namespace resnet::torch
