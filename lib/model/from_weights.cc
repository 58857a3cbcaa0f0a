#include "lib/model/from_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/arch/build.h"
#include "lib/arch/checkpoint.h"
#include "lib/arch/conventions.h"
#include "lib/arch/parameters.h"
#include "lib/base/error.h"

namespace resnet {

namespace {

// Dimensions of 1 at the end hold nothing: a classifier may be a 1x1 convolution, a gate's filter a 1-d one.
std::vector<std::int64_t> without_ones(std::span<const std::int64_t> dims) {
  std::vector<std::int64_t> result(dims.begin(), dims.end());
  while (!result.empty() && result.back() == 1) result.pop_back();
  return result;
}

bool fits(const Shape& found, const Shape& expected) {
  return found == expected || without_ones(found.dims()) == without_ones(expected.dims());
}

Tensor as_float32(const Tensor& tensor) {
  if (tensor.dtype() == DType::float32) return tensor;
  Tensor result = Tensor::allocate(DType::float32, tensor.shape());
  dispatch(tensor.dtype(), [&](auto zero) {
    const auto values = tensor.data<decltype(zero)>();
    std::transform(values.begin(), values.end(), result.mutable_data<float>().begin(),
                   [](auto value) { return static_cast<float>(to_number(value)); });
  });
  return result;
}

Tensor standardized(const Tensor& weight) {
  Tensor result = Tensor::from<float>(weight.shape(), weight.data<float>());
  arch::standardize(result.mutable_data<float>(), static_cast<std::size_t>(weight.shape()[0]));
  return result;
}

// One complaint of several: the first few of a list, and how many more there are.
class Complaint {
 public:
  void add(std::string item) {
    constexpr std::size_t shown = 3;
    if (count_++ < shown) text_ += (text_.empty() ? "" : ", ") + std::move(item);
    if (count_ > shown) more_ = fmt::format(" and {} more", count_ - shown);
  }
  // "2 are missing: 'a', 'b'", after what was said before.
  void tell(std::string& text, std::string_view one, std::string_view many) const {
    if (count_ == 0) return;
    text += fmt::format("{}{} {}: {}{}", text.empty() ? "" : "; ", count_, count_ == 1 ? one : many, text_, more_);
  }

 private:
  std::size_t count_ = 0;
  std::string text_, more_;
};

class Filler {
 public:
  Filler(Weights weights, const std::optional<arch::Spec>& asked, Fill fill)
      : weights_(std::move(weights)), asked_(asked), fill_(fill) {}

  Model run() {
    if (weights_.tensors.empty()) throw Error(Fault::malformed, "it holds no weights");
    translate();
    Model model;
    model.notes = std::move(weights_.notes);
    model.notes.insert(model.notes.end(), translation_.notes.begin(), translation_.notes.end());
    arch::Spec spec = choose(model.notes);
    spec.classes = classes();
    arch::check(spec);
    standardized_ = spec.standardized;
    const Graph empty = arch::build(spec, {.init = arch::Init::none});
    compare(empty, spec);
    model.graph =
        arch::with_parameters(empty, [&](const std::string& name, const Shape& shape) { return value_of(name, shape); });
    model.preprocessing = preprocessing(spec);
    model.spec = std::move(spec);
    model.provenance.format = weights_.format;
    model.metadata = std::move(weights_.metadata);
    return model;
  }

 private:
  void translate() {
    std::vector<std::string> names;
    for (const NamedTensor& weight : weights_.tensors) names.push_back(weight.name);
    translation_ = arch::translate(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string& name = translation_.names[i];
      if (name.empty()) continue;
      const auto [place, added] = places_.emplace(name, i);
      if (!added) {
        throw Error(Fault::malformed, fmt::format("{} and {} are the same weight of the network",
                                                  arch::in_quotes(names[place->second]), arch::in_quotes(names[i])));
      }
    }
  }

  Tensor value_of(const std::string& name, const Shape& shape) const {
    const StoredTensor& stored = weights_.tensors[places_.at(name)].tensor;
    if (fill_ == Fill::values) {
      Tensor value = as_float32(stored.load()).reshaped(shape);
      return standardized_ && shape.rank() == 4 ? standardized(value) : value;
    }
    stored.check();
    return Tensor::allocate(DType::float32, shape);
  }

  std::int64_t classes() const {
    const auto found = places_.find("fc.weight");
    if (found == places_.end()) return 0;
    const Shape& shape = weights_.tensors[found->second].tensor.shape();
    return shape.rank() > 0 ? shape[0] : 0;
  }

  arch::Spec choose(std::vector<std::string>& notes) const {
    if (asked_ && asked_->stem != arch::Stem::cifar) return *asked_;
    std::vector<arch::NamedShape> shapes;
    for (const auto& [name, i] : places_) shapes.push_back({name, weights_.tensors[i].tensor.shape()});
    arch::FoundSpec found = arch::find_spec(shapes);
    if (asked_) {
      // Repositories of CIFAR nets have option A or B under one name: the weights show.
      arch::Spec spec = *asked_;
      if (spec.shortcut != arch::Shortcut::none) spec.shortcut = found.spec.shortcut;
      return spec;
    }
    notes.insert(notes.end(), found.notes.begin(), found.notes.end());
    return std::move(found.spec);
  }

  // Throws where the weights are not exactly the graph's parameters.
  void compare(const Graph& graph, const arch::Spec& spec) const {
    Complaint missing, other_shape, other_type, left_over;
    std::map<std::string, std::size_t> rest = places_;
    for (const ValueId input : graph.inputs().subspan(1)) {
      const std::string& name = graph.value(input).name;
      const auto place = rest.find(name);
      if (place == rest.end()) {
        missing.add(arch::in_quotes(name));
        continue;
      }
      const NamedTensor& weight = weights_.tensors[place->second];
      const Shape expected = *graph.fact(input).shape();
      if (!fits(weight.tensor.shape(), expected)) {
        other_shape.add(fmt::format("{} is {}, expected {}", arch::in_quotes(weight.name), weight.tensor.shape().to_string(),
                                    expected.to_string()));
      } else if (!is_floating_point(weight.tensor.dtype())) {
        other_type.add(fmt::format("{} is {}, expected float", arch::in_quotes(weight.name), name_of(weight.tensor.dtype())));
      }
      rest.erase(place);
    }
    for (std::size_t i = 0; i < weights_.tensors.size(); ++i) {  // in the file's order
      if (rest.contains(translation_.names[i])) left_over.add(arch::in_quotes(weights_.tensors[i].name));
    }
    std::string text;
    missing.tell(text, "is missing", "are missing");
    other_shape.tell(text, "has another shape", "have other shapes");
    other_type.tell(text, "has another type", "have other types");
    left_over.tell(text, "is left over", "are left over");
    if (!text.empty()) throw Error(Fault::malformed, fmt::format("the weights do not fit {}: {}", arch::describe(spec), text));
  }

  // What the repositories of CIFAR nets train with.
  std::optional<Preprocessing> preprocessing(const arch::Spec& spec) const {
    Preprocessing p = preprocessing_of(Convention::cifar10);
    p.name = "custom";
    if (translation_.naming == arch::Naming::weiaicunzai) {
      p.mean = {0.5070751592371323f, 0.48654887331495095f, 0.4409178433670343f};
      p.std = {0.2673342858792401f, 0.2564384629170883f, 0.27615047132568404f};
    } else if (translation_.naming != arch::Naming::kuangliu || spec.stem != arch::Stem::cifar) {
      return std::nullopt;
    } else if (spec.blocks.size() == 3) {  // akamaster's
      p.mean = {0.485f, 0.456f, 0.406f};
      p.std = {0.229f, 0.224f, 0.225f};
    } else {
      p.mean = {0.4914f, 0.4822f, 0.4465f};
      p.std = {0.2023f, 0.1994f, 0.2010f};
    }
    return p;
  }

  Weights weights_;
  const std::optional<arch::Spec>& asked_;
  Fill fill_;
  bool standardized_ = false;  // its filters are, as they are used
  arch::Translation translation_;
  std::map<std::string, std::size_t> places_;  // by build()'s name
};

}  // namespace

Model from_weights(Weights weights, const std::optional<arch::Spec>& asked, Fill fill) {
  return Filler(std::move(weights), asked, fill).run();
}

}  // namespace resnet
