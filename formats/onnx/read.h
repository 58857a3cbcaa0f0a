// ONNX files in.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "lib/model/model.h"

namespace resnet::onnx {

struct ReadOptions {
  // Dims that replace the file's for an input ("name" or, for the first input, "").
  std::map<std::string, Shape> input_shapes;
};

// Throws Error(malformed) "FILE: ..." for what is not there, is not an ONNX model (a Git LFS pointer, a web page and an image are
// named as what they are), is damaged, or contradicts itself; with the node where there is one. Nodes may be in any order; a
// cycle and a dangling input are errors. Unknown operators become Opaque.
Model read(const std::filesystem::path& file, const ReadOptions& options = {});
// Of a file that is open; `file` is its name, for errors and for where external data lies.
Model read(int descriptor, const std::filesystem::path& file, const ReadOptions& options = {});
// From memory; `name` stands for the file in errors, external data is looked for in `folder`.
Model read(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
           const ReadOptions& options = {});
// One tensor in a file of its own (a TensorProto), as ONNX's test cases have them. Throws Error(malformed) "FILE: ...".
Tensor read_tensor(const std::filesystem::path& file);
// From ONNX's text syntax (onnx/defs/parser), for tests.
Model read_text(const std::string& text);

}  // namespace resnet::onnx
