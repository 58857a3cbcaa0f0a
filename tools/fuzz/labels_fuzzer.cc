// Any bytes as a file for formats/labels: an error or a result, and nothing else.
#include "formats/labels/labels.h"
#include "lib/base/error.h"
#include "tools/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const resnet::fuzz::MemoryFile file(data, size);
  try {
    resnet::labels::load(file.path().string());
  } catch (const resnet::Error&) {
  }
  return 0;
}
