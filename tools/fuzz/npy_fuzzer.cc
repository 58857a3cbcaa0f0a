// Any bytes as a file for formats/npy: an error or a result, and nothing else.
#include "formats/npy/npy.h"
#include "lib/base/error.h"
#include "tools/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const resnet::fuzz::MemoryFile file(data, size);
  try {
    resnet::npy::read(file.path());
  } catch (const resnet::Error&) {
  }
  return 0;
}
