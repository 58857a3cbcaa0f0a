// The public C++ interface, through its headers and the shared library alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <resnet/resnet.h>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path testdata = RESNET_TESTDATA;
const std::filesystem::path model_file = testdata / "models" / "resnet20-cifar10.onnx";
const std::filesystem::path photo_file = testdata / "images" / "disc.png";

std::vector<std::byte> bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

template <typename Work>
std::pair<resnet::Fault, std::string> error_of(const Work& work) {
  try {
    work();
  } catch (const resnet::Error& error) {
    return {error.fault(), error.what()};
  }
  ADD_FAILURE() << "no error";
  return {};
}

void expect_same(const resnet::Answer& a, const resnet::Answer& b) {
  ASSERT_EQ(a.classes.size(), b.classes.size());
  for (std::size_t i = 0; i < a.classes.size(); ++i) {
    EXPECT_EQ(a.classes[i].index, b.classes[i].index);
    EXPECT_EQ(a.classes[i].label, b.classes[i].label);
    EXPECT_EQ(a.classes[i].probability, b.classes[i].probability);
  }
}

TEST(InterfaceTest, AFileAndItsBytesAreTheSameModelAndPhoto) {
  const resnet::Model from_file = resnet::Model::open(model_file), from_bytes = resnet::Model::from_bytes(bytes_of(model_file));
  EXPECT_EQ(from_file.name(), model_file.string());
  EXPECT_EQ(from_file.parameters(), from_bytes.parameters());
  EXPECT_GT(from_file.parameters(), 250'000U);
  EXPECT_GT(from_file.multiply_adds(), 30'000'000U);
  const resnet::Network network(from_file, {.threads = 1}), again(from_bytes, {.threads = 1});
  resnet::Classifier classifier(network), other(again);
  const resnet::Answer answer = classifier.classify(photo_file);
  ASSERT_EQ(answer.classes.size(), 5U);
  EXPECT_EQ(answer.classes.front().label, "airplane");
  EXPECT_GT(answer.classes.front().probability, 0.3);
  expect_same(answer, classifier.classify(bytes_of(photo_file)));
  expect_same(answer, other.classify(photo_file));
  expect_same(answer, resnet::Classifier(resnet::Network(resnet::Model::built_in())).classify(photo_file));
}

TEST(InterfaceTest, ANetworkSaysWhatItTakesAndWhatItAssumed) {
  const resnet::Network network(resnet::Model::open(model_file), {.labels = "cifar10", .preprocessing = "raw"});
  EXPECT_EQ(network.classes(), 10U);
  EXPECT_EQ(network.labels().at(3), "cat");
  EXPECT_EQ(network.height(), 32U);
  EXPECT_EQ(network.width(), 32U);
  EXPECT_THAT(network.preprocessing(), HasSubstr("raw"));
  EXPECT_THAT(network.notes(), testing::Contains(HasSubstr("raw")));
}

TEST(InterfaceTest, ScoresAreThoseOfEachImage) {
  const resnet::Network network(resnet::Model::built_in(), {.threads = 1, .batch_size = 2});
  const std::size_t values = 3 * network.height() * network.width();
  std::vector<float> images(3 * values);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = std::sin(static_cast<float>(i));
  const std::vector<float> all = network.scores(images, 3);
  ASSERT_EQ(all.size(), 3 * network.classes());
  const std::vector<float> last = network.scores(std::span(images).subspan(2 * values), 1);
  for (std::size_t i = 0; i < last.size(); ++i) EXPECT_EQ(last[i], all[2 * network.classes() + i]);
  EXPECT_EQ(error_of([&] { network.scores(std::span(images).first(7)); }).first, resnet::Fault::invalid_input);
}

TEST(InterfaceTest, WhatIsWrongIsOneLineWithItsFault) {
  using resnet::Fault;
  const auto missing = error_of([] { resnet::Model::open("nowhere.onnx"); });
  EXPECT_EQ(missing.first, Fault::invalid_model);
  EXPECT_THAT(missing.second, HasSubstr("nowhere.onnx"));
  const auto damaged = error_of([] { resnet::Model::from_bytes(std::vector<std::byte>(100), "mine"); });
  EXPECT_EQ(damaged.first, Fault::invalid_model);
  EXPECT_THAT(damaged.second, testing::StartsWith("mine: "));
  const resnet::Network network(resnet::Model::built_in());
  resnet::Classifier classifier(network);
  const auto photo = error_of([&] { classifier.classify("nowhere.png"); });
  EXPECT_EQ(photo.first, Fault::invalid_input);
  EXPECT_THAT(photo.second, HasSubstr("nowhere.png"));
  EXPECT_EQ(error_of([&] { classifier.classify(std::vector<std::byte>(9), "it"); }).first, Fault::invalid_input);
  EXPECT_EQ(error_of([&] { classifier.classify(std::span<const std::byte>{}, "it"); }).first, Fault::invalid_input);
  EXPECT_EQ(error_of([] { resnet::Network(resnet::Model::built_in(), {.preprocessing = "torch"}); }).first,
            Fault::invalid_argument);
  EXPECT_EQ(error_of([] { resnet::Network(resnet::Model::built_in(), {.batch_size = 0}); }).first, Fault::invalid_argument);
  EXPECT_EQ(error_of([&] { resnet::Classifier(network, {.top_k = 0}); }).first, Fault::invalid_argument);
  // It is of use afterwards.
  EXPECT_EQ(classifier.classify(photo_file).classes.size(), 5U);
}

TEST(InterfaceTest, ThreadsHaveAClassifierEachOfOneNetwork) {
  const resnet::Network network(resnet::Model::built_in(), {.threads = 1});
  const resnet::Answer expected = resnet::Classifier(network).classify(photo_file);
  std::vector<resnet::Answer> answers(3);
  std::vector<std::thread> threads;
  for (resnet::Answer& answer : answers)
    threads.emplace_back([&] { answer = resnet::Classifier(network, {.top_k = 5}).classify(photo_file); });
  for (std::thread& thread : threads) thread.join();
  for (const resnet::Answer& answer : answers) expect_same(answer, expected);
}

}  // namespace
