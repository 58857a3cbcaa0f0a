// The packed weights of one operator, made once by XNNPACK and shared by every session.
#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "lib/tensor/tensor.h"

namespace resnet::xnnpack {

// A weights cache of one entry: the first operator that is created with it packs its weights into it, later ones find them there
// and need no weights. Immutable from then on, so that sessions on several threads may use it; the first creation is done by one
// thread (the plan's). Stays where it is: operators keep its address.
class PackedWeights {
 public:
  // `packed`: what an earlier one held; null: nothing yet.
  explicit PackedWeights(std::shared_ptr<const Buffer> packed = nullptr);
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  xnn_weights_cache_provider* provider() { return &provider_; }
  // What an earlier one held is not trusted: `create` makes an operator, which XNNPACK is stopped at as soon as it says how many
  // bytes it would pack. Throws Error(malformed) where it was given another number. Called before the first operator is made.
  void check_size(const std::function<void()>& create);
  // Whether weights are in it: operators that XNNPACK packs again each time (depthwise convolutions) are made without it.
  bool is_packed() const { return packed_; }
  const std::shared_ptr<const Buffer>& buffer() const { return buffer_; }
  std::size_t bytes() const { return buffer_ ? buffer_->bytes().size() : 0; }

 private:
  xnn_weights_cache_provider provider_;
  std::shared_ptr<const Buffer> buffer_;
  bool packed_ = false, asks_size_ = false;
  std::optional<std::size_t> size_asked_for_;
};

}  // namespace resnet::xnnpack
