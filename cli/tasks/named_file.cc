#include "cli/tasks/named_file.h"

#include <filesystem>
#include <system_error>

namespace resnet::cli {

NamedFile named_file(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  std::error_code ignored;
  if (equals == std::string::npos || std::filesystem::exists(argument, ignored)) return {std::nullopt, argument};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

}  // namespace resnet::cli
