// What the public classes hold.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "lib/base/threads.h"
#include "lib/classify/classifier.h"
#include "lib/classify/scorer.h"
#include "lib/model/model.h"
#include "resnet/classifier.h"
#include "resnet/model.h"
#include "resnet/network.h"

namespace resnet::v0 {

// Keeps what a task wants to be heard.
class NoteKeeper : public cli::Observer {
 public:
  void error(std::string_view text) override { keep(text); }
  void warning(std::string_view text) override { keep(text); }
  void note(std::string_view text) override { keep(text); }
  void detail(std::string_view) override {}
  void progress(std::string_view) override {}
  bool shows_progress() const override { return false; }

  std::vector<std::string> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  void keep(std::string_view text) {
    const std::lock_guard lock(mutex_);
    notes_.emplace_back(text);
  }
  mutable std::mutex mutex_;
  std::vector<std::string> notes_;
};

struct Model::Data {
  std::string name;
  ::resnet::Model model;
  std::uint64_t parameters = 0, multiply_adds = 0;
  std::vector<std::string> notes;
};

struct Network::Data {
  std::vector<std::string> labels, notes;
  std::string preprocessing;
  std::size_t classes = 0, height = 0, width = 0, batch_size = 1;
  std::unique_ptr<ThreadPool> pool;
  Member member;
  std::mutex scoring;
  std::optional<Scorer> scorer;  // of scores(), made when it is first called
};

struct Classifier::Data {
  std::shared_ptr<Network::Data> network;
  std::optional<::resnet::Classifier> classifier;
  // The photo that is asked about, where it is not a file.
  std::span<const std::byte> photo = {};
};

}  // namespace resnet::v0
