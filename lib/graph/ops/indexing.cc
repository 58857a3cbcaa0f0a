#include "lib/graph/ops/indexing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// A number that an input holds: a scalar or a list of one.
std::optional<Dim> number_of(const Facts& inputs, std::size_t index) {
  if (!inputs.has(index)) return std::nullopt;
  const auto& elements = inputs[index].elements;
  return elements && elements->size() == 1 ? std::optional(elements->front()) : std::nullopt;
}

void check_single(const Fact& fact, const char* what) {
  const auto shape = fact.shape();
  if (!shape || shape->elements() == 1) return;
  throw Error(Fault::malformed, fmt::format("{} {}, expected one number", what,
                                            shape->elements() == 0 ? "has no elements" : "is " + shape->to_string()));
}

}  // namespace

std::vector<Fact> infer(const GatherElements& op, const Facts& inputs, std::size_t) {
  const Fact &x = inputs[0], &indices = inputs[1];
  check_dtype(indices, "indices", {DType::int64, DType::int32});
  if (x.has_rank() && indices.has_rank()) {
    normalize_axis(op.axis, x.rank());
    if (x.rank() != indices.rank())
      throw Error(Fault::malformed,
                  fmt::format("indices are {}, expected the rank of {}", to_string(*indices.dims), to_string(*x.dims)));
  }
  return {Fact{x.dtype, indices.dims, std::nullopt, std::nullopt}};
}

std::vector<Fact> infer(const GatherND& op, const Facts& inputs, std::size_t) {
  const Fact &x = inputs[0], &indices = inputs[1];
  check_dtype(indices, "indices", {DType::int64});
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims || !indices.dims) return {std::move(fact)};
  if (indices.rank() == 0) throw Error(Fault::malformed, "indices are a scalar, expected at least one dim");
  const Dim& last = indices.dims->back();
  if (!last.is_number()) return {std::move(fact)};
  const auto depth = last.number();
  if (op.batch_dims < 0 || op.batch_dims >= static_cast<std::int64_t>(std::min(x.rank(), indices.rank())) || depth < 1 ||
      op.batch_dims + depth > static_cast<std::int64_t>(x.rank())) {
    throw Error(Fault::malformed, fmt::format("indices of {} with batch_dims {} do not fit {}", to_string(*indices.dims),
                                              op.batch_dims, to_string(*x.dims)));
  }
  fact.dims = Dims(indices.dims->begin(), indices.dims->end() - 1);
  fact.dims->insert(fact.dims->end(), x.dims->begin() + op.batch_dims + depth, x.dims->end());
  return {std::move(fact)};
}

std::vector<Fact> infer(const ScatterElements& op, const Facts& inputs, std::size_t) {
  common_dtype(inputs, {0, 2});
  check_dtype(inputs[1], "indices", {DType::int64, DType::int32});
  const Fact &x = inputs[0], &indices = inputs[1], &updates = inputs[2];
  if (x.has_rank() && indices.has_rank()) {
    normalize_axis(op.axis, x.rank());
    if (x.rank() != indices.rank())
      throw Error(Fault::malformed,
                  fmt::format("indices are {}, expected the rank of {}", to_string(*indices.dims), to_string(*x.dims)));
  }
  const auto a = indices.shape(), b = updates.shape();
  if (a && b && *a != *b)
    throw Error(Fault::malformed, fmt::format("updates are {}, expected {} as indices", b->to_string(), a->to_string()));
  return {same_as(x)};
}

std::vector<Fact> infer(const ScatterND&, const Facts& inputs, std::size_t) {
  common_dtype(inputs, {0, 2});
  check_dtype(inputs[1], "indices", {DType::int64});
  const Fact& x = inputs[0];
  const auto data = x.shape(), indices = inputs[1].shape(), updates = inputs[2].shape();
  if (!data || !indices || !updates) return {same_as(x)};
  bool fits = indices->rank() > 0 && (*indices)[indices->rank() - 1] <= static_cast<std::int64_t>(data->rank());
  if (fits) {
    std::vector<std::int64_t> wanted(indices->dims().begin(), indices->dims().end() - 1);
    const auto depth = (*indices)[indices->rank() - 1];
    wanted.insert(wanted.end(), data->dims().begin() + depth, data->dims().end());
    fits = Shape(wanted) == *updates;
  }
  if (!fits) {
    throw Error(Fault::malformed, fmt::format("indices of {} and updates of {} do not fit {}", indices->to_string(),
                                              updates->to_string(), data->to_string()));
  }
  return {same_as(x)};
}

std::vector<Fact> infer(const TopK& op, const Facts& inputs, std::size_t outputs) {
  const Fact& x = inputs[0];
  check_dtype(inputs[1], "K", {DType::int64});
  check_single(inputs[1], "K");
  std::vector<Fact> facts(outputs, same_as(x));
  if (outputs > 1) facts[1].dtype = DType::int64;
  if (!x.dims) return facts;
  const std::size_t axis = normalize_axis(op.axis, x.rank());
  const Dim k = number_of(inputs, 1).value_or(Dim::symbol("topk"));
  const Dim& size = (*x.dims)[axis];
  if (k.is_number() && (k.number() < 0 || (size.is_number() && k.number() > size.number())))
    throw Error(Fault::malformed, fmt::format("K is {}, and axis {} has {} elements", k.number(), axis, size.to_string()));
  for (Fact& fact : facts) (*fact.dims)[axis] = k;
  return facts;
}

std::vector<Fact> infer(const OneHot& op, const Facts& inputs, std::size_t) {
  check_single(inputs[1], "depth");
  Fact fact{inputs[2].dtype, std::nullopt, std::nullopt, std::nullopt};
  const auto values = inputs[2].shape();
  if (values && values->elements() != 2)
    throw Error(Fault::malformed, fmt::format("values are {}, expected 2", values->to_string()));
  if (!inputs[0].dims) return {std::move(fact)};
  const std::size_t axis = normalize_axis(op.axis, inputs[0].rank() + 1);
  std::optional<Dim> depth = number_of(inputs, 1);
  if (!depth && inputs[1].value && inputs[1].value->elements() == 1) {
    const double number = inputs[1].value->values_as<double>().front();
    if (number >= 1 && number < 1e9) depth = Dim(static_cast<std::int64_t>(number));
  }
  if (depth && depth->is_number() && depth->number() < 1)
    throw Error(Fault::malformed, fmt::format("depth is {}", depth->number()));
  fact.dims = inputs[0].dims;
  fact.dims->insert(fact.dims->begin() + static_cast<std::ptrdiff_t>(axis), depth.value_or(Dim::symbol("depth")));
  return {std::move(fact)};
}

std::vector<Fact> infer(const CumSum&, const Facts& inputs, std::size_t) {
  check_dtype(inputs[1], "axis", {DType::int64, DType::int32});
  check_single(inputs[1], "axis");
  const auto axis = number_of(inputs, 1);
  if (axis && axis->is_number() && inputs[0].has_rank()) normalize_axis(axis->number(), inputs[0].rank());
  return {same_as(inputs[0])};
}

std::vector<Fact> infer(const Range&, const Facts& inputs, std::size_t) {
  Fact fact{common_dtype(inputs), Dims{Dim::symbol("range")}, std::nullopt, std::nullopt};
  for (std::size_t i = 0; i < 3; ++i) check_single(inputs[i], i == 0 ? "start" : i == 1 ? "limit" : "delta");
  const auto start = number_of(inputs, 0), limit = number_of(inputs, 1), delta = number_of(inputs, 2);
  constexpr double most = 1e12;
  if (start && limit && delta) {
    if (delta->is(0)) throw Error(Fault::malformed, "delta is 0");
    if (!start->is_number() || !limit->is_number() || !delta->is_number()) {
      if (start->is(0) && delta->is(1)) fact.dims = Dims{*limit};
      return {std::move(fact)};
    }
    const std::int64_t step = delta->number();
    // In double, which is exact for all that is short enough.
    const double length =
        std::ceil((static_cast<double>(limit->number()) - static_cast<double>(start->number())) / static_cast<double>(step));
    if (!(length <= most)) throw Error(Fault::malformed, "its range has too many elements");
    const auto count = static_cast<std::int64_t>(std::max(length, 0.0));
    fact.dims = Dims{Dim(count)};
    if (count <= 64) {
      Dims elements;
      for (std::int64_t i = 0; i < count; ++i) elements.push_back(Dim(start->number() + i * step));
      fact.elements = bounded_elements(std::move(elements), fact.dtype);
    }
    return {std::move(fact)};
  }
  if (!inputs[0].value || !inputs[1].value || !inputs[2].value) return {std::move(fact)};
  const auto first = [&](std::size_t i) { return inputs[i].value->values_as<double>().front(); };
  if (first(2) == 0) throw Error(Fault::malformed, "delta is 0");
  const double count = std::max(0.0, std::ceil((first(1) - first(0)) / first(2)));
  if (!(count <= most)) throw Error(Fault::malformed, "its range has too many elements");
  fact.dims = Dims{Dim(static_cast<std::int64_t>(count))};
  return {std::move(fact)};
}

std::vector<Fact> infer(const Size&, const Facts& inputs, std::size_t) {
  if (!inputs[0].dims) return {Fact{DType::int64, Dims{}, std::nullopt, std::nullopt}};
  Dim product = 1;
  for (const Dim& dim : *inputs[0].dims) product = product * dim;
  return {Fact::of_elements({product}, true)};
}

namespace {

// The terms of an equation, each with '.' where its ellipsis is.
class Equation {
 public:
  explicit Equation(const std::string& equation) : equation_(equation) {
    std::string text;
    for (const char c : equation) {
      if (c != ' ') text += c;
    }
    const auto arrow = text.find("->");
    std::string term;
    for (const char c : text.substr(0, arrow) + ",") {
      if (c != ',') {
        term += c;
        continue;
      }
      inputs.push_back(letters_of(term));
      term.clear();
    }
    if (arrow != std::string::npos) output = letters_of(text.substr(arrow + 2));
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(Fault::malformed, fmt::format("equation '{}': {}", equation_, why));
  }

  std::vector<std::string> inputs;
  std::optional<std::string> output;

 private:
  std::string letters_of(const std::string& term) const {
    std::string letters;
    for (std::size_t i = 0; i < term.size(); ++i) {
      if (term.compare(i, 3, "...") == 0) {
        if (letters.find('.') != std::string::npos) fail("an ellipsis is given twice");
        letters += '.';
        i += 2;
      } else if ((term[i] >= 'a' && term[i] <= 'z') || (term[i] >= 'A' && term[i] <= 'Z')) {
        letters += term[i];
      } else {
        fail(fmt::format("'{}' cannot be an index", term[i]));
      }
    }
    return letters;
  }

  const std::string& equation_;
};

bool is_open(const std::string& letters) { return letters.find('.') != std::string::npos; }

}  // namespace

EinsumIndices einsum_indices(const std::string& text, const std::vector<std::size_t>& ranks) {
  const Equation equation(text);
  const auto& letters = equation.inputs;
  if (letters.size() != ranks.size())
    equation.fail(fmt::format("it has {} terms, and there are {} inputs", letters.size(), ranks.size()));
  std::size_t ellipsis = 0;
  std::map<char, int> uses;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const bool open = is_open(letters[i]);
    const std::size_t named = letters[i].size() - (open ? 1 : 0);
    if (open ? named > ranks[i] : named != ranks[i])
      equation.fail(fmt::format("term {} does not fit an input of {} dims", i, ranks[i]));
    if (open) ellipsis = std::max(ellipsis, ranks[i] - named);
    for (const char c : letters[i]) ++uses[c];
  }
  EinsumIndices indices;
  std::map<char, std::size_t> numbers;
  indices.count = ellipsis;  // those of the ellipsis come first
  std::string output = uses.contains('.') ? "." : "";
  for (const auto& [letter, count] : uses) {
    if (letter == '.') continue;
    numbers[letter] = indices.count++;
    if (count == 1) output += letter;
  }
  if (equation.output) output = *equation.output;
  const auto numbers_of = [&](const std::string& own, std::size_t rank) {
    std::vector<std::size_t> result;
    for (const char c : own) {
      if (c != '.') {
        if (!numbers.contains(c)) equation.fail(fmt::format("the output's '{}' is in no input", c));
        result.push_back(numbers.at(c));
        continue;
      }
      const std::size_t count = rank - (own.size() - 1);
      for (std::size_t i = ellipsis - count; i < ellipsis; ++i) result.push_back(i);
    }
    return result;
  };
  for (std::size_t i = 0; i < letters.size(); ++i) indices.inputs.push_back(numbers_of(letters[i], ranks[i]));
  indices.output = numbers_of(output, output.size() + ellipsis - (is_open(output) ? 1 : 0));
  auto sorted = indices.output;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) equation.fail("an index of the output is given twice");
  return indices;
}

std::vector<Fact> infer(const Einsum& op, const Facts& inputs, std::size_t) {
  Fact fact{common_dtype(inputs), std::nullopt, std::nullopt, std::nullopt};
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs.has(i)) throw Error(Fault::malformed, fmt::format("input {} is left out, but is not optional", i));
    if (!inputs[i].dims) return {std::move(fact)};
    ranks.push_back(inputs[i].rank());
  }
  const EinsumIndices indices = einsum_indices(op.equation, ranks);
  std::vector<Dims> sizes(indices.count, Dims{Dim(1)});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t axis = 0; axis < ranks[i]; ++axis) {
      Dims& size = sizes[indices.inputs[i][axis]];
      size = broadcast(size, Dims{(*inputs[i].dims)[axis]});
    }
  }
  fact.dims.emplace();
  for (const std::size_t index : indices.output) fact.dims->push_back(sizes[index].front());
  return {std::move(fact)};
}

}  // namespace resnet
