#include "lib/analysis/batch_rows.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "lib/base/checked.h"

namespace resnet::analysis {

using Kind = BatchMixing::Kind;

std::int64_t times(std::int64_t a, std::int64_t b) {
  return checked_multiply(a, b).value_or(std::numeric_limits<std::int64_t>::max());
}

const std::optional<BatchMixing>& worse(const std::optional<BatchMixing>& a, const std::optional<BatchMixing>& b) {
  return !a || (b && b->kind > a->kind) ? b : a;
}

const Rows& BatchRules::rows(std::size_t index) const {
  static const Rows none;
  if (index >= node_->inputs.size() || node_->inputs[index].is_none()) return none;
  const ValueId id = node_->inputs[index];
  return rows_[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
}

const Fact* BatchRules::fact(std::size_t index) const {
  const bool has = index < node_->inputs.size() && !node_->inputs[index].is_none();
  return has ? &graph_.fact(node_->inputs[index]) : nullptr;
}

std::optional<std::vector<std::int64_t>> BatchRules::integers(std::size_t index) const {
  return fact(index) ? known_integers(*fact(index)) : std::vector<std::int64_t>{};
}

Rows BatchRules::lost(Kind kind, const char* what) const {
  return {.where = Rows::Where::lost, .mixing = BatchMixing{kind, id_, describe(*node_), what}};
}

bool BatchRules::only(std::initializer_list<std::size_t> indices) const {
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    if (!rows(i).is_nowhere() && std::find(indices.begin(), indices.end(), i) == indices.end()) return false;
  }
  return true;
}

bool BatchRules::others_are_single() const {
  for (std::size_t i = 1; i < node_->inputs.size(); ++i) {
    if (fact(i) == nullptr) continue;
    const auto shape = fact(i)->shape();
    if (!rows(i).is_nowhere() || !shape || shape->elements() != 1) return false;
  }
  return true;
}

bool BatchRules::is_same_for_all(std::size_t index, std::int64_t axis, const Rows& images) const {
  if (axis < 0 || dims(index) == nullptr || axis >= static_cast<std::int64_t>(rank(index))) return true;
  const auto& value = fact(index)->value;
  if (!value || value->is_released() || value->shape()[static_cast<std::size_t>(axis)] <= 1) return true;
  std::size_t block = size_of(value->dtype()) * static_cast<std::size_t>(images.after);
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < value->shape().rank(); ++i)
    block *= static_cast<std::size_t>(value->shape()[i]);
  const std::span<const std::byte> bytes = value->bytes();
  const std::size_t batch = block * static_cast<std::size_t>(batch_);
  if (batch == 0 || bytes.size() % batch != 0) return false;
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    if (std::memcmp(&bytes[at], &bytes[at - at % batch], block) != 0) return false;
  }
  return true;
}

Rows BatchRules::elementwise(const std::vector<Operand>& operands) const {
  const std::size_t rank = output_dims().size();
  std::optional<Rows> found;
  for (const Operand& one : operands) {
    if (one.rows.is_nowhere()) continue;
    const Rows here = moved(one.rows, one.rows.axis + rank - one.rank);
    if (found && !found->same_place(here)) return mixed("brings different images together");
    found = here;
  }
  if (!found) return {};
  for (const Operand& one : operands) {
    if (!one.rows.is_nowhere() || !one.index) continue;
    const auto axis = static_cast<std::int64_t>(found->axis + one.rank) - static_cast<std::int64_t>(rank);
    if (!is_same_for_all(*one.index, axis, *found)) return unlike();
  }
  return *found;
}

Rows BatchRules::elementwise() const {
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    if (!rows(i).is_nowhere() && dims(i) == nullptr) return lost(Kind::unknown, "cannot be followed");
    operands.push_back(operand(i));
  }
  return elementwise(operands);
}

Rows BatchRules::reshaped() const {
  const Rows& from = rows(0);
  if (from.is_nowhere()) return {};
  std::int64_t before = from.before;
  for (std::size_t i = 0; from.is_along_axis() && i < from.axis; ++i) {
    if (!(*dims(0))[i].is_number()) return lost(Kind::unknown, "cannot be followed");
    before = times(before, (*dims(0))[i].number());
  }
  std::int64_t outer = 1;
  for (std::size_t axis = 0; axis < output_dims().size(); ++axis) {
    const Dim& dim = output_dims()[axis];
    if (!dim.is_number() || dim.number() < 1) break;
    if (times(outer, dim.number()) <= before) {
      outer *= dim.number();
      continue;
    }
    const std::int64_t own = before / outer, images = times(own, batch_);
    if (before % outer == 0 && dim.number() % images == 0) return {Rows::Where::axis, axis, own, dim.number() / images};
    Rows scattered{.where = Rows::Where::scattered, .before = before, .mixing = from.mixing};
    if (from.is_along_axis()) scattered.mixing = mixed("spreads each image over several rows, or puts several into one").mixing;
    return scattered;
  }
  return lost(Kind::unknown, "cannot be followed");
}

Rows BatchRules::product(const Operand& a, const Operand& b, std::size_t rank) const {
  const std::size_t own = (a.rank > 1 ? 1 : 0) + (b.rank > 1 ? 1 : 0);  // axes after those of the stack
  std::optional<Rows> found;
  for (const Operand* one : {&a, &b}) {
    if (one->rows.is_nowhere()) continue;
    const std::size_t from_end = one->rank - 1 - one->rows.axis;
    const std::size_t summed = one == &b && b.rank > 1 ? 1 : 0;
    if (from_end == summed) return mixed("sums over the batch");
    std::size_t axis = rank - 1;  // the columns
    if (one == &a && from_end == 1) axis = b.rank > 1 ? rank - 2 : rank - 1;
    if (from_end > 1) axis = rank - own - 1 - (from_end - 2);
    const Rows here = moved(one->rows, axis);
    if (found && !found->same_place(here)) return mixed("multiplies images by each other");
    found = here;
  }
  if (!found) return {};
  for (const Operand* one : {&a, &b}) {
    if (!one->rows.is_nowhere() || found->axis + own >= rank) continue;
    const auto axis = static_cast<std::int64_t>(one->rank + found->axis + own) - static_cast<std::int64_t>(rank + 2);
    if (!is_same_for_all(*one->index, axis, *found)) return unlike();
  }
  return *found;
}

Rows BatchRules::contracted(const std::vector<std::vector<std::size_t>>& inputs, const std::vector<std::size_t>& output) const {
  std::optional<std::size_t> index;  // that the images have
  Rows images;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (rows(i).is_nowhere()) continue;
    const std::size_t own = inputs[i][rows(i).axis];
    if (std::count(inputs[i].begin(), inputs[i].end(), own) > 1) return lost(Kind::unknown, "takes a diagonal of the batch");
    if (index && (*index != own || rows(i).before != images.before || rows(i).after != images.after))
      return mixed("multiplies images by others");
    index = own;
    images = rows(i);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto place = std::find(inputs[i].begin(), inputs[i].end(), *index);
    if (rows(i).is_nowhere() && place != inputs[i].end() && !is_same_for_all(i, place - inputs[i].begin(), images))
      return unlike();
  }
  const auto place = std::find(output.begin(), output.end(), *index);
  if (place == output.end()) return mixed("sums over the batch");
  return moved(images, static_cast<std::size_t>(place - output.begin()));
}

}  // namespace resnet::analysis
