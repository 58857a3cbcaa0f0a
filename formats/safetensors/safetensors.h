// .safetensors files: named tensors and pairs of text; a JSON header, then the elements, little-endian and row-major.
#pragma once

#include <filesystem>
#include <string>

#include "lib/model/weights.h"
#include "lib/tensor/file_bytes.h"

namespace resnet::safetensors {

// What a header may have at most, as the format's own library reads it.
inline constexpr std::size_t most_header_bytes = 100'000'000;
// Far above what a network has, and low enough that a header cannot eat the memory.
inline constexpr std::size_t most_tensors = 16'384, most_dims = 64, most_name_bytes = std::size_t{1} << 20;

// The tensors of a file that is mapped or in memory, in the order of their bytes; `name` is the file in errors. They are read
// when they are loaded: float32 and integers stay in `file` where they are aligned, and keep it alive; elsewhere they are copied.
// float16, bfloat16 and float64 become float32, in which networks are computed (what is beyond its range becomes infinite); of a
// boolean any byte but 0 is true. The order of the header's entries and their unknown keys do not matter. A file without tensors
// is valid, and gives none. Throws Error(malformed) "FILE: tensor 'x': ..." for what the format forbids: a header that is not one
// JSON object in UTF-8, a name or key twice, bytes that no tensor or two have, a shape that does not fit its bytes; for more than
// is allowed above; and for element types that are not for us, of less than 8 bits, of 8 bits with a fraction, or complex.
Weights parse(FileBytes file, const std::string& name);
// The same of a file that is mapped here. Throws Error(unreadable), too.
Weights read(const std::filesystem::path& file);

// As the format's own library writes it: by element type, the widest first, then by name; the header filled with spaces to a
// multiple of 8; __metadata__ first, where there is any, by its keys. The same bytes for the same weights, in whatever order they
// are; `format` and `notes` are not kept. Throws Error(unsupported) for a name or text that is not UTF-8, for the name
// "__metadata__", and where the header would be larger than is allowed.
std::string to_bytes(const Weights& weights);
// The file is whole or absent. Throws Error(unwritable), too.
void write(const Weights& weights, const std::filesystem::path& file);

}  // namespace resnet::safetensors
