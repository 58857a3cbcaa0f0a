// What the program says where something is wrong: its line on stderr and its exit code, byte for byte.
//
// Where a text or a code is meant to change, change it here, too: a test that fails prints the entry as it would be now.
#include <fmt/format.h>

#include <limits>
#include <sstream>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

struct Golden {
  const char* words;  // of the command line, after NAME=value of the environment
  int exit_code;
  const char* text;  // on stderr, or on stdout where nothing is there, without the last line's end; "|" parts lines
};

constexpr Golden goldens[] = {
#include "tests/cli/messages_golden.inc"
};

// Models that are broken, each in its own way, beside pictures, lists and logs that are, too.
class MessagesTest : public CliTest {
 protected:
  MessagesTest() {
    write_models();
    write_native();
    write("empty.png", "");
    write("short.png", png(4, 4, {255, 0, 0}).substr(0, 40));
    write("one.npy", npy({1, 3, 4, 4}, std::vector<float>(48)));
    write("wide.png", png(9, 9, {255, 0, 0}));
    write("wide.npy", npy({1, 3, 9, 9}, std::vector<float>(243)));
    write("short.npy", npy({1, 3, 4, 4}, std::vector<float>(48)).substr(0, 100));
    write("nan.npy", npy({1, 3, 4, 4}, std::vector<float>(48, std::numeric_limits<float>::quiet_NaN())));
    write("expected.npy", npy({1, 3}, {0, 0, 0}));
    write("two.txt", "red\ngreen\n");
    write("broken.json", R"({"0": "red", "1": )");
    write("list.txt", "red.png 0\nyellow.png\n");
    write("text.jsonl", "red.png is red\n");
    for (const char* name : {"folder.onnx", "classes", "classes/a", "classes/b", "one", "one/a", "empty", "empty/a", "empty/b"})
      std::filesystem::create_directory(folder() / name);
    for (const char* name : {"classes/a/red.png", "classes/b/red.png", "one/a/red.png", "empty/a/red.png"})
      write(name, png(4, 4, {255, 0, 0}));
  }

  static OnnxGraph conv_graph(const std::vector<std::int64_t>& dims, std::size_t held, const Message& attribute) {
    OnnxGraph graph;
    graph.nodes = {node("Conv", {"image", "weight"}, {"map"}, "conv1", {attribute}),
                   node("GlobalAveragePool", {"map"}, {"mean"}, "pool"), node("Flatten", {"mean"}, {"scores"}, "flatten")};
    graph.initializers = {tensor("weight", dims, std::vector<float>(held, std::numeric_limits<float>::infinity()))};
    graph.inputs = {value("image", {0, 3, 4, 4})};
    graph.outputs = {value("scores", {0, 2})};
    return graph;
  }

  // A classifier whose first node is another, with more after it.
  static std::string with_nodes(const Message& first, const std::vector<Message>& more) {
    OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0});
    graph.nodes[0] = first;
    graph.nodes.insert(graph.nodes.end(), more.begin(), more.end());
    return onnx_file(graph);
  }

  void write_models() const {
    const Message ones = ints_attribute("strides", {1, 1}), pool = node("GlobalAveragePool", {"later"}, {"mean"}, "pool");
    const std::string rgb = read("rgb.onnx");
    write("empty.onnx", "");
    write("short.onnx", rgb.substr(0, rgb.size() / 2));
    write("page.onnx", "<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>\n");
    write("two.onnx", onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0})));
    write("shape.onnx", onnx_file(conv_graph({2, 5, 1, 1}, 10, ones)));
    write("negative.onnx", onnx_file(conv_graph({-1, 3, 1, 1}, 3, ones)));
    write("little.onnx", onnx_file(conv_graph({2, 3, 1, 1}, 3, ones)));
    write("attribute.onnx", onnx_file(conv_graph({2, 3, 1, 1}, 6, int_attribute("strides", 1))));
    write("three.onnx", onnx_file(conv_graph({2, 3, 3, 3}, 54, ones)));
    write("nan.onnx", onnx_file(conv_graph({2, 3, 1, 1}, 6, ones)));
    write("dangling.onnx", with_nodes(node("GlobalAveragePool", {"nowhere"}, {"mean"}, "pool"), {}));
    write("cycle.onnx",
          with_nodes(node("Add", {"image", "later"}, {"sum"}, "first"), {node("Relu", {"sum"}, {"later"}, "second"), pool}));
    write("twice.onnx",
          with_nodes(node("Relu", {"image"}, {"later"}, "first"), {node("Relu", {"image"}, {"later"}, "second"), pool}));
    write("unknown.onnx", with_nodes(node("Frobnicate", {"image"}, {"strange"}, "frob"),
                                     {node("Twist", {"strange"}, {"later"}, "twist", {}, "com.example"), pool}));
    OnnxGraph outside = conv_graph({2, 3, 1, 1}, 6, ones);
    outside.initializers = {
        tensor("weight", {2, 3, 1, 1}, {}).message(13, Message().text(1, "location").text(2, "../weights.bin")).number(14, 1)};
    write("outside.onnx", onnx_file(outside));
    OnnxGraph flat;
    flat.nodes = {node("Relu", {"x"}, {"y"}, "relu")};
    flat.inputs = {value("x", {0, 7})};
    flat.outputs = {value("y", {0, 7})};
    write("flat.onnx", onnx_file(flat));
    Message function;
    function.text(1, "Again").text(4, "a").text(5, "b").message(7, node("Again", {"a"}, {"b"}, "again", {}, "local"));
    function.message(9, Message().text(1, "local").number(2, 1)).text(10, "local");
    write("calls.onnx", with_nodes(node("Again", {"image"}, {"mean"}, "pool", {}, "local"), {}) +
                            Message().message(8, Message().text(1, "local").number(2, 1)).message(25, function).bytes());
  }

  // Files of our own format: a weight that has changed, one of a later version, half a file, and a graph that is damaged.
  void write_native() const {
    ASSERT_EQ(run({"convert", "rgb.onnx", "-o", "rgb.resnet", "-q"}).exit_code, 0);
    const std::string whole = read("rgb.resnet");
    std::string damaged = whole, later = whole, inner = whole;
    damaged[whole.size() - 70] ^= 1;
    write("damaged.resnet", damaged);
    later[8] = 99;
    write("later.resnet", later);
    write("short.resnet", whole.substr(0, whole.size() / 2));
    const std::size_t at = inner.find("Flatten");
    ASSERT_NE(at, inner.npos);
    inner.replace(at, 7, "Softmax");
    write("inner.resnet", inner);
  }
};

TEST_F(MessagesTest, AreWhatTheyWere) {
  for (const Golden& golden : goldens) {
    std::vector<std::string> words;
    RunOptions options;
    std::istringstream stream(golden.words);
    for (std::string word; stream >> word;) {
      if (const std::size_t equals = word.find('='); words.empty() && equals != word.npos) {
        options.environment[word.substr(0, equals)] = word.substr(equals + 1);
      } else {
        words.push_back(word);
      }
    }
    const Finished finished = run(words, options);
    std::string text = finished.err.empty() ? finished.out : finished.err;
    if (!text.empty()) text.pop_back();
    std::replace(text.begin(), text.end(), '\n', '|');
    EXPECT_TRUE(finished.exit_code == golden.exit_code && text == golden.text)
        << fmt::format("    {{\"{}\", {}, R\"({})\"}},", golden.words, finished.exit_code, text);
  }
}

}  // namespace
}  // namespace resnet::test
