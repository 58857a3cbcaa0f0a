// Any bytes as a file for formats/onnx: an error or a result, and nothing else.
#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/onnx/lint.h"
#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "tools/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    // What can be read can be written, or says why not.
    const resnet::Model model = resnet::onnx::read(bytes, "fuzz", {});
    resnet::onnx::serialize(model);
  } catch (const resnet::Error&) {
  }
  try {
    // A file's large weights go another way.
    const resnet::fuzz::MemoryFile file(data, size);
    resnet::onnx::read(file.path());
  } catch (const resnet::Error&) {
  }
  try {
    resnet::onnx::lint(bytes, "fuzz", {});
  } catch (const resnet::Error&) {
  }
  return 0;
}
