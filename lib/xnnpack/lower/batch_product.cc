// MatMul of matrices that are both computed, or that lie in stacks: by XNNPACK, which packs the second operand in each run.
#include "lib/xnnpack/lower/batch_product.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

namespace {

constexpr std::size_t most_axes = 6;  // of XNNPACK's operators

class BatchProductStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "batch_product"; }

  void emit(Emitter& e) const override {
    const ValueId first = e.node().inputs[0], second = e.node().inputs[1];
    const Shape &a = e.shape(first), &b = e.shape(second), &y = e.shape(output());
    // A transposed second operand is read in the order that it has.
    Order turned = canonical_order(b.rank());
    std::swap(turned[b.rank() - 1], turned[b.rank() - 2]);
    const bool is_turned = same_bytes(b, e.home(second).order, turned) && !same_bytes(b, turned, canonical_order(b.rank()));
    xnn_operator_t created = nullptr;
    check(xnn_create_batch_matrix_multiply_nc_f32(
              is_turned && !has_fault(PlantedFault::turned_matrix_misread) ? XNN_FLAG_TRANSPOSE_B : 0, &created),
          "xnn_create_batch_matrix_multiply_nc_f32");
    auto op = e.own(created);
    const auto stacks = [&](const Shape& shape) {
      std::vector<std::size_t> dims(y.rank() - shape.rank(), 1);
      dims.insert(dims.end(), shape.dims().begin(), shape.dims().end() - 2);
      return dims;
    };
    const auto size = [](const Shape& shape, std::size_t from_end) {
      return static_cast<std::size_t>(shape[shape.rank() - from_end]);
    };
    std::size_t workspace = 0, alignment = 0;
    check(xnn_reshape_batch_matrix_multiply_nc_f32(created, y.rank() - 2, stacks(a).data(), stacks(b).data(), size(a, 2),
                                                   size(a, 1), size(b, 1), &workspace, &alignment, e.pool().native()),
          "xnn_reshape_batch_matrix_multiply_nc_f32");
    const int from = e.demand(first, canonical_order(a.rank()));
    const int factor = e.demand(second, is_turned ? turned : canonical_order(b.rank()));
    const int to = e.produce(output(), canonical_order(y.rank()));
    const int scratch = workspace > 0 ? e.allocate(workspace) : -1;
    e.add_operator(std::move(op), {{from, factor}, {to, scratch}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_batch_matrix_multiply_nc_f32(o, at[3], as<const float>(at[0]), as<const float>(at[1]), as<float>(at[2])),
            "xnn_setup_batch_matrix_multiply_nc_f32");
    });
  }
};

}  // namespace

std::unique_ptr<Step> batch_product(const Site& site) {
  const auto fits = [&](std::size_t operand) { return site.rank(operand) >= 2 && site.rank(operand) <= most_axes; };
  return site.is_float() && fits(0) && fits(1) ? std::make_unique<BatchProductStep>(site) : nullptr;
}

}  // namespace resnet::xnnpack
