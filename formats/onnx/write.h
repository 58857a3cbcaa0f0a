// ONNX files out.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "lib/model/model.h"

namespace resnet::onnx {

struct WriteOptions {
  int opset = 17;
  bool strip_metadata = false;  // metadata, doc strings, domain: what a graph runs without
  // The name of a file beside the model's for weights of at least `external_above` bytes; empty: in the model's own file, unless
  // they do not fit into it, then "NAME.onnx.data".
  std::string external_data = {};
  std::size_t external_above = 1024;
  // Called of write()'s file when it is whole, before it has its name: what this throws leaves no file. The descriptor is to be
  // read from; weights beside it have their name already.
  std::function<void(int descriptor)> before_naming = {};
};

// One file's bytes, deterministic, without external data. Throws Error(unsupported) where they do not fit into 2 GiB, and
// naming the node where an operator cannot be written at this opset.
std::string serialize(const Model& model, const WriteOptions& options = {});
// The files appear whole or not at all. Throws Error(unwritable).
void write(const Model& model, const std::filesystem::path& file, const WriteOptions& options = {});

}  // namespace resnet::onnx
