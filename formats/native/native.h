// .resnet files: one file that is used as it is mapped, with everything that a classifier needs. The bytes are described in
// docs/formats/native.md.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "lib/base/error.h"
#include "lib/model/model.h"

namespace resnet::native {

struct ReadOptions {
  bool verify = true;  // the checksum: off, a file opens without being read as a whole
};

// What read() throws on a checksum mismatch: the file can still be read without `verify`.
class ChecksumMismatch : public Error {
 public:
  using Error::Error;
};

// Weights stay in the mapped file. Throws Error(malformed) "FILE: ..." for what is not there, is not such a file, is cut short,
// damaged, or written by a later version.
Model read(const std::filesystem::path& file, const ReadOptions& options = {});
// Of a file that is open; its name is for errors.
Model read(int descriptor, const std::filesystem::path& file, const ReadOptions& options = {});

// The file appears whole or not at all; the same bytes for the same model. Throws Error(unwritable), and Error(unsupported)
// naming the node where an operator cannot be written.
void write(const Model& model, const std::filesystem::path& file, const std::function<void(int descriptor)>& before_naming = {});

// Whether a file begins as a .resnet file does.
bool is_native(std::string_view head);

}  // namespace resnet::native
