// Files that are neither models nor photos that can be read here, named as what they are.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace resnet::cli {

class Source;

// "is a PyTorch checkpoint, not a model that can be read here; export it to ONNX", of an existing file or folder, by its content
// or else by its name; nothing for photos, arrays and what nobody knows.
std::optional<std::string> describe_foreign(const std::string& path);

// For arguments among which no model was found, so that no other network answers in the place of what was meant as one. Throws
// Error(malformed) for a model of another framework, Error(invalid) for what does not exist and has not the name of a photo.
void refuse_foreign(std::span<const std::string> arguments);

// For such arguments, where the built-in network would answer: the first of several has the place of a model. Throws
// Error(malformed) "notes.txt: is neither a model nor a photo ..." of a file that is neither by its content nor by its name. One
// alone is an input like any other: there is nothing that another network could answer in its place.
void refuse_stranger(std::span<const std::string> arguments);

// For what is named as a model. Throws Error(malformed) where its first bytes are something else's.
void refuse_foreign_model(const Source& source);

}  // namespace resnet::cli
