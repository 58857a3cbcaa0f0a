// NumPy's .npy files: one array each, versions 1 to 3.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "lib/tensor/tensor.h"

namespace resnet::npy {

// Either byte order; Fortran order becomes row-major. Throws Error(Role::input) "FILE: ..." for what is not there, is not a .npy
// file, is truncated, has bytes after its array, or holds another dtype than numbers and booleans.
Tensor read(const std::filesystem::path& file);
// From memory; `name` stands for the file in errors.
Tensor parse(std::span<const std::byte> bytes, const std::string& name);

// Version 1, little-endian, row-major, the header padded as NumPy pads it. NumPy has no bfloat16: its values are written as
// float32. Throws Error(unwritable). The file is whole or absent.
void write(const std::filesystem::path& file, const Tensor& tensor);
std::string to_bytes(const Tensor& tensor);

// What comes before the elements, at least `least` bytes (a multiple of 64) of it: a file whose rows are counted as they are
// written keeps `fixed_header` bytes free, which are enough for any shape of five dims.
std::string header_of(DType dtype, const Shape& dims, std::size_t least = 0);
inline constexpr std::size_t fixed_header = 192;

}  // namespace resnet::npy
