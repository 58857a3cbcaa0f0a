#include "resnet/error.h"

#include <string>

namespace resnet::v0 {

Error::Error(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}
Error::~Error() = default;

}  // namespace resnet::v0
