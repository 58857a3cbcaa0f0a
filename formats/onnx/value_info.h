// What a file says of a value: its element type and shape.
#pragma once

#include <optional>

#include "formats/onnx/notes.h"
#include "lib/graph/fact.h"

namespace onnx {
class ValueInfoProto;
}  // namespace onnx

namespace resnet::onnx {

// Of a graph's input. Dims without a name get one of their own; sizes that some exporters write for any size are noted. Throws
// Error(unsupported) for what is not a tensor, Error(malformed) for shapes that cannot be.
Fact fact_of(const ::onnx::ValueInfoProto& info, Notes& notes);

// Of a value that an operator makes which is not known here: what cannot be read of it is not known.
Fact stated_fact(const ::onnx::ValueInfoProto& info);

// Of a graph's output, which may contradict what the graph gives; nothing where the file states no shape.
std::optional<Dims> declared_dims(const ::onnx::ValueInfoProto& info);

}  // namespace resnet::onnx
