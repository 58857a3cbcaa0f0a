// A model as its file has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "resnet/export.h"

RESNET_NAMESPACE_BEGIN

// Immutable; copies share what they hold. May be used on several threads at once.
class RESNET_API Model {
 public:
  // An ONNX or .resnet file, by its contents and not by its name; an ONNX file's external data is looked for beside it. Throws
  // Error (invalid_model) where it is not there, is damaged or contradicts itself.
  static Model open(const std::filesystem::path& file);
  // The contents of such a file, which are copied where they are needed. `name` stands for the file in errors. External data
  // cannot be reached from there. Throws as open() does.
  static Model from_bytes(std::span<const std::byte> bytes, const std::string& name = "model");
  // The network that is a part of the library: a ResNet-20 trained on CIFAR-10, for photos of ten classes of things.
  static Model built_in();

  // The file's name, or what stands for it.
  const std::string& name() const noexcept;
  // One per class, as the file has them; none where it names no classes.
  const std::vector<std::string>& labels() const noexcept;
  // How many numbers the network has learnt; 0 where its sizes are open.
  std::uint64_t parameters() const noexcept;
  // Multiply-adds for one image: the paper's FLOPs; 0 where its sizes are open.
  std::uint64_t multiply_adds() const noexcept;
  // What is odd about the file, one line each.
  const std::vector<std::string>& notes() const noexcept;

  struct Data;  // the library's own

 private:
  friend class Network;
  explicit Model(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

RESNET_NAMESPACE_END
