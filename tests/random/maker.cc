#include "tests/random/maker.h"

#include <algorithm>
#include <numeric>

namespace resnet::random {

ValueId Maker::input(DType dtype, Sizes sizes) {
  Dims dims(sizes.begin(), sizes.end());
  if (open) dims[0] = Dim::symbol("N");
  return graph.add_input(fresh("x"), Fact::of(dtype, std::move(dims)));
}

ValueId Maker::constant(const Sizes& sizes, double least, double most) {
  Tensor tensor = Tensor::allocate(DType::float32, Shape(sizes));
  for (float& value : tensor.mutable_data<float>()) value = static_cast<float>(weights_.uniform(least, most));
  return graph.add_constant(fresh("c"), std::move(tensor));
}

ValueId Maker::bytes(DType dtype, const Sizes& sizes, std::int64_t least, std::int64_t most) {
  Tensor tensor = Tensor::allocate(dtype, Shape(sizes));
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      for (T& value : tensor.mutable_data<T>()) value = static_cast<T>(weights_.between(least, most));
    }
  });
  return graph.add_constant(fresh("c"), std::move(tensor));
}

ValueId Maker::integers(const Sizes& list) {
  const Shape shape{static_cast<std::int64_t>(list.size())};
  return graph.add_constant(fresh("c"), Tensor::from(shape, std::span<const std::int64_t>(list)));
}

ValueId Maker::scalar(float value) { return graph.add_constant(fresh("c"), Tensor::scalar(value)); }

ValueId Maker::zero_point(DType dtype, std::int64_t value) {
  Tensor tensor = Tensor::allocate(dtype, Shape{});
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) tensor.mutable_data<T>()[0] = static_cast<T>(value);
  });
  return graph.add_constant(fresh("c"), std::move(tensor));
}

ValueId Maker::add(Op op, std::vector<ValueId> inputs, std::size_t outputs) {
  std::vector<std::string> names;
  const std::string stem = fresh("v");
  for (std::size_t i = 0; i < outputs; ++i) names.push_back(i == 0 ? stem : stem + "_" + std::to_string(i));
  std::string name = "n" + stem.substr(1);
  return graph.append(std::move(op), std::move(inputs), std::move(name), std::move(names));
}

ValueId Maker::any() {
  const auto count = static_cast<std::int64_t>(values.size());
  const std::int64_t back = draw.chance(55) ? 0 : draw.between(0, count - 1);
  return values[static_cast<std::size_t>(count - 1 - back)];
}

ValueId Maker::alike(ValueId x) {
  std::vector<ValueId> found;
  for (ValueId value : values) {
    if (value != x && sizes(value) == sizes(x)) found.push_back(value);
  }
  return found.empty() ? ValueId::none() : draw.one_of(found);
}

Sizes Maker::sizes(ValueId id) const {
  Sizes result;
  for (const Dim& dim : *graph.fact(id).dims) result.push_back(dim.is_number() ? dim.number() : batch);
  return result;
}

std::int64_t Maker::elements(ValueId id) const {
  const Sizes all = sizes(id);
  return std::accumulate(all.begin(), all.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace resnet::random
