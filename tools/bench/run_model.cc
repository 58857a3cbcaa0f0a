// A model kept ready to run, driven by line commands: what tools/bench/versus times. Words are separated by tabs; the commands
// stand in versus.mjs.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/threads.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::int64_t to_number(const std::string& word) {
  std::size_t used = 0;
  const std::int64_t number = std::stoll(word, &used);
  if (used != word.size() || number < 1) throw Error(Fault::invalid, fmt::format("'{}' is not a count", word));
  return number;
}

// One model, its session, its input and its last outputs.
class Runner {
 public:
  // The answer to a command, without its "ok".
  std::string answer(const std::vector<std::string>& words) {
    const std::string& command = words.front();
    const std::size_t arguments = words.size() - 1;
    if (command == "load" && arguments >= 3)
      return load(words[1], to_number(words[2]), shape_of({words.begin() + 3, words.end()}));
    if (command == "input" && arguments >= 2) return input(words[1], {words.begin() + 2, words.end()});
    if (command == "run" && arguments == 0) return run();
    if (command == "output" && arguments == 1) return output(words[1]);
    throw Error(Fault::invalid, fmt::format("unknown command '{}' with {} words", command, arguments));
  }

 private:
  static Shape shape_of(const std::vector<std::string>& words) {
    std::vector<std::int64_t> dims;
    for (const auto& word : words) dims.push_back(to_number(word));
    return Shape(std::move(dims));
  }

  std::string load(const std::string& file, std::int64_t threads, const Shape& shape) {
    const auto start = Clock::now();
    session_.reset();
    pool_ = std::make_unique<ThreadPool>(static_cast<std::size_t>(threads));
    Model model = onnx::read(file);
    xnnpack::PlanOptions options;
    options.job.batch = shape[0];
    options.job.input_shapes = {shape};
    options.pool = pool_.get();
    session_.emplace(xnnpack::Plan::make(std::move(model.graph), options), *pool_);
    return fmt::format("{:.3f}", milliseconds_since(start));
  }

  std::string input(const std::string& file, const std::vector<std::string>& words) {
    Tensor tensor = Tensor::allocate(DType::float32, shape_of(words));
    const std::string bytes = read_file(file, Role::input);
    if (bytes.size() != tensor.size_bytes()) {
      throw Error(
          Fault::mismatch, Frame::file(Role::input),
          fmt::format("{}: {} bytes, expected {} for {}", file, bytes.size(), tensor.size_bytes(), tensor.shape().to_string()));
    }
    std::memcpy(tensor.mutable_bytes().data(), bytes.data(), bytes.size());
    inputs_ = {tensor};
    return "";
  }

  std::string run() {
    if (!session_) throw Error(Fault::invalid, "no model is loaded");
    const auto start = Clock::now();
    outputs_ = session_->run(inputs_);
    return fmt::format("{:.4f}", milliseconds_since(start));
  }

  std::string output(const std::string& file) {
    if (outputs_.empty()) throw Error(Fault::invalid, "nothing has run");
    const Tensor& tensor = outputs_.front();
    std::ofstream stream(file, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(tensor.bytes().data()), static_cast<std::streamsize>(tensor.size_bytes()));
    if (!stream.flush()) throw Error(Fault::unwritable, file + ": cannot be written");
    return fmt::format("{}", tensor.elements());
  }

  std::unique_ptr<ThreadPool> pool_;  // outlives the session
  std::optional<xnnpack::Session> session_;
  std::vector<Tensor> inputs_, outputs_;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == '\t') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

}  // namespace
}  // namespace resnet

int main() {
  resnet::Runner runner;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    try {
      std::cout << "ok " << runner.answer(resnet::split(line)) << std::endl;
    } catch (const std::exception& error) {
      std::cout << "error " << error.what() << std::endl;
    }
  }
  return 0;
}
