#include "formats/onnx/value_info.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <string>

#include "formats/onnx/tensors.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

Dim dim_of(const ::onnx::TensorShapeProto::Dimension& dim, const std::string& own) {
  if (dim.has_dim_value()) return dim.dim_value();
  const std::string& name = dim.dim_param();
  // Names that some exporters give to every dim that they do not know.
  const bool nameless =
      name.empty() || name == "?" || name == "None" || name == "-1" || name.find_first_not_of("0123456789") == std::string::npos;
  return Dim::symbol(nameless ? own : name);
}

// The numbers alone must fit, whatever the symbols will be.
void check_size(const Dims& dims) {
  std::int64_t bytes = 8;
  for (const Dim& dim : dims) {
    if (!dim.is_number() || dim.is(0)) continue;
    const auto product = checked_multiply(bytes, dim.number());
    if (!product) {
      throw Error(Fault::malformed, fmt::format("shape {} does not fit into memory", to_string(dims)));
    }
    bytes = *product;
  }
}

}  // namespace

Fact fact_of(const ::onnx::ValueInfoProto& info, Notes& notes) {
  if (info.type().value_case() == ::onnx::TypeProto::VALUE_NOT_SET) return Fact::unknown();
  if (!info.type().has_tensor_type()) {
    throw Error(Fault::unsupported, "is not a tensor (sequences, optionals, maps and sparse tensors cannot be read)");
  }
  const auto& type = info.type().tensor_type();
  Fact fact;
  if (type.elem_type() != 0) fact.dtype = import_dtype(type.elem_type());
  if (!type.has_shape()) return fact;
  fact.dims.emplace();
  for (int i = 0; i < type.shape().dim_size(); ++i) {
    const auto& dim = type.shape().dim(i);
    const std::string own = fmt::format("{}_dim{}", info.name(), i);
    if (dim.has_dim_value() && (dim.dim_value() == -1 || dim.dim_value() == 0)) {
      notes.add(fmt::format("has dimension {} = {}: taken as any size", i, dim.dim_value()),
                fmt::format("input '{}'", info.name()), "inputs");
      fact.dims->push_back(Dim::symbol(own));
    } else if (dim.has_dim_value() && dim.dim_value() < 0) {
      throw Error(Fault::malformed, fmt::format("dimension {} is {}, expected a size", i, dim.dim_value()));
    } else {
      fact.dims->push_back(dim_of(dim, own));
    }
  }
  check_size(*fact.dims);
  return fact;
}

Fact stated_fact(const ::onnx::ValueInfoProto& info) {
  Fact fact;
  if (!info.type().has_tensor_type()) return fact;
  if (is_known_dtype(info.type().tensor_type().elem_type())) fact.dtype = import_dtype(info.type().tensor_type().elem_type());
  fact.dims = declared_dims(info);
  if (!fact.dims) return fact;
  for (std::size_t axis = 0; axis < fact.dims->size(); ++axis) {
    // As some exporters write any size.
    if ((*fact.dims)[axis].is(0)) (*fact.dims)[axis] = Dim::symbol(fmt::format("{}_dim{}", info.name(), axis));
  }
  try {
    check_size(*fact.dims);
  } catch (const Error&) {
    fact.dims.reset();
  }
  return fact;
}

std::optional<Dims> declared_dims(const ::onnx::ValueInfoProto& info) {
  const auto& type = info.type().tensor_type();
  if (!type.has_shape()) return std::nullopt;
  Dims dims;
  for (int i = 0; i < type.shape().dim_size(); ++i) {
    const auto& dim = type.shape().dim(i);
    const std::string own = fmt::format("{}_dim{}", info.name(), i);
    dims.push_back(dim.has_dim_value() && dim.dim_value() < 0 ? Dim::symbol(own) : dim_of(dim, own));
  }
  return dims;
}

}  // namespace resnet::onnx
