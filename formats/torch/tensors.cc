#include "formats/torch/tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::torch {

namespace {

// As many as NumPy and most of PyTorch itself take.
constexpr std::size_t most_dims = 64;
// A parameter around a tensor of a class around a tensor: more is not written by anything.
constexpr int most_wrappers = 8;
// Copies of views may take twice what the storages have, or a little for weights that were expanded from one element.
constexpr std::uint64_t free_copies = 16 << 20;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

bool is_tensor_module(std::string_view module) { return module == "torch._tensor" || module == "torch.tensor"; }

// What has the tensor as its first argument.
bool wraps_tensor(const Tree& tree, Id callable) {
  const std::string_view module = tree.module_of(callable), name = tree.name_of(callable);
  if (module == "torch._utils") return name == "_rebuild_parameter" || name == "_rebuild_parameter_with_state";
  if (module == "torch.nn.parameter") return name == "Parameter" || name == "Buffer";
  return module == "torch.autograd.variable" && name == "Variable";
}

// What has a function and its arguments as its own: (function, type, arguments, state).
bool wraps_call(const Tree& tree, Id callable) {
  const std::string_view name = tree.name_of(callable);
  return is_tensor_module(tree.module_of(callable)) && (name == "_rebuild_from_type_v2" || name == "_rebuild_from_type");
}

std::vector<std::int64_t> sizes_of(const Tree& tree, Id id, const char* what) {
  if (tree.kind(id) == Kind::object && tree.is_global(tree.object(id).callable, "torch", "Size")) {
    const std::span<const Id> arguments = tree.tuple(tree.object(id).arguments);
    if (arguments.size() == 1) id = arguments[0];
  }
  const std::span<const Id> items = tree.tuple(id);
  if (tree.kind(id) != Kind::tuple) refuse(fmt::format("its {} is {}, expected a tuple", what, tree.describe(id)));
  if (items.size() > most_dims) refuse(fmt::format("has {} dimensions, expected at most {}", items.size(), most_dims));
  std::vector<std::int64_t> sizes;
  for (const Id item : items) {
    const auto size = tree.integer(item);
    if (!size || *size < 0) {
      refuse(fmt::format("a number of its {} is {}, expected one from 0 on", what,
                         size ? std::to_string(*size) : tree.describe(item)));
    }
    sizes.push_back(*size);
  }
  return sizes;
}

// Each element once, in row-major order.
template <typename Element>
void gather(const std::byte* from, std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides, std::byte* to,
            std::int64_t elements) {
  const std::size_t rank = sizes.size();
  const std::int64_t inner = rank > 0 ? sizes[rank - 1] : 1, inner_stride = rank > 0 ? strides[rank - 1] : 1;
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t at = 0;
  for (std::int64_t done = 0; done < elements; done += inner) {
    for (std::int64_t i = 0; i < inner; ++i, to += sizeof(Element)) {
      std::memcpy(to, from + (at + i * inner_stride) * static_cast<std::int64_t>(sizeof(Element)), sizeof(Element));
    }
    for (std::size_t axis = rank; axis-- > 1;) {
      at += strides[axis - 1];
      if (++index[axis - 1] < sizes[axis - 1]) break;
      at -= strides[axis - 1] * sizes[axis - 1];
      index[axis - 1] = 0;
    }
  }
}

}  // namespace

// What a pickle says of a tensor, and what is in the storage for it.
struct TensorView {
  StorageReference storage;
  DType dtype = DType::float32;
  std::int64_t offset = 0, elements = 0;
  std::vector<std::int64_t> sizes, strides;

  std::uint64_t begin() const { return static_cast<std::uint64_t>(storage.offset + offset) * size_of(dtype); }
  // Of the storage, from the first element to the last; there is one.
  std::uint64_t span_bytes() const {
    std::int64_t last = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) last += (sizes[axis] - 1) * strides[axis];
    return static_cast<std::uint64_t>(last + 1) * size_of(dtype);
  }

  bool is_row_major() const {
    std::int64_t expected = 1;
    for (std::size_t axis = sizes.size(); axis-- > 0;) {
      if (sizes[axis] == 1) continue;
      if (strides[axis] != expected) return false;
      expected *= sizes[axis];
    }
    return true;
  }

  // Sets `elements`, and throws where the last of them is not in the storage.
  void check() {
    if (sizes.size() != strides.size()) {
      refuse(fmt::format("has {} sizes and {} strides, expected as many", sizes.size(), strides.size()));
    }
    const std::string what =
        fmt::format("its size is {}, its strides are {} from element {} on, and", shown(fmt::format("{}", fmt::join(sizes, "x"))),
                    shown(fmt::format("{}", fmt::join(strides, ","))), offset);
    const bool is_empty = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
    std::optional<std::int64_t> count = is_empty ? 0 : 1, last = offset;
    for (std::size_t axis = 0; axis < sizes.size() && !is_empty; ++axis) {
      if (count) count = checked_multiply(*count, sizes[axis]);
      const auto step = checked_multiply(sizes[axis] - 1, strides[axis]);
      last = last && step ? checked_add(*last, *step) : std::nullopt;
    }
    if (!count || !last || (is_empty ? *last > storage.view_elements : *last >= storage.view_elements)) {
      refuse(fmt::format("{} its storage has {} elements", what, storage.view_elements));
    }
    elements = *count;
  }
};

namespace {

Tensor gathered(const TensorView& view, std::span<const std::byte> storage) {
  Tensor tensor = Tensor::allocate(view.dtype, Shape(view.sizes));
  std::byte* to = tensor.mutable_bytes().data();
  switch (size_of(view.dtype)) {
    case 1: gather<std::uint8_t>(storage.data(), view.sizes, view.strides, to, view.elements); break;
    case 2: gather<std::uint16_t>(storage.data(), view.sizes, view.strides, to, view.elements); break;
    case 4: gather<std::uint32_t>(storage.data(), view.sizes, view.strides, to, view.elements); break;
    default: gather<std::uint64_t>(storage.data(), view.sizes, view.strides, to, view.elements);
  }
  if (view.dtype == DType::boolean) {  // any byte but 0 is true
    for (std::byte& value : tensor.mutable_bytes()) value = value == std::byte{0} ? value : std::byte{1};
  }
  return tensor;
}

class Stored : public StoredTensor::Source {
 private:
  template <typename Work>
  auto named(const Work& work) const {
    try {
      return work();
    } catch (Error& error) {
      error.in(frame_of_tensor(name_)).in(Frame::file(Role::model, file_));
      throw;
    }
  }

 public:
  Stored(TensorView view, std::shared_ptr<Storage> storage, std::string name, std::string file)
      : view_(std::move(view)), storage_(std::move(storage)), name_(std::move(name)), file_(std::move(file)) {
    storage_->expect_reader();
  }

  Tensor load() override {
    return named([this] {
      const std::size_t size = size_of(view_.dtype);
      if (view_.is_row_major() && view_.dtype != DType::boolean)
        return Tensor(view_.dtype, Shape(view_.sizes), storage_->part(view_.begin(), view_.span_bytes(), size));
      return gathered(view_, storage_->part(view_.begin(), view_.span_bytes(), 1)->bytes());
    });
  }
  void check() override {
    named([this] { storage_->check(); });
  }

 private:
  TensorView view_;
  std::shared_ptr<Storage> storage_;
  std::string name_, file_;
};

}  // namespace

Frame frame_of_tensor(std::string_view name) { return {Frame::Kind::value, Role::none, fmt::format("tensor '{}'", shown(name))}; }

bool is_tensor(const Tree& tree, Id id) {
  if (tree.kind(id) != Kind::object) return false;
  const Id callable = tree.object(id).callable;
  return (tree.module_of(callable) == "torch._utils" && tree.name_of(callable).starts_with("_rebuild_")) ||
         wraps_tensor(tree, callable) || wraps_call(tree, callable);
}

TensorView TensorReader::view_of(Id tensor) const {
  Id callable = Tree::none, arguments = Tree::none;
  const auto open = [&](Id id) {
    if (!is_tensor(tree_, id)) refuse(fmt::format("is {}, expected a tensor", tree_.describe(id)));
    callable = tree_.object(id).callable;
    arguments = tree_.object(id).arguments;
  };
  open(tensor);
  for (int i = 0;; ++i) {
    const std::span<const Id> given = tree_.tuple(arguments);
    if (i > most_wrappers) refuse("is wrapped too often, expected a tensor");
    if (wraps_tensor(tree_, callable) && !given.empty()) {
      open(given[0]);
    } else if (wraps_call(tree_, callable) && given.size() >= 3) {
      callable = given[0];
      arguments = given[2];
    } else {
      break;
    }
  }
  const std::string_view name = tree_.module_of(callable) == "torch._utils" ? tree_.name_of(callable) : std::string_view();
  const std::span<const Id> given = tree_.tuple(arguments);
  const bool is_v3 = name == "_rebuild_tensor_v3";
  if (name != "_rebuild_tensor" && name != "_rebuild_tensor_v2" && !is_v3) {
    refuse(fmt::format("is made by {}, expected a dense tensor", tree_.full_name(callable)));
  }
  if (given.size() < (is_v3 ? 7 : 4))
    refuse(fmt::format("has {} arguments, expected its storage, offset, size and strides", given.size()));
  TensorView view{.storage = read_storage(tree_, given[0])};
  const std::optional<DType> dtype =
      is_v3 && tree_.module_of(given[6]) == "torch" ? dtype_named(tree_.name_of(given[6])) : view.storage.dtype;
  if (!dtype || (view.storage.dtype && dtype != view.storage.dtype)) {
    refuse(fmt::format("its elements are of {}, expected numbers or booleans",
                       is_v3 ? tree_.describe(given[6]) : std::string("a storage without a type")));
  }
  view.dtype = *dtype;
  const auto offset = tree_.integer(given[1]);
  if (!offset || *offset < 0) {
    refuse(fmt::format("its offset is {}, expected a number from 0 on",
                       offset ? std::to_string(*offset) : tree_.describe(given[1])));
  }
  view.offset = *offset;
  view.sizes = sizes_of(tree_, given[2], "size");
  view.strides = sizes_of(tree_, given[3], "strides");
  if (!view.storage.dtype) {  // of bytes
    view.storage.view_elements /= static_cast<std::int64_t>(size_of(view.dtype));
  }
  view.check();
  return view;
}

// Before any of it is made.
void TensorReader::count_copy(const TensorView& view) {
  const auto bytes = checked_multiply(static_cast<std::uint64_t>(view.elements), std::uint64_t{size_of(view.dtype)});
  const auto total = bytes ? checked_add(copied_bytes_, *bytes) : std::nullopt;
  if (!total || *total > std::max(free_copies, 2 * storages_.found_bytes())) {
    refuse(fmt::format("has {} elements of a storage of {}: copies would take far more memory than the file", view.elements,
                       view.storage.elements));
  }
  copied_bytes_ = *total;
}

StoredTensor TensorReader::read(Id id, const std::string& name) {
  TensorView view = view_of(id);
  std::shared_ptr<Storage> storage = storages_.find(view.storage, view.dtype);
  Shape shape(view.sizes);
  if (view.elements == 0) return Tensor::allocate(view.dtype, std::move(shape));
  const bool shares = view.is_row_major() && view.dtype != DType::boolean &&
                      storage->shares(view.begin(), view.span_bytes(), size_of(view.dtype));
  if (!shares) count_copy(view);
  const DType dtype = view.dtype;
  return {dtype, std::move(shape), std::make_shared<Stored>(std::move(view), std::move(storage), name, file_)};
}

}  // namespace resnet::torch
