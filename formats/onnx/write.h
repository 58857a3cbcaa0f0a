// ONNX files out.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "lib/model/model.h"

namespace resnet::onnx {

struct WriteOptions {
  std::optional<int> opset = {};  // left out: written_opset() chooses
  bool strip_metadata = false;    // metadata, doc strings, domain: what a graph runs without
  // The name of a file beside the model's for weights of at least `external_above` bytes; empty: in the model's own file, unless
  // they do not fit into it, then "NAME.onnx.data".
  std::string external_data = {};
  std::size_t external_above = 1024;
  // Called of write()'s file when it is whole, before it has its name: what this throws leaves no file. The descriptor is to be
  // read from; weights beside it have their name already.
  std::function<void(int descriptor)> before_naming = {};
};

// Written where nothing else is asked for, and everything that the model has is there.
inline constexpr int usual_opset = 17;
// The opset that is asked for; else the usual one, or the lowest above it, or the highest below it, at which every node of the
// model can be written. The usual one where there is none.
int written_opset(const Model& model, const WriteOptions& options = {});

// One file's bytes, deterministic, without external data. Throws Error(unsupported) where they do not fit into 2 GiB, and
// naming the node where an operator cannot be written at this opset.
std::string serialize(const Model& model, const WriteOptions& options = {});
// The files appear whole or not at all. Throws Error(unwritable).
void write(const Model& model, const std::filesystem::path& file, const WriteOptions& options = {});

}  // namespace resnet::onnx
