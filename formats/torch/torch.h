// PyTorch's checkpoints (.pth, .pt, .pth.tar, .th, .ckpt, .bin, by what they hold and never by their names) as named tensors,
// without Python: what a pickle would call is never called.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lib/model/weights.h"
#include "lib/tensor/file_bytes.h"

namespace resnet::torch {

// Whether parse() is the one to read it or to say why it cannot be read: a zip archive that is not something else by its first
// entry, or a pickle. At least lib/base/file_kind.h's kind_bytes of a longer file.
bool is_checkpoint(std::string_view first_bytes);

// PyTorch's zip archives (since 1.6) and the format before. Which state dict is taken, and what was left, is in the notes. Names
// are without what wrappers put before them ("module.", ...), which is metadata's "prefix". float32, float64, float16, bfloat16
// and integers stay as they are. All is checked, but for what deflated entries hold, and nothing is loaded: row-major tensors
// that lie aligned in the file share its bytes when they are, others are made then; of a deflated entry, once for all its
// tensors. `name` stands for the file in errors. Throws Error(malformed), of a file with Role::model, where it is damaged or
// something else, which it names.
Weights parse(FileBytes file, const std::string& name);

// Maps the file. Throws Error(unreadable) where it cannot be opened.
Weights read(const std::filesystem::path& file);

}  // namespace resnet::torch
