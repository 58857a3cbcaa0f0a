// `--report FILE.html` of predict and evaluate: a page of thumbnails and answers; `--cam FOLDER`: where the network looked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/sink.h"
#include "formats/html/gallery.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

class Report {
 public:
  // `page`: where it goes; none: nothing is kept.
  explicit Report(std::unique_ptr<Sink> page) : page_(std::move(page)) {}

  bool wanted() const { return page_ != nullptr; }
  void add(const Result& result, const std::vector<std::string>& labels, std::optional<std::int64_t> truth);
  void add_failure(const std::string& input, const std::string& error);
  void commit(const std::string& title, const std::vector<std::string>& facts);

 private:
  std::unique_ptr<Sink> page_;
  std::vector<html::Card> cards_;
};

// The photo with its activation map as `folder`/000001_NAME.png, where NAME is the file's own; the folder is made where it is
// missing. Throws Error(unwritable).
void write_activation_map(const std::string& folder, std::size_t number, const Result& result);

}  // namespace resnet::cli
