#include "lib/graph/op.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

constexpr std::size_t most_rank = 64;

void check_arity(const OpTraits::Arity& arity, std::size_t count, std::string_view what) {
  if (count >= arity.least && count <= arity.most) return;
  const std::string expected = arity.most == OpTraits::any ? fmt::format("at least {}", arity.least)
                               : arity.least == arity.most ? fmt::format("{}", arity.least)
                                                           : fmt::format("{} to {}", arity.least, arity.most);
  throw Error(Fault::malformed, fmt::format("{} {}{}, expected {}", count, what, count == 1 ? "" : "s", expected));
}

// What holds for every elementwise operator that has no infer() of its own.
template <typename T>
requires(T::traits.effect == Effect::elementwise) std::vector<Fact> infer(const T&, const Facts& inputs, std::size_t) {
  return {broadcast_all(inputs)};
}

}  // namespace

Op::Op() : Op(Input{}) {}

Op::Op(const Op& other) : index_(other.index_) {
  visit([this]<typename T>(const T& op) { new (static_cast<void*>(storage_)) T(op); }, other);
}

Op::Op(Op&& other) noexcept : index_(other.index_) {
  visit([&]<typename T>(const T&) { new (static_cast<void*>(storage_)) T(std::move(get<T>(other))); }, other);
}

Op& Op::operator=(const Op& other) { return *this = Op(other); }

Op& Op::operator=(Op&& other) noexcept {
  if (this != &other) {
    this->~Op();
    new (static_cast<void*>(this)) Op(std::move(other));
  }
  return *this;
}

Op::~Op() {
  visit([this]<typename T>(const T&) { get<T>(*this).~T(); }, *this);
}

bool operator==(const Op& a, const Op& b) {
  return a.index() == b.index() && visit([&b]<typename T>(const T& op) { return op == get<T>(b); }, a);
}

const OpTraits& traits_of(const Op& op) {
  return visit([](const auto& alternative) -> const OpTraits& { return std::remove_cvref_t<decltype(alternative)>::traits; }, op);
}

bool only_changes_form(const Op& op) {
  const Effect effect = effect_of(op);
  return effect == Effect::keeps_values || effect == Effect::reshapes || effect == Effect::permutes;
}

std::string_view domain_of(const Op& op) {
  const auto* opaque = get_if<Opaque>(&op);
  return opaque != nullptr ? opaque->domain : traits_of(op).domain;
}

std::string type_of(const Op& op) {
  const auto* opaque = get_if<Opaque>(&op);
  const std::string_view domain = domain_of(op), type = opaque != nullptr ? opaque->type : traits_of(op).type;
  return domain.empty() ? std::string(type) : fmt::format("{}.{}", domain, type);
}

std::vector<Fact> infer(const Op& op, const Facts& inputs, std::size_t outputs) {
  const OpTraits& traits = traits_of(op);
  check_arity(traits.inputs, inputs.size(), "input");
  check_arity(traits.outputs, outputs, "output");
  if (!holds_alternative<Opaque>(op)) {
    for (std::size_t i = 0; i < traits.inputs.least; ++i) {
      const bool optional = i < 32 && (traits.left_out_bits >> i & 1) != 0;
      if (!inputs.has(i) && !optional) throw Error(Fault::malformed, fmt::format("input {} is left out, but is not optional", i));
    }
  }
  std::vector<Fact> facts = visit([&](const auto& alternative) { return infer(alternative, inputs, outputs); }, op);
  // A Gather of a tensor by itself nearly doubles the rank: a short chain of them would eat the memory.
  for (const Fact& fact : facts) {
    if (fact.has_rank() && fact.rank() > most_rank) {
      throw Error(Fault::malformed, fmt::format("a result of rank {}, expected at most {}", fact.rank(), most_rank));
    }
  }
  return facts;
}

}  // namespace resnet
