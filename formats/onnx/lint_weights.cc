#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <unordered_map>

#include "formats/onnx/lint_graph.h"
#include "lib/base/checked.h"
#include "lib/tensor/dtype.h"

namespace resnet::onnx {

namespace {

using Level = Finding::Level;

// Bytes of one element as raw_data holds it; nothing for strings and types of less than a byte.
std::optional<std::int64_t> element_size(std::int32_t type) {
  switch (type) {
    case ::onnx::TensorProto::FLOAT:
    case ::onnx::TensorProto::INT32:
    case ::onnx::TensorProto::UINT32: return 4;
    case ::onnx::TensorProto::DOUBLE:
    case ::onnx::TensorProto::INT64:
    case ::onnx::TensorProto::UINT64: return 8;
    case ::onnx::TensorProto::FLOAT16:
    case ::onnx::TensorProto::BFLOAT16:
    case ::onnx::TensorProto::INT16:
    case ::onnx::TensorProto::UINT16: return 2;
    case ::onnx::TensorProto::INT8:
    case ::onnx::TensorProto::UINT8:
    case ::onnx::TensorProto::BOOL: return 1;
    default: return std::nullopt;  // an open enum: a file can hold any number
  }
}

// The number of elements that a tensor's dims claim; nothing where one is negative or the product does not fit.
std::optional<std::int64_t> element_count(const ::onnx::TensorProto& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t dim : tensor.dims()) {
    if (dim < 0) return std::nullopt;
    const auto next = checked_multiply(count, dim);
    if (!next) return std::nullopt;
    count = *next;
  }
  return count;
}

// Calls visit(value) for each float of a tensor that holds its data itself.
void visit_floats(const ::onnx::TensorProto& tensor, const std::function<void(double)>& visit) {
  const auto each = [&]<typename T>(T) {
    const std::string& raw = tensor.raw_data();
    for (std::size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, raw.data() + i, sizeof(T));
      visit(static_cast<double>(to_number(value)));
    }
  };
  if (tensor.data_type() == ::onnx::TensorProto::FLOAT) {
    if (tensor.has_raw_data()) {
      each(float{});
    } else {
      for (const float value : tensor.float_data()) visit(static_cast<double>(value));
    }
  } else if (tensor.data_type() == ::onnx::TensorProto::DOUBLE) {
    if (tensor.has_raw_data()) {
      each(double{});
    } else {
      for (const double value : tensor.double_data()) visit(value);
    }
  } else if (tensor.data_type() == ::onnx::TensorProto::FLOAT16 && tensor.has_raw_data()) {
    each(Float16{});
  } else if (tensor.data_type() == ::onnx::TensorProto::BFLOAT16 && tensor.has_raw_data()) {
    each(BFloat16{});
  }
}

class WeightLinter {
 public:
  WeightLinter(const ::onnx::GraphProto& graph, std::vector<Finding>& findings) : graph_(graph), findings_(findings) {
    for (const auto& tensor : graph_.initializer()) initializers_.emplace(tensor.name(), &tensor);
    for (const auto& node : graph_.node()) {
      if (node.op_type() != "Constant" || node.output_size() == 0) continue;
      for (const auto& attribute : node.attribute()) {
        if (attribute.name() == "value" && attribute.has_t()) initializers_.emplace(node.output(0), &attribute.t());
      }
    }
  }

  void run() {
    for (const auto& tensor : graph_.initializer()) check_initializer(tensor);
    for (const auto& node : graph_.node()) {
      check_bias(node);
      check_variance(node);
    }
  }

 private:
  void add(Level level, std::string rule, std::string node, std::string message) {
    findings_.push_back({level, std::move(rule), std::move(node), std::move(message)});
  }

  void check_initializer(const ::onnx::TensorProto& tensor) {
    const auto count = element_count(tensor);
    if (!count) {
      add(Level::error, "initializer-size", "",
          fmt::format("initializer '{}' has the impossible shape {}", tensor.name(), dims_of(tensor)));
      return;
    }
    const auto size = element_size(tensor.data_type());
    if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL && size) {
      if (tensor.has_raw_data()) {
        const auto expected = checked_multiply(*count, *size);
        if (!expected || *expected != static_cast<std::int64_t>(tensor.raw_data().size())) {
          add(Level::error, "initializer-size", "",
              fmt::format("initializer '{}' has {} bytes of data, expected {} for its shape {}", tensor.name(),
                          tensor.raw_data().size(), expected ? std::to_string(*expected) : "more than 64 bits can hold",
                          dims_of(tensor)));
        }
      } else {
        const std::int64_t held = tensor.float_data_size() + tensor.int32_data_size() + tensor.int64_data_size() +
                                  tensor.double_data_size() + tensor.uint64_data_size();
        if (held != *count) {
          add(Level::error, "initializer-size", "",
              fmt::format("initializer '{}' has {} elements of data, expected {} for its shape {}", tensor.name(), held, *count,
                          dims_of(tensor)));
        }
      }
    }
    std::int64_t nan = 0, infinite = 0;
    visit_floats(tensor, [&](double value) {
      nan += std::isnan(value);
      infinite += std::isinf(value);
    });
    if (nan + infinite > 0) {
      add(Level::error, "non-finite", "",
          fmt::format("initializer '{}' holds {} NaN and {} infinite values, expected finite weights", tensor.name(), nan,
                      infinite));
    }
  }

  const ::onnx::TensorProto* constant_input(const ::onnx::NodeProto& node, int index) const {
    if (index >= node.input_size()) return nullptr;
    const auto found = initializers_.find(node.input(index));
    return found == initializers_.end() ? nullptr : found->second;
  }

  void check_bias(const ::onnx::NodeProto& node) {
    if (node.op_type() != "Conv") return;
    const ::onnx::TensorProto* weight = constant_input(node, 1);
    const ::onnx::TensorProto* bias = constant_input(node, 2);
    if (weight == nullptr || bias == nullptr || weight->dims_size() == 0) return;
    if (bias->dims_size() != 1 || bias->dims(0) != weight->dims(0)) {
      add(Level::error, "bias-length", name_of(node),
          fmt::format("bias '{}' is {}, expected {}: one per output channel of weight '{}' ({})", bias->name(), dims_of(*bias),
                      weight->dims(0), weight->name(), dims_of(*weight)));
    }
  }

  void check_variance(const ::onnx::NodeProto& node) {
    if (node.op_type() != "BatchNormalization") return;
    const ::onnx::TensorProto* variance = constant_input(node, 4);
    if (variance == nullptr) return;
    std::int64_t negative = 0;
    double least = 0;
    visit_floats(*variance, [&](double value) {
      negative += value < 0;
      least = std::min(least, value);
    });
    if (negative > 0) {
      add(Level::error, "negative-variance", name_of(node),
          fmt::format("{} of the variances in '{}' are negative (the least is {:g}), expected none", negative, variance->name(),
                      least));
    }
  }

  const ::onnx::GraphProto& graph_;
  std::vector<Finding>& findings_;
  std::unordered_map<std::string, const ::onnx::TensorProto*> initializers_;  // and the tensors of Constant nodes
};

}  // namespace

void check_weights(const ::onnx::GraphProto& graph, std::vector<Finding>& findings) { WeightLinter(graph, findings).run(); }

}  // namespace resnet::onnx
