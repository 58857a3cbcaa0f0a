// Any bytes as a file for formats/native: an error or a result, and nothing else.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "formats/native/native.h"
#include "lib/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("resnet_fuzz_native." + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    resnet::native::read(file, {.verify = false});
  } catch (const resnet::Error&) {
  }
  return 0;
}
