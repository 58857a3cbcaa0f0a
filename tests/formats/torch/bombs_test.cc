// Small checkpoints that would make much of little: references that are followed again and again, names that multiply, what
// deflate makes of zeros. Each ends in time and in memory, whatever is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ctime>

#include "formats/torch/torch.h"
#include "tests/formats/torch/compose.h"
#include "tests/support/sanitized.h"

namespace resnet::torch {
namespace {

using test::dict;
using test::global;
using test::tensor;
using test::text;
using testing::HasSubstr;

std::string repeated(std::string_view part, std::size_t count) {
  std::string all;
  all.reserve(part.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += part;
  return all;
}

// One value that is put into the memo under `index`, and taken from there.
std::string kept(const std::string& value, int index) { return value + "q" + static_cast<char>(index); }
std::string taken(int index) { return std::string("h") + static_cast<char>(index); }

long most_memory_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::string expect_cheap_complaint(const std::string& bytes) {
  [[maybe_unused]] const std::clock_t begin = std::clock();
  [[maybe_unused]] const long before = most_memory_kib();
  std::string line = test::complaint(bytes);
#ifndef RESNET_SANITIZED
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 1.0);
  EXPECT_LT(most_memory_kib() - before, 64 * 1024 + static_cast<long>(bytes.size() / 1024));
#endif
  EXPECT_LT(line.size(), 600u);
  return line;
}

std::string file_of(const std::string& value) { return test::archive(test::pickle(value), {test::counting(4)}); }

// {KEY: X, KEY: X, ...} with one long key: neither copied nor compared for each.
TEST(Bombs, ALongKeyThatComesAgain) {
  const std::string begin = "}" + kept(text(std::string(1 << 20, 'k')), 1) + "0" + kept(tensor(), 2) + "0(";
  EXPECT_THAT(expect_cheap_complaint(file_of(begin + repeated(taken(1) + taken(2), 300'000) + "u")),
              HasSubstr("again and again"));
  // Under names that are different and as long, what is made of them counts.
  const std::string several = "](" + repeated("}(" + taken(1) + taken(2) + "u", 100'000) + "e";
  EXPECT_THAT(expect_cheap_complaint(file_of(kept(text(std::string(1 << 18, 'k')), 1) + "0" + kept(tensor(), 2) + "0" + several)),
              HasSubstr("more objects"));
}

TEST(Bombs, ModulesThatShareWhatTheyHave) {
  const std::string many = kept("}", 3) + "(" + repeated("K\1N", 400'000) + "u0";
  const std::string module = global("a", "Net") + ")\x81";
  // A dictionary of one object that is asked 400,000 times whether it is a module.
  const std::string inner = many + kept(module, 4) + taken(3) + "b0" + text("x") + "q\5" + "0";
  const std::string modules = "}(" + repeated(taken(5) + taken(4), 400'000) + "u";
  EXPECT_THAT(expect_cheap_complaint(file_of(inner + module + "}(" + text("_modules") + modules + "ub")),
              HasSubstr("again and again"));
}

TEST(Bombs, NamesOfModulesWithinModules) {
  // 64 levels, each under a name of 64 KiB, and at each level a thousand that are empty.
  const std::string module = global("a", "Net") + ")\x81", empty = kept(module + "}(" + text("_parameters") + "}ub", 2) + "0";
  std::string value = kept(text(std::string(1 << 16, 'n')), 1) + "0" + empty;
  std::string nested = taken(2);
  for (int level = 0; level < 60; ++level) {
    nested = module + "}(" + text("_modules") + "}(" + repeated(taken(1) + taken(2), 100) + taken(1) + nested + "uub";
  }
  EXPECT_THAT(expect_cheap_complaint(file_of(value + nested)), HasSubstr("more objects"));
}

// Python 2's OrderedDict is a list of lists.
TEST(Bombs, ListsOfOneLongList) {
  const std::string list = "(" + repeated("N", 100'000) + "t";
  const std::string lists = "](" + repeated(taken(1), 100'000) + "e";
  EXPECT_THAT(expect_cheap_complaint(file_of(kept(list, 1) + "0" + test::reduce(global("collections", "OrderedDict"), {lists}))),
              HasSubstr("again and again"));
}

TEST(Bombs, AStorageWithALongKey) {
  const std::string key = std::string(1 << 20, '7');
  test::View view;
  view.key = key;
  EXPECT_THAT(expect_cheap_complaint(file_of(dict({{"a", tensor(view)}}))), HasSubstr("not named as PyTorch names storages"));
  std::string value = kept(test::storage(view, true), 1) + "0](" + repeated(taken(1), 10) + "e";
  EXPECT_NE(expect_cheap_complaint(test::legacy(value, {key}, "")), "");
}

TEST(Bombs, MoreTensorsThanAnyNetwork) {
  const std::string one = kept(tensor(), 1) + "0";
  std::string pairs;
  for (int i = 0; i < 40'000; ++i) pairs += text("w" + std::to_string(i)) + taken(1);
  EXPECT_THAT(expect_cheap_complaint(file_of(one + "}(" + pairs + "u")), HasSubstr("has 40000 tensors, expected at most 32768"));
}

TEST(Bombs, PicklesWithoutAnEnd) {
  EXPECT_THAT(expect_cheap_complaint(file_of(repeated("\x80\2", 10 << 20) + "}")), HasSubstr("expected at most 16777216"));
}

// A view of 64 MiB of zeros, which deflate packs into 64 KB: the storage is as large as the pickle says.
TEST(Bombs, StoragesOfZeros) {
  test::View view;
  view.elements = 16 << 20;
  view.size = {view.elements};
  std::vector<test::ZipEntry> entries;
  test::Pairs pairs;
  const std::string zeros(64 << 20, '\0');
  for (const char* key : {"0", "1", "2"}) {
    view.key = key;
    pairs.emplace_back(key, tensor(view));
    entries.push_back({std::string("archive/data/") + key, zeros, true});
  }
  const std::string bytes = test::archive(test::pickle(dict(pairs)), {}, entries);
  ASSERT_LT(bytes.size(), 1u << 20);
  EXPECT_THAT(expect_cheap_complaint(bytes), HasSubstr("its storages are 67108864 bytes inflated"));
}

TEST(Bombs, AZipOfAZip) {
  EXPECT_THAT(expect_cheap_complaint(test::zip({{"inner.pth", std::string(64 << 20, '\0'), true}})),
              HasSubstr("has 'inner.pth' of 67108864 bytes, packed into"));
}

}  // namespace
}  // namespace resnet::torch
