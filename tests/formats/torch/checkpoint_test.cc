#include "formats/torch/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/torch/torch.h"
#include "lib/base/error.h"
#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using test::dict;
using test::global;
using test::object;
using test::Pairs;
using test::tensor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string state(const std::vector<std::string>& names, std::int64_t offset = 0) {
  Pairs pairs;
  for (const std::string& name : names) pairs.emplace_back(name, tensor({.size = {1}, .offset = offset}));
  return test::ordered_dict(pairs);
}

std::string file_of(const std::string& value) { return test::archive(test::pickle(value), {test::counting(4)}); }
Weights read(const std::string& value) { return test::parse_text(file_of(value)); }
float first(const Weights& weights) { return weights.tensors.front().tensor.load().data<float>()[0]; }

TEST(Checkpoint, ThePlainStateDict) {
  const Weights weights = read(state({"conv1.weight", "fc.bias"}));
  EXPECT_THAT(test::names_of(weights), ElementsAre("conv1.weight", "fc.bias"));
  EXPECT_THAT(weights.notes, IsEmpty());
  EXPECT_EQ(weights.format, "PyTorch (zip)");
}

TEST(Checkpoint, EveryWrapper) {
  for (const char* key : {"state_dict_ema", "model_ema", "ema_state_dict", "ema", "state_dict", "model", "model_state_dict",
                          "model_state", "net", "network", "weights", "params", "teacher", "student"}) {
    const Weights weights =
        read(dict({{"epoch", "K\3"}, {"best", tensor()}, {key, state({"a.b", "a.c", "a.d"})}, {"optimizer", state({"x"})}}));
    EXPECT_THAT(test::names_of(weights), ElementsAre("a.b", "a.c", "a.d")) << key;
    EXPECT_THAT(weights.notes, IsEmpty()) << key;
  }
  EXPECT_THAT(test::names_of(read(dict({{"model", dict({{"state_dict", state({"a"})}})}}))), ElementsAre("a"));
}

TEST(Checkpoint, TwoStateDictsAreSaid) {
  const Weights averaged = read(dict({{"state_dict", state({"a", "b"})}, {"state_dict_ema", state({"a", "b"}, 1)}}));
  EXPECT_EQ(first(averaged), 2);
  EXPECT_THAT(averaged.notes, ElementsAre("has more than one state dict: 'state_dict_ema' was taken, not 'state_dict'"));
  // Of the parameters alone: no network.
  const Weights whole = read(dict({{"state_dict_ema", state({"a"}, 1)}, {"state_dict", state({"a", "b"})}}));
  EXPECT_EQ(first(whole), 1);
  EXPECT_THAT(whole.notes, ElementsAre(HasSubstr("'state_dict' was taken, not 'state_dict_ema'")));
  EXPECT_EQ(first(read(dict({{"student", state({"a"})}, {"teacher", state({"a"}, 2)}}))), 3);
  // The same one under two keys is one.
  const std::string shared = "}(" + test::text("model") + state({"a"}) + "q\5" + test::text("net") + "h\5u";
  EXPECT_THAT(read(shared).notes, IsEmpty());
}

TEST(Checkpoint, UnderAnotherKeyOrInAList) {
  const Weights keyed = read(dict({{"optimizer", state({"a", "b", "c"})}, {"resnet_weights", state({"a"})}}));
  EXPECT_THAT(keyed.notes, ElementsAre("its weights are those of 'resnet_weights'"));
  EXPECT_THAT(test::names_of(read(test::tuple({"K\1", state({"a", "b"})}))), ElementsAre("a", "b"));
}

TEST(Checkpoint, TheLastOfANameCounts) {
  const Weights weights =
      read(dict({{"a", tensor({.size = {1}})}, {"b", tensor({.size = {1}})}, {"a", tensor({.size = {1}, .offset = 3})}}));
  EXPECT_THAT(test::names_of(weights), ElementsAre("a", "b"));
  EXPECT_EQ(first(weights), 4);
  EXPECT_THAT(test::names_of(read(dict({{"a", tensor()}, {"b", tensor()}, {"a", "N"}}))), ElementsAre("b"));
}

TEST(Checkpoint, WhatIsNotAWeightIsLeft) {
  const std::string foreign = test::reduce(global("posix", "system"), {test::text("touch x")});
  const Weights weights = read(dict({{"a", tensor()}, {"epoch", "K\1"}, {"none", "N"}, {"x", foreign}, {"y", foreign}}));
  EXPECT_THAT(test::names_of(weights), ElementsAre("a"));
  EXPECT_THAT(weights.notes, ElementsAre("'x' is an object of posix.system (and 1 more), which is ignored and was not made"));
  // Keys need not be texts.
  EXPECT_THAT(test::names_of(read("}(K\1" + tensor() + test::text("a") + tensor() + "u")), ElementsAre("a"));
}

TEST(Checkpoint, DictionariesOfOtherClasses) {
  const std::string type = global("easydict", "EasyDict");
  EXPECT_THAT(test::names_of(read(type + ")\x81(" + test::text("a") + tensor() + "u")), ElementsAre("a"));
  // Python 2's OrderedDict has a list of lists of two; BUILD sets _metadata.
  const std::string pair = "](" + test::text("a") + tensor() + "e";
  const std::string old =
      test::reduce(global("collections", "OrderedDict"), {"](" + pair + "e"}) + "}" + test::text("_metadata") + "}sb";
  EXPECT_THAT(test::names_of(read(old)), ElementsAre("a"));
  EXPECT_THAT(read(state({"a"}) + "}" + test::text("_metadata") + "}sb").notes, IsEmpty());
}

std::string module(const std::string& type, const Pairs& parameters, const Pairs& buffers, const Pairs& modules,
                   const std::string& more = "") {
  return object(global("torchvision.models.resnet", type), dict({{"training", "\x89"},
                                                                 {"_parameters", test::ordered_dict(parameters)},
                                                                 {"_buffers", test::ordered_dict(buffers)},
                                                                 {"_modules", test::ordered_dict(modules)}}) +
                                                               more);
}

TEST(Checkpoint, WholeModules) {
  const std::string skipped = "(" + test::text("_non_persistent_buffers_set") +
                              test::reduce(global("__builtin__", "set"), {"](" + test::text("mask") + "e"}) + "u";
  const std::string norm = module("BatchNorm2d", {{"weight", tensor()}, {"bias", "N"}}, {{"running_mean", tensor()}}, {});
  const std::string other = module("BatchNorm2d", {{"weight", tensor()}}, {{"mask", tensor()}}, {});
  const std::string whole = module("ResNet", {}, {},
                                   {{"conv1", module("Conv2d", {{"weight", tensor()}}, {}, {})},
                                    {"bn1", norm},
                                    {"layer1", module("Sequential", {}, {}, {{"0", other}})}});
  for (const std::string& value : {whole, dict({{"epoch", "K\1"}, {"model", whole}})}) {
    const Weights weights = read(value);
    EXPECT_THAT(test::names_of(weights),
                ElementsAre("conv1.weight", "bn1.weight", "bn1.running_mean", "layer1.0.weight", "layer1.0.mask"));
    EXPECT_THAT(weights.notes,
                ElementsAre(HasSubstr("is a whole module, torchvision.models.resnet.ResNet: its tensors are read")));
  }
  // A buffer that state_dict() leaves out.
  const std::string hidden = object(global("a", "B"), dict({{"_parameters", test::ordered_dict({{"weight", tensor()}})},
                                                            {"_buffers", test::ordered_dict({{"mask", tensor()}})},
                                                            {"_modules", test::ordered_dict({})}}) +
                                                          skipped);
  EXPECT_THAT(test::names_of(read(hidden)), ElementsAre("weight"));
}

TEST(Checkpoint, ModulesWithoutAnEnd) {
  const std::string itself = global("a", "B") + ")\x81q\1" +
                             dict({{"_modules", "}" + test::text("x") + "h\1s"}, {"_parameters", dict({{"w", tensor()}})}}) + "b";
  EXPECT_THAT(test::complaint(file_of(itself)), HasSubstr("modules within modules without an end"));
  // 2^40 names of 40 modules.
  std::string value = module("Leaf", {{"w", tensor()}}, {}, {}) + "q\1" + "0";
  for (char i = 1; i <= 40; ++i) {
    const std::string inner = std::string("h") + i;
    value += module("Node", {}, {}, {{"a", inner}, {"b", inner}}) + "q" + static_cast<char>(i + 1) + (i < 40 ? "0" : "");
  }
  EXPECT_THAT(test::complaint(file_of(value)), HasSubstr("modules within modules without an end"));
}

TEST(Checkpoint, WithoutWeightsItSaysWhatThereIs) {
  const auto complaint = [](const std::string& value) { return test::complaint(file_of(value)); };
  EXPECT_THAT(complaint("}"), HasSubstr("x.pth: has no weights: it holds an empty dictionary, expected a dictionary of tensors"));
  EXPECT_THAT(complaint(dict({{"epoch", "K\1"}, {"lr", "N"}})), HasSubstr("it holds a dictionary of 'epoch', 'lr'"));
  EXPECT_THAT(complaint(test::text("hello")), HasSubstr("it holds a text"));
  EXPECT_THAT(complaint(tensor()), HasSubstr("it holds one tensor without a name"));
  EXPECT_THAT(complaint(object(global("__main__", "Net\x1b[2J"), "}")), HasSubstr("an object of __main__.Net\\x1b[2J"));
  EXPECT_THAT(complaint("}q\1(" + test::text("model") + "h\1u"), HasSubstr("a dictionary of 'model'"));
}

TEST(Checkpoint, IsKnownByItsFirstBytes) {
  EXPECT_TRUE(is_checkpoint(file_of("}").substr(0, 512)));
  EXPECT_TRUE(is_checkpoint(test::zip({{"archive/", ""}, {"archive/data.pkl", "N."}})));
  EXPECT_TRUE(is_checkpoint(test::legacy("}", {}, "")));
  EXPECT_TRUE(is_checkpoint(test::pickle("}", 4)));
  EXPECT_FALSE(is_checkpoint(test::zip({{"a.npy", ""}})));
  EXPECT_FALSE(is_checkpoint(test::zip({{"config.json", "{}"}})));
  EXPECT_FALSE(is_checkpoint("<!DOCTYPE html>"));
  EXPECT_FALSE(is_checkpoint(""));
}

TEST(Checkpoint, AFileThatIsNotThere) {
  try {
    torch::read(std::filesystem::path("no/such.pth"));
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unreadable);
    EXPECT_EQ(error.role(), Role::model);
  }
}

TEST(Checkpoint, NamesInMessagesAreShortAndPrintable) {
  const std::string name = "\x1b[31m" + std::string(100'000, 'a');
  const std::string line = test::complaint(file_of(dict({{name, tensor({.offset = 9})}})));
  EXPECT_LT(line.size(), 300u);
  EXPECT_THAT(line, HasSubstr("tensor '\\x1b[31maaa"));
}

}  // namespace
}  // namespace resnet::torch
