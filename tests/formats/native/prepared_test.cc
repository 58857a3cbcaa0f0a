// Networks as they run: what goes in comes out, mapped; any flipped bit is found.
#include "formats/native/prepared.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <numeric>

#include "formats/native/native.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "tests/formats/onnx/same_graph.h"
#include "tests/support/temporary_folder.h"

namespace resnet::native {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A network of which the first weight is packed.
PreparedNetwork prepared_network() {
  PreparedNetwork network{.key = "key; of", .name = "net.onnx"};
  network.model.graph = arch::build(*arch::find_spec("resnet8"), {.seed = 5});
  network.model.labels = {"a", "b"};
  network.model.preprocessing = find_preprocessing("caffe");
  network.model.notes = {"something was noticed"};
  network.parameters = 12;
  network.macs = 34;
  network.data_digests = {{"net.data", "0123"}};
  for (std::size_t id = 0; id < network.model.graph.nodes().size(); ++id) {
    auto* constant = get_if<Constant>(&network.model.graph.node(static_cast<NodeId>(id)).op);
    if (constant == nullptr || constant->value.shape().rank() != 4) continue;
    constant->value = Tensor::released(DType::float32, constant->value.shape());
    network.model.graph.node(static_cast<NodeId>(id)).outputs[0].fact.value = constant->value;
    auto packed = Buffer::allocate(100);
    for (std::size_t i = 0; i < 100; ++i) packed->mutable_bytes()[i] = static_cast<std::byte>(i);
    network.packed_weights[static_cast<NodeId>(id + 1)] = packed;
    break;
  }
  return network;
}

class PreparedTest : public testing::Test {
 protected:
  PreparedTest() { write_prepared(network, file, pool); }
  std::string bytes() const {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  std::string error_of(const std::string& content) {
    const fs::path damaged = folder.write("damaged", content);
    try {
      read_prepared(damaged, pool);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged: "));
      return error.what();
    }
    return "";
  }
  ThreadPool pool{2};
  test::TemporaryFolder folder;
  fs::path file = folder.path() / "net.prepared";
  PreparedNetwork network = prepared_network();
};

TEST_F(PreparedTest, EverythingComesBack) {
  ASSERT_EQ(network.packed_weights.size(), 1u);
  const PreparedNetwork back = read_prepared(file, pool);
  EXPECT_EQ(back.key, network.key);
  EXPECT_EQ(back.name, network.name);
  EXPECT_EQ(back.parameters, 12);
  EXPECT_EQ(back.macs, 34);
  EXPECT_EQ(back.data_digests, network.data_digests);
  EXPECT_EQ(back.model.labels, network.model.labels);
  EXPECT_EQ(back.model.notes, network.model.notes);
  ASSERT_EQ(back.model.graph.nodes().size(), network.model.graph.nodes().size());
  std::size_t released = 0, kept = 0;
  for (std::size_t id = 0; id < back.model.graph.nodes().size(); ++id) {
    const auto* was = get_if<Constant>(&network.model.graph.nodes()[id].op);
    if (was == nullptr) continue;
    const Tensor& is = get<Constant>(back.model.graph.nodes()[id].op).value;
    EXPECT_EQ(is.is_released(), was->value.is_released());
    if (is.is_released()) {
      EXPECT_EQ(is.shape(), was->value.shape());
      ++released;
    } else {
      EXPECT_EQ(is, was->value);
      ++kept;
    }
  }
  EXPECT_EQ(released, 1u);
  EXPECT_GT(kept, 10u);
  ASSERT_EQ(back.packed_weights.size(), 1u);
  const auto& [node, packed] = *back.packed_weights.begin();
  EXPECT_EQ(node, network.packed_weights.begin()->first);
  EXPECT_TRUE(std::ranges::equal(packed->bytes(), network.packed_weights.begin()->second->bytes()));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(packed->bytes().data()) % 64, 0u);
}

TEST_F(PreparedTest, AnOpenFileIsReadWhateverHasItsName) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  fs::remove(file);
  const PreparedSummary summary = read_prepared_summary(descriptor, file);
  EXPECT_EQ(summary.key, network.key);
  EXPECT_EQ(summary.name, network.name);
  const PreparedNetwork back = read_prepared(descriptor, file, pool);
  close(descriptor);
  EXPECT_EQ(back.key, network.key);
  EXPECT_TRUE(std::ranges::equal(back.packed_weights.begin()->second->bytes(), network.packed_weights.begin()->second->bytes()));
}

TEST_F(PreparedTest, IsForItsUserAloneAndReplacesALinkItself) {
  const fs::path precious = folder.write("precious", "precious"), link = folder.path() / "link";
  fs::create_symlink("precious", link);
  write_prepared(network, link, pool);
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_EQ(static_cast<unsigned>(fs::status(link).permissions()), 0600u);
  std::ifstream stream(precious);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "precious");
}

TEST_F(PreparedTest, ItsBeginningIsKnown) {
  EXPECT_TRUE(is_prepared(bytes()));
  EXPECT_TRUE(is_prepared(bytes().substr(0, 3)));
  EXPECT_TRUE(is_prepared(""));
  EXPECT_FALSE(is_prepared("mine"));
  EXPECT_FALSE(is_prepared("\x89RESNET\n and the rest"));
}

TEST_F(PreparedTest, AFlippedBitIsFoundWhereverItIs) {
  const std::string whole = bytes();
  ASSERT_EQ(error_of(whole), "");
  // In the header, the graph, the weights: everywhere but in the zeros between the weights and after them.
  std::size_t found = 0, unseen = 0;
  for (std::size_t at = 0; at < whole.size(); at += at < 64 ? 1 : whole.size() / 199) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    const bool padding = at >= 64 && whole[at] == 0;
    const bool refused = !error_of(flipped).empty();
    EXPECT_TRUE(refused || padding) << at;
    ++(refused ? found : unseen);
  }
  EXPECT_GT(found, 200u);
  EXPECT_LT(unseen, 10u);
}

TEST_F(PreparedTest, ACutFileIsRefused) {
  const std::string whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 50)
    EXPECT_NE(error_of(whole.substr(0, size)), "") << size;
}

TEST_F(PreparedTest, IsNoModelFileAndNoneIsIt) {
  EXPECT_FALSE(is_native(bytes().substr(0, 16)));
  const fs::path model = folder.path() / "net.resnet";
  Model whole = network.model;
  whole.graph = arch::build(*arch::find_spec("resnet8"), {});
  write(whole, model);
  EXPECT_THROW(read_prepared(model, pool), Error);
  EXPECT_THROW(read(file), Error);
}

TEST_F(PreparedTest, PackedWeightsOfNoNodeAreRefused) {
  network.packed_weights[1'000'000] = Buffer::allocate(8);
  write_prepared(network, file, pool);
  EXPECT_THAT(error_of(bytes()), HasSubstr("packed weights for node 1000000, which is not there"));
}

}  // namespace
}  // namespace resnet::native
