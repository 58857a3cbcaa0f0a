// Photos in, classes out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "resnet/answer.h"
#include "resnet/export.h"
#include "resnet/network.h"

RESNET_NAMESPACE_BEGIN

struct ClassifierOptions {
  std::size_t top_k = 5;  // how many classes an answer has, at most
};

// Has buffers of its own: one thread at a time; several threads have a classifier each, of one network.
class RESNET_API Classifier {
 public:
  explicit Classifier(const Network& network, const ClassifierOptions& options = {});
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;

  // Of a photo in a file (JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP, PNM), prepared as the network wants it. Throws Error
  // (invalid_input) where it cannot be read.
  Answer classify(const std::filesystem::path& photo);
  // Of the contents of such a file. `name` stands for the file in errors.
  Answer classify(std::span<const std::byte> photo, const std::string& name = "photo");

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

RESNET_NAMESPACE_END
