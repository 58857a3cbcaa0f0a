// Any bytes as a file for formats/labels: an error or a result, and nothing else.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "formats/labels/labels.h"
#include "lib/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("resnet_fuzz_labels." + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    resnet::labels::load(file.string());
  } catch (const resnet::Error&) {
  }
  return 0;
}
