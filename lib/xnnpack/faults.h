// Faults that a test plants, to see that random graphs find them: tests/random compiles this folder once more for that. In every
// other build has_fault() is false when it is compiled, and nothing is left of it.
#pragma once

namespace resnet::xnnpack {

enum class PlantedFault {
  none,
  // Lifetimes: what a step reads is taken for dead.
  copy_dies,          // a re-ordered copy, as soon as it is made
  operand_dies,       // what is not copied, while the other operand is
  padded_image_dies,  // a row-padded image, while the addend is copied
  // Layouts.
  permutation_inverted,
  transpose_misnamed,
  view_of_axes_apart,  // that are joined as if they lay side by side
  input_misread,       // an image is filled in the other layout
  // Plans.
  activation_lost,
  function_lost,  // of a chain, the last one that it took in
  upper_bound_lost,
  residual_lost,
  bias_lost,
  alpha_lost,
  stale_packed_weights,  // those of another layer of equal size
  group_shifted,
  softmax_over_any_axis,
  scale_per_axis_as_one,
  zero_point_lost,  // of what is dequantized, summed or averaged
  byte_addends_swapped,
  table_lost,  // one that a convolution does as it goes
  table_of_first_channel,
  range_of_half,
  padding_not_counted,
  // Steps.
  padding_lost,
  row_padding_edge,
  winograd_edge,
  batch_stride,
  mean_divisor,
  operands_swapped,
  broadcast_axis,
  slice_shifted,
  pad_ends_swapped,
  concat_reversed,
  split_shifted,
  gather_reversed,
  tile_each_at_once,
  blocks_misread,  // row and column, or the channel, in the wrong order
  group_misplaced,
  layer_scale_lost,
  root_forgotten,
  neighbour_lost,  // of a local response
  reduced_too_few,
  window_edge_lost,  // of a pool's window that leaves the map
  resize_shifted,
  taps_reversed,  // of a transposed convolution
  turned_matrix_misread,
  last_never_chosen,
  part_cut_short,  // of what a thread computes
  last,            // their number
};

#ifdef RESNET_PLANTED_FAULTS
inline PlantedFault planted_fault = PlantedFault::none;
inline bool has_fault(PlantedFault fault) { return planted_fault == fault; }
#else
constexpr bool has_fault(PlantedFault) { return false; }
#endif

}  // namespace resnet::xnnpack
