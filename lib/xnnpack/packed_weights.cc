#include "lib/xnnpack/packed_weights.h"

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "lib/base/error.h"

namespace resnet::xnnpack {

// With one entry, every offset is 0: the start of the buffer.
PackedWeights::PackedWeights(std::shared_ptr<const Buffer> packed)
    : provider_{}, buffer_(std::move(packed)), packed_(buffer_ != nullptr) {
  provider_.context = this;
  provider_.look_up = [](void* context, const xnn_weights_cache_look_up_key*) -> std::size_t {
    const auto& self = *static_cast<PackedWeights*>(context);
    return self.packed_ && !self.asks_size_ ? 0 : SIZE_MAX;
  };
  provider_.reserve_space = [](void* context, std::size_t size) -> void* {
    auto& self = *static_cast<PackedWeights*>(context);
    if (self.asks_size_) self.size_asked_for_ = size;
    if (self.packed_) return nullptr;  // shared by now: nobody packs over it
    try {
      auto buffer = Buffer::allocate(size);
      self.buffer_ = buffer;
      return buffer->mutable_bytes().data();
    } catch (const std::exception&) {
      return nullptr;  // XNNPACK reports it as out of memory
    }
  };
  // On a hit `ptr` is null; on a miss it is what reserve_space gave.
  provider_.look_up_or_insert = [](void* context, const xnn_weights_cache_look_up_key*, void*, std::size_t) -> std::size_t {
    auto& self = *static_cast<PackedWeights*>(context);
    if (!self.packed_) self.packed_ = true;  // later on others may read it at the same time
    return 0;
  };
  provider_.is_finalized = [](void* context) { return static_cast<PackedWeights*>(context)->packed_; };
  provider_.offset_to_addr = [](void* context, std::size_t offset) -> void* {
    // XNNPACK only reads from it.
    return const_cast<std::byte*>(static_cast<PackedWeights*>(context)->buffer_->bytes().data()) + offset;
  };
  provider_.delete_cache = [](void*) { return xnn_status_success; };
}

void PackedWeights::check_size(const std::function<void()>& create) {
  if (!packed_) return;
  asks_size_ = true;
  try {
    create();  // ends where it gets no memory to pack into
  } catch (const Error&) {
  }
  asks_size_ = false;
  if (size_asked_for_ == bytes()) return;
  throw Error(Fault::malformed, "is given " + std::to_string(bytes()) + " bytes of packed weights, expected " +
                                    (size_asked_for_ ? std::to_string(*size_asked_for_) : "none"));
}

}  // namespace resnet::xnnpack
