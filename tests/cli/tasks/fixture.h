// Tasks as a test calls them: in this process, with files that go to memory and everything that is told kept.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/tasks/predict/predict.h"
#include "cli/tasks/sink.h"
#include "cli/tasks/task.h"
#include "tests/cli/bytes.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet::test {

class Heard : public cli::Observer {
 public:
  void error(std::string_view text) override {
    add(errors, text);
    if (on_error) on_error();
  }
  void warning(std::string_view text) override { add(warnings, text); }
  void note(std::string_view text) override { add(notes, text); }
  void detail(std::string_view text) override { add(details, text); }
  void progress(std::string_view line) override { add(lines, line); }
  bool shows_progress() const override { return true; }

  std::vector<std::string> errors, warnings, notes, details, lines;
  std::function<void()> on_error;

 private:
  void add(std::vector<std::string>& to, std::string_view text) {
    const std::lock_guard lock(mutex_);
    to.emplace_back(text);
  }
  std::mutex mutex_;
};

// What was written, and whether it was committed.
struct Written {
  std::string bytes;
  bool whole = false;
};

class MemorySink : public cli::Sink {
 public:
  explicit MemorySink(Written& to) : to_(to) { to_ = {}; }
  void commit() override {
    flush();
    to_.whole = true;
  }

 protected:
  void send(std::string_view bytes) override { to_.bytes += bytes; }

 private:
  Written& to_;
};

// "rgb.onnx" has the classes red, green and blue of "rgb.txt": its logits are the means of the channels, 0..255, where photos
// come as `raw`.
class TaskTest : public testing::Test {
 protected:
  TaskTest() {
    write("rgb.onnx", onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0})));
    write("rgb.txt", "red\ngreen\nblue\n");
  }

  std::string write(const std::string& name, const std::string& bytes) const { return folder_.write(name, bytes).string(); }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void make_folder(const std::string& name) const { std::filesystem::create_directories(folder_.path() / name); }
  std::string picture(const std::string& name, std::array<std::uint8_t, 3> color) const { return write(name, png(4, 4, color)); }

  cli::NetworkOptions network() const {
    cli::NetworkOptions options;
    options.labels = path("rgb.txt");
    options.preprocess.preprocess = Convention::raw;
    return options;
  }
  cli::PredictRequest request(std::vector<std::string> images) const {
    cli::PredictRequest asked;
    asked.models = {path("rgb.onnx")};
    asked.network = network();
    asked.images = std::move(images);
    asked.format = answers::Format::jsonl;
    return asked;
  }
  // Files in memory, by name.
  cli::TaskContext context() {
    return {.observer = heard, .stop = Stop(stop), .threads = {2, 2}, .open = [this](const std::string& file) {
              return std::make_unique<MemorySink>(written[file]);
            }};
  }
  // Files on disk.
  cli::TaskContext on_disk() {
    cli::TaskContext given = context();
    given.open = [](const std::string& file) { return std::make_unique<cli::FileSink>(file); };
    return given;
  }

  Heard heard;
  std::map<std::string, Written> written;
  std::atomic<bool> stop = false;

 private:
  TemporaryFolder folder_;
};

}  // namespace resnet::test
