// Arguments that name a file for what is shown of it.
#pragma once

#include <optional>
#include <string>

namespace resnet::cli {

struct NamedFile {
  std::optional<std::string> name;  // nothing where the argument has none
  std::string file;
};
// NAME=FILE, or FILE alone; also where a file's own name has a '='.
NamedFile named_file(const std::string& argument);

}  // namespace resnet::cli
