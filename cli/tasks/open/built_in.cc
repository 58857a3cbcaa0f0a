#include "cli/tasks/open/built_in.h"

#include <filesystem>
#include <system_error>

// The linker takes the file as it is.
asm(".pushsection .rodata\n"
    ".balign 64\n"
    ".hidden resnet_built_in_begin\n"
    ".globl resnet_built_in_begin\n"
    "resnet_built_in_begin:\n"
    ".incbin \"" RESNET_BUILT_IN_MODEL
    "\"\n"
    ".hidden resnet_built_in_end\n"
    ".globl resnet_built_in_end\n"
    "resnet_built_in_end:\n"
    ".popsection\n");

extern "C" const std::byte resnet_built_in_begin[], resnet_built_in_end[];

namespace resnet::cli {

bool is_built_in(const std::string& name) {
  std::error_code ignored;
  return name == built_in_name && !std::filesystem::exists(name, ignored);
}

std::span<const std::byte> built_in_model() {
  return {resnet_built_in_begin, static_cast<std::size_t>(resnet_built_in_end - resnet_built_in_begin)};
}

}  // namespace resnet::cli
