// `cache`, and what predict keeps for the next time: the same answers and the same words, whatever happened to the folder.
#include <fstream>
#include <thread>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class CacheTest : public CliTest {
 protected:
  Finished run_cached(const std::vector<std::string>& words, const std::string& limit = "") const {
    RunOptions options;
    options.environment["RESNET_CLI_CACHE"] = (folder() / "kept").string();
    if (!limit.empty()) options.environment["RESNET_CLI_CACHE_MIB"] = limit;
    return run(words, options);
  }
  Finished predict(std::vector<std::string> words = {}) const {
    std::vector<std::string> all = {"predict", "net.onnx", "ones.npy", "red.png"};
    all.insert(all.end(), words.begin(), words.end());
    return run_cached(all);
  }
  std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder() / "kept", none)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  // A network with convolutions of every kind, and a tensor for it.
  void build(const std::string& file = "net.onnx", const std::string& seed = "1") const {
    ASSERT_EQ(run({"build", "resnet8", "--seed", seed, "-o", file}).exit_code, 0);
    std::vector<float> ones(3 * 32 * 32, 1);
    for (std::size_t i = 0; i < ones.size(); ++i) ones[i] = static_cast<float>(i % 7) / 7;
    write("ones.npy", npy({1, 3, 32, 32}, ones));
  }
};

void expect_same(const Finished& a, const Finished& b) {
  EXPECT_EQ(a.exit_code, b.exit_code);
  EXPECT_EQ(a.out, b.out);
  EXPECT_EQ(a.err, b.err);
}

TEST_F(CacheTest, TheSecondTimeSaysTheSame) {
  build();
  const Finished without = predict({"--no-cache", "--threads", "2"});
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_TRUE(kept().empty());
  expect_same(predict({"--threads", "2"}), without);
  ASSERT_EQ(kept().size(), 1u);
  const auto written = fs::last_write_time(kept()[0]);
  // Weights come from the file that is kept: it is read (its time says so), and no other is made.
  expect_same(predict({"--threads", "2"}), without);
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_GT(fs::last_write_time(kept()[0]), written);
  expect_same(predict({"--threads", "1"}), without);
  EXPECT_EQ(kept().size(), 2u);
}

TEST_F(CacheTest, WhatDependsOnOtherThingsIsMadeAnew) {
  build();
  predict();
  EXPECT_EQ(kept().size(), 1u);
  predict({"--topk", "1", "--labels", "cifar10", "--format", "csv"});  // about the answers, not the network
  EXPECT_EQ(kept().size(), 1u);
  predict({"--batch-size", "4"});
  EXPECT_EQ(kept().size(), 2u);
  predict({"--convolution", "winograd"});
  EXPECT_EQ(kept().size(), 3u);
  predict({"--crop", "full"});  // made fully convolutional: is not kept
  EXPECT_EQ(kept().size(), 3u);
  build("net.onnx", "2");
  const Finished other = predict();
  EXPECT_EQ(kept().size(), 4u);
  expect_same(predict(), other);
  expect_same(predict({"--no-cache"}), other);
  EXPECT_EQ(run_cached({"predict", "resnet8", "ones.npy"}).exit_code, 0);  // untrained, made in memory
  EXPECT_EQ(kept().size(), 4u);
}

TEST_F(CacheTest, ManyImagesAreNotWorthIt) {
  build();
  std::string list;
  for (int i = 0; i < 257; ++i) list += "ones.npy\n";
  write("list.txt", list);
  EXPECT_EQ(run_cached({"predict", "net.onnx", "@list.txt", "-q"}).exit_code, 0);
  EXPECT_TRUE(kept().empty());
}

TEST_F(CacheTest, WarningsComeAgain) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
  graph.nodes.front() = node("GlobalAveragePool", {"image"}, {"mean"}, "pool", {int_attribute("unheard_of", 3)});
  write("odd.onnx", onnx_file(graph));
  const auto words = std::vector<std::string>{"predict", "odd.onnx", "red.png"};
  const Finished first = run_cached(words);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_THAT(first.err, HasSubstr("unheard_of"));
  expect_same(run_cached(words), first);
}

TEST_F(CacheTest, DamagedFilesAreMadeAgain) {
  build();
  const Finished good = predict();
  ASSERT_EQ(kept().size(), 1u);
  const fs::path file = kept()[0];
  const auto size = fs::file_size(file);
  for (const std::uintmax_t at : {std::uintmax_t{3}, std::uintmax_t{70}, size / 2, size - 1000}) {
    {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekg(static_cast<std::streamoff>(at));
      const char old = static_cast<char>(stream.get());
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(old ^ 0x55));
    }
    expect_same(predict(), good);
    ASSERT_EQ(kept(), std::vector<fs::path>{file});
    EXPECT_EQ(fs::file_size(file), size);
  }
  fs::resize_file(file, size / 3);
  expect_same(predict(), good);
  EXPECT_EQ(fs::file_size(file), size);
  fs::resize_file(file, 0);
  expect_same(predict(), good);
  fs::remove(file);
  fs::create_directory(file);
  expect_same(predict(), good);
}

TEST_F(CacheTest, AFolderThatCannotBeWrittenIsNoMatter) {
  build();
  const Finished good = predict({"--no-cache"});
  write("kept", "a file where the folder should be");
  expect_same(predict(), good);
  EXPECT_THAT(predict({"-v"}).err, HasSubstr("net.onnx: not kept for the next time: "));
}

TEST_F(CacheTest, ManyProcessesAtOnce) {
  build();
  const Finished good = predict({"--no-cache"});
  std::vector<Finished> all(6);
  {
    std::vector<std::jthread> threads;
    for (Finished& one : all) threads.emplace_back([&] { one = predict(); });
  }
  for (const Finished& one : all) expect_same(one, good);
  EXPECT_EQ(kept().size(), 1u);
}

TEST_F(CacheTest, TheOldestGoWhereItIsFull) {
  for (const char* seed : {"1", "2", "3", "4"}) {
    build("net.onnx", seed);
    EXPECT_EQ(run_cached({"predict", "net.onnx", "ones.npy", "--threads", "1"}, "1").exit_code, 0);
  }
  std::uintmax_t bytes = 0;
  for (const fs::path& file : kept()) bytes += fs::file_size(file);
  EXPECT_LE(bytes, 1u << 20);
  EXPECT_FALSE(kept().empty());
  EXPECT_LT(kept().size(), 4u);
  const std::vector<fs::path> files = kept();
  const fs::path newest = *std::max_element(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return fs::last_write_time(a) < fs::last_write_time(b);
  });
  const auto before = fs::last_write_time(newest);
  EXPECT_EQ(run_cached({"predict", "net.onnx", "ones.npy", "--threads", "1"}, "1").exit_code, 0);
  EXPECT_GT(fs::last_write_time(newest), before);  // the one that was made last is there
  expect_refused(run_cached({"predict", "net.onnx", "ones.npy"}, "much"), 2,
                 "RESNET_CLI_CACHE_MIB is 'much', expected a number of MiB");
  EXPECT_EQ(run_cached({"cache", "clear"}).exit_code, 0);
  EXPECT_EQ(run_cached({"predict", "net.onnx", "ones.npy"}, "0").exit_code, 0);
  EXPECT_TRUE(kept().empty());
}

TEST_F(CacheTest, ExternalWeightsAreAPartOfTheModel) {
  build();
  ASSERT_EQ(run({"convert", "net.onnx", "-o", "split.onnx", "--external-data"}).exit_code, 0);
  const auto words = std::vector<std::string>{"predict", "split.onnx", "ones.npy"};
  const Finished first = run_cached(words);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(kept().size(), 1u);
  expect_same(run_cached(words), first);
  std::string data = read("split.onnx.data");
  for (std::size_t i = 3; i < data.size(); i += 4) data[i] = static_cast<char>(data[i] ^ 0x80);  // every sign
  write("split.onnx.data", data);
  const Finished changed = run_cached(words);
  EXPECT_EQ(changed.exit_code, 0);
  EXPECT_NE(changed.out, first.out);
  expect_same(run_cached({"predict", "split.onnx", "ones.npy", "--no-cache"}), changed);
  fs::remove(folder() / "split.onnx.data");
  EXPECT_EQ(run_cached(words).exit_code, 3);
}

TEST_F(CacheTest, ListAndClear) {
  const Finished none = run_cached({"cache", "list"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("kept: 0 networks, 0.0 of 2048 MiB"));
  build();
  predict();
  const Finished list = run_cached({"cache", "list"});
  EXPECT_THAT(list.out, HasSubstr("net.onnx"));
  EXPECT_THAT(list.out, HasSubstr("batch 1, threads "));
  EXPECT_THAT(list.err, HasSubstr(": 1 network, "));
  EXPECT_THAT(run_cached({"cache", "list", "--format", "json"}).out, HasSubstr("\"model\": \"net.onnx\""));
  const std::string left = "kept/0123456789abcdef0123456789abcdef.prepared.AbCdEf";
  write(left, "\x89RESRUN\nwhat a killed process of version 0.1.0 left");
  EXPECT_THAT(run_cached({"cache", "list"}).out, HasSubstr("(unfinished or damaged)"));
  write("kept/other.txt", "somebody else's");
  const Finished cleared = run_cached({"cache", "clear"});
  EXPECT_EQ(cleared.exit_code, 0);
  EXPECT_THAT(cleared.err, HasSubstr("2 networks removed"));
  EXPECT_EQ(kept(), std::vector<fs::path>{folder() / "kept" / "other.txt"});
  expect_refused(run_cached({"cache", "wipe"}), 2, "wipe");
  expect_refused(run_cached({"cache"}), 2, "cache: no list|clear given");
}

TEST_F(CacheTest, RealNetworksAnswerTheSame) {
  RESNET_REQUIRE_ASSETS();
  write("x.npy", npy({1, 3, 224, 224}, std::vector<float>(3 * 224 * 224, 0.5f)));
  for (const char* name :
       {"imagenet-resnet18-torch-op17-bn.onnx", "caffe2-light-resnet50.onnx", "cifar10-resnet8-int8-qdq-op13.onnx"}) {
    const std::string model = (*assets() / "models" / name).string();
    std::vector<std::string> words = {"predict", "-m", model, "x.npy"};
    if (std::string_view(name).starts_with("cifar")) {
      build();
      words.back() = "ones.npy";
    }
    SCOPED_TRACE(name);
    const std::size_t before = kept().size();
    const Finished first = run_cached(words);
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(kept().size(), before + 1);
    expect_same(run_cached(words), first);
    EXPECT_EQ(kept().size(), before + 1);
  }
}

}  // namespace
}  // namespace resnet::test
