#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Throws Error(malformed) where the index is not one of the axis.
std::int64_t checked_index(std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size) {
    throw Error(Fault::malformed, "index " + std::to_string(index) + " is out of range for an axis of " + std::to_string(size));
  }
  return index < 0 ? index + size : index;
}

// Calls visit(place in indices, offset into a tensor of `shape`) for each element of indices, whose place along `axis` is what it
// holds.
template <typename Visit>
void visit_elements(const Tensor& indices, const Shape& shape, std::size_t axis, const Visit& visit) {
  auto strides = shape.strides();
  const std::int64_t along = strides[axis], size = shape[axis];
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (i != axis && indices.shape()[i] > shape[i])
      throw Error(Fault::malformed, "indices of " + indices.shape().to_string() + " reach beyond " + shape.to_string());
  }
  strides[axis] = 0;
  const auto numbers = indices.values_as<std::int64_t>();
  std::size_t place = 0;
  visit_rows<1>(indices.shape().dims(), {strides}, [&](const auto& offsets, std::int64_t count, const auto& steps) {
    for (std::int64_t i = 0; i < count; ++i, ++place)
      visit(place, offsets[0] + i * steps[0] + checked_index(numbers[place], size) * along);
  });
}

// The offsets that rows of `depth` numbers stand for, into the axes of `shape` from `first` on, in elements.
std::vector<std::int64_t> offsets_of(const Tensor& indices, const Shape& shape, std::size_t first) {
  const auto numbers = indices.values_as<std::int64_t>();
  const auto depth = static_cast<std::size_t>(indices.shape()[indices.shape().rank() - 1]);
  const auto strides = shape.strides();
  std::vector<std::int64_t> offsets;
  const std::int64_t rows = depth == 0 ? 0 : indices.elements() / static_cast<std::int64_t>(depth);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      const std::int64_t index = numbers[static_cast<std::size_t>(row) * depth + i];
      offset += checked_index(index, shape[first + i]) * strides[first + i];
    }
    offsets.push_back(offset);
  }
  return offsets;
}

template <typename T>
void put(ScatterReduction reduction, T& target, T update) {
  const auto a = to_number(target), b = to_number(update);
  using N = std::remove_const_t<decltype(a)>;
  const auto wrapped = [](auto p, auto q, const auto& function) -> N {
    if constexpr (std::is_integral_v<N>)
      return static_cast<N>(function(static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(q)));
    return static_cast<N>(function(p, q));
  };
  switch (reduction) {
    case ScatterReduction::none: target = update; return;
    case ScatterReduction::add: target = to_element<T>(wrapped(a, b, [](auto p, auto q) { return p + q; })); return;
    case ScatterReduction::mul: target = to_element<T>(wrapped(a, b, [](auto p, auto q) { return p * q; })); return;
    case ScatterReduction::max: target = to_element<T>(b > a || is_nan(b) ? b : a); return;
    case ScatterReduction::min: target = to_element<T>(b < a || is_nan(b) ? b : a); return;
  }
}

}  // namespace

void compute(const GatherElements& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  if (x.shape().rank() == 0) return copy_bytes(x, outputs[0]);
  const std::size_t size = size_of(x.dtype());
  std::byte* target = outputs[0].mutable_bytes().data();
  visit_elements(*inputs[1], x.shape(), normalize_axis(op.axis, x.shape().rank()), [&](std::size_t place, std::int64_t offset) {
    std::memcpy(target + place * size, x.bytes().data() + static_cast<std::size_t>(offset) * size, size);
  });
}

void compute(const GatherND& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Tensor& indices = *inputs[1];
  if (outputs[0].elements() == 0) return;
  const auto batch_dims = static_cast<std::size_t>(op.batch_dims);
  const auto depth = static_cast<std::size_t>(indices.shape()[indices.shape().rank() - 1]);
  std::int64_t batches = 1, slice = 1, stride = 1;
  for (std::size_t i = 0; i < batch_dims; ++i) batches *= x.shape()[i];
  for (std::size_t i = batch_dims; i < x.shape().rank(); ++i) stride *= x.shape()[i];
  for (std::size_t i = batch_dims + depth; i < x.shape().rank(); ++i) slice *= x.shape()[i];
  const auto offsets = offsets_of(indices, x.shape(), batch_dims);
  if (batches == 0 || offsets.size() % static_cast<std::size_t>(batches) != 0)
    throw Error(Fault::malformed, "indices of " + indices.shape().to_string() + " do not fit " + x.shape().to_string());
  const std::size_t length = static_cast<std::size_t>(slice) * size_of(x.dtype()),
                    each = offsets.size() / static_cast<std::size_t>(batches);
  std::byte* target = outputs[0].mutable_bytes().data();
  for (std::size_t i = 0; i < offsets.size(); ++i, target += length) {
    const std::int64_t offset = static_cast<std::int64_t>(i / each) * stride + offsets[i];
    std::memcpy(target, x.bytes().data() + static_cast<std::size_t>(offset) * size_of(x.dtype()), length);
  }
}

void compute(const ScatterElements& op, Inputs inputs, Outputs outputs) {
  copy_bytes(*inputs[0], outputs[0]);
  if (inputs[1]->elements() == 0 || outputs[0].shape().rank() == 0) return;
  const std::size_t axis = normalize_axis(op.axis, outputs[0].shape().rank());
  dispatch(outputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = outputs[0].mutable_data<T>().data();
    const T* updates = inputs[2]->data<T>().data();
    visit_elements(*inputs[1], outputs[0].shape(), axis,
                   [&](std::size_t place, std::int64_t offset) { put(op.reduction, target[offset], updates[place]); });
  });
}

void compute(const ScatterND& op, Inputs inputs, Outputs outputs) {
  copy_bytes(*inputs[0], outputs[0]);
  const auto offsets = offsets_of(*inputs[1], outputs[0].shape(), 0);
  if (offsets.empty() || inputs[2]->elements() == 0) return;
  const std::int64_t slice = inputs[2]->elements() / static_cast<std::int64_t>(offsets.size());
  dispatch(outputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = outputs[0].mutable_data<T>().data();
    const T* update = inputs[2]->data<T>().data();
    for (const std::int64_t offset : offsets) {
      for (std::int64_t i = 0; i < slice; ++i) put(op.reduction, target[offset + i], *update++);
    }
  });
}

void compute(const TopK& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  const AxisSplit split = split_at(x.shape(), axis);
  const std::int64_t k = outputs[0].shape()[axis];
  std::int64_t* indices = wants(outputs, 1) ? outputs[1].mutable_data<std::int64_t>().data() : nullptr;
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* values = outputs[0].mutable_data<T>().data();
    std::vector<std::int64_t> order(static_cast<std::size_t>(split.size));
    for (std::int64_t row = 0; row < split.outer * split.inner; ++row) {
      const std::int64_t o = row / split.inner, i = row % split.inner;
      const T* source = x.data<T>().data() + o * split.size * split.inner + i;
      std::iota(order.begin(), order.end(), 0);
      // NaN is above all numbers; of equals the lower index comes first.
      const auto before = [&](std::int64_t a, std::int64_t b) {
        const auto p = to_number(source[a * split.inner]), q = to_number(source[b * split.inner]);
        if (is_nan(p) || is_nan(q)) return is_nan(p) != is_nan(q) ? is_nan(p) == op.largest : a < b;
        return p == q ? a < b : (p > q) == op.largest;
      };
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      for (std::int64_t j = 0; j < k; ++j) {
        const std::int64_t place = (o * k + j) * split.inner + i, chosen = order[static_cast<std::size_t>(j)];
        values[place] = source[chosen * split.inner];
        if (indices != nullptr) indices[place] = chosen;
      }
    }
  });
}

void compute(const OneHot& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const AxisSplit split = split_at(y.shape(), normalize_axis(op.axis, y.shape().rank()));
  const auto indices = inputs[0]->values_as<double>();
  const std::size_t size = size_of(y.dtype());
  const std::byte* values = inputs[2]->bytes().data();
  std::byte* target = y.mutable_bytes().data();
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t k = 0; k < split.size; ++k) {
      for (std::int64_t i = 0; i < split.inner; ++i, target += size) {
        double index = indices[static_cast<std::size_t>(o * split.inner + i)];
        if (index < 0) index += static_cast<double>(split.size);
        std::memcpy(target, values + (std::trunc(index) == static_cast<double>(k) ? size : 0), size);
      }
    }
  }
}

void compute(const CumSum& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::size_t axis = normalize_axis(inputs[1]->values_as<std::int64_t>().at(0), x.shape().rank());
  if (x.elements() == 0) return;
  const AxisSplit split = split_at(x.shape(), axis);
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t row = 0; row < split.outer * split.inner; ++row) {
      const std::int64_t first = row / split.inner * split.size * split.inner + row % split.inner;
      const T* source = x.data<T>().data() + first;
      T* target = outputs[0].mutable_data<T>().data() + first;
      Accumulator<T> sum{0};
      for (std::int64_t k = 0; k < split.size; ++k) {
        const std::int64_t at = (op.reverse ? split.size - 1 - k : k) * split.inner;
        const auto value = static_cast<Accumulator<T>>(to_number(source[at]));
        target[at] = to_element<T>(op.exclusive ? sum : sum + value);
        sum += value;
      }
    }
  });
}

void compute(const Range&, Inputs inputs, Outputs outputs) {
  dispatch_number(outputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto start = to_number(inputs[0]->data<T>()[0]), delta = to_number(inputs[2]->data<T>()[0]);
    const auto target = outputs[0].mutable_data<T>();
    for (std::size_t i = 0; i < target.size(); ++i) {
      if constexpr (is_real<T>) {
        target[i] = to_element<T>(static_cast<double>(start) + static_cast<double>(i) * static_cast<double>(delta));
      } else {
        target[i] = static_cast<T>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
      }
    }
  });
}

void compute(const Size&, Inputs inputs, Outputs outputs) { outputs[0].mutable_data<std::int64_t>()[0] = inputs[0]->elements(); }

void compute(const Einsum& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  std::vector<std::size_t> ranks;
  for (const Tensor* input : inputs) ranks.push_back(input->shape().rank());
  const EinsumIndices indices = einsum_indices(op.equation, ranks);
  std::vector<std::int64_t> sizes(indices.count, 1);
  std::vector<std::vector<std::int64_t>> steps(inputs.size(), std::vector<std::int64_t>(indices.count, 0));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto strides = inputs[i]->shape().strides();
    for (std::size_t axis = 0; axis < ranks[i]; ++axis) {
      const std::int64_t size = inputs[i]->shape()[axis];
      const std::size_t index = indices.inputs[i][axis];
      if (size == 1) continue;
      sizes[index] = size;
      steps[i][index] += strides[axis];  // an index that is there twice walks a diagonal
    }
  }
  // The output's indices in its order, then those that are summed over.
  std::vector<std::size_t> order = indices.output;
  for (std::size_t index = 0; index < indices.count; ++index) {
    if (std::find(order.begin(), order.end(), index) == order.end()) order.push_back(index);
  }
  std::int64_t terms = 1;
  for (std::size_t i = indices.output.size(); i < order.size(); ++i) terms *= sizes[order[i]];
  dispatch_number(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    std::vector<const T*> sources;
    for (const Tensor* input : inputs) sources.push_back(input->data<T>().data());
    std::vector<std::int64_t> position(order.size(), 0), offsets(inputs.size(), 0);
    T* target = y.mutable_data<T>().data();
    for (std::int64_t out = 0; out < y.elements(); ++out) {
      A sum{0};
      for (std::int64_t term = 0; term < terms; ++term) {
        A product{1};
        for (std::size_t i = 0; i < sources.size(); ++i) product *= static_cast<A>(to_number(sources[i][offsets[i]]));
        sum += product;
        for (std::size_t at = order.size(); at-- > 0;) {
          const std::size_t index = order[at];
          const bool wraps = ++position[at] == sizes[index];
          for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] += steps[i][index] * (wraps ? 1 - sizes[index] : 1);
          if (!wraps) break;
          position[at] = 0;
        }
      }
      // Nothing to sum: the walk above has not moved on.
      target[out] = to_element<T>(sum);
    }
  });
}

}  // namespace resnet::reference
