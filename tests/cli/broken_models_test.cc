// What is not a model, is damaged, or contradicts itself: one line, the right exit code, nothing on stdout.
#include <sys/stat.h>

#include <cstdint>
#include <limits>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;

class BrokenModelsTest : public CliTest {
 protected:
  Finished predict(const std::string& bytes) const {
    write("broken.onnx", bytes);
    return run({"predict", "broken.onnx", "red.png", "-q"});
  }
  // image -> Conv with this weight -> pooled -> scores
  static OnnxGraph conv_graph(const Message& weight) {
    OnnxGraph graph;
    graph.nodes = {node("Conv", {"image", "weight"}, {"map"}, "conv1"), node("GlobalAveragePool", {"map"}, {"mean"}, "pool"),
                   node("Flatten", {"mean"}, {"scores"}, "flatten")};
    graph.initializers = {weight};
    graph.inputs = {value("image", {0, 3, 4, 4})};
    graph.outputs = {value("scores", {0, 2})};
    return graph;
  }
};

TEST_F(BrokenModelsTest, TheUnbrokenOneWorks) {
  EXPECT_EQ(predict(onnx_file(conv_graph(tensor("weight", {2, 3, 1, 1}, {1, 0, 0, 0, 1, 0})))).exit_code, 0);
}

TEST_F(BrokenModelsTest, AMissingFile) {
  expect_refused(run({"predict", "missing.onnx", "red.png"}), 3, "missing.onnx: cannot be opened: No such file or directory");
}

TEST_F(BrokenModelsTest, AFolder) {
  std::filesystem::create_directory(folder() / "folder.onnx");
  expect_refused(run({"predict", "folder.onnx", "red.png"}), 3, "folder.onnx: is a folder");
}

TEST_F(BrokenModelsTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder() / "pipe.onnx").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder() / "pipe.resnet").c_str(), 0600), 0);
  for (const char* file : {"pipe.onnx", "pipe.resnet"}) {
    expect_refused(run({"predict", file, "red.png"}), 3, "is not a regular file");
    expect_refused(run({"inspect", file}), 3, "is not a regular file");
    EXPECT_THAT(run({"validate", file}).exit_code, testing::AnyOf(1, 3));
  }
}

// A name of any length leaves a line that can be read, with what is wrong at its end.
TEST_F(BrokenModelsTest, ALongName) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.nodes[0] = node("GlobalAveragePool", {"nowhere"}, {"mean"}, std::string(100'000, 'n'));
  const Finished finished = predict(onnx_file(graph));
  expect_refused(finished, 3, "input 'nowhere' is produced by no node, initializer or graph input\n");
  EXPECT_LT(finished.err.size(), 2100u);
}

TEST_F(BrokenModelsTest, WeightsThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write("nan.onnx", onnx_file(conv_graph(tensor("weight", {2, 3, 1, 1}, {nan, 0, 0, 0, 1, 0}))));
  const Finished finished = run({"predict", "nan.onnx", "red.png", "--preprocess", "raw"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, HasSubstr("the weights 'weight' hold 1 values that are not finite"));
  EXPECT_THAT(finished.err, HasSubstr("red.png: 1 of the model's 2 scores are not finite"));
}

TEST_F(BrokenModelsTest, NamesDoNotSteerATerminal) {
  const std::string name = "\x1b]0;title\x07.png";
  write(name, png(4, 4, {255, 0, 0}));
  RunOptions options;
  options.terminal = true;
  for (const char* format : {"csv", "jsonl", "text"}) {
    const Finished finished = run({"predict", "rgb.onnx", name, "--preprocess", "raw", "--format", format, "-q"}, options);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.out, testing::Not(HasSubstr("\x1b]0;"))) << format;
  }
  EXPECT_THAT(run({"predict", "rgb.onnx", name, "--preprocess", "raw", "--format", "csv", "-q"}).out, HasSubstr(name + ",1,0,"));
}

TEST_F(BrokenModelsTest, AnEmptyFile) { expect_refused(predict(""), 3, "broken.onnx: is empty"); }

TEST_F(BrokenModelsTest, AGitLfsPointer) {
  expect_refused(
      predict("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2"
              "ca24d17e2393\nsize 102442450\n"),
      3, "Git LFS pointer");
}

TEST_F(BrokenModelsTest, AWebPage) {
  expect_refused(predict("<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>\n"), 3, "web page");
}

TEST_F(BrokenModelsTest, ATruncatedModel) {
  const std::string whole = onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0}));
  for (const std::size_t length : {whole.size() - 1, whole.size() / 2, std::size_t{5}}) {
    expect_refused(predict(whole.substr(0, length)), 3, "broken.onnx: ");
  }
}

TEST_F(BrokenModelsTest, APhotoGivenAsTheModel) {
  expect_refused(run({"predict", "--model", "red.png", "yellow.png"}), 3, "red.png: is a PNG");
}

TEST_F(BrokenModelsTest, AModelGivenAsAPhoto) {
  const Finished finished = run({"predict", "--model", "rgb.onnx", "rgb.onnx", "-q"});
  expect_refused(finished, 5, "rgb.onnx: is not an image");
}

TEST_F(BrokenModelsTest, AConvWhoseWeightHasTheWrongShape) {
  const Finished finished = predict(onnx_file(conv_graph(tensor("weight", {2, 5, 1, 1}, std::vector<float>(10)))));
  expect_refused(finished, 3, "broken.onnx: node 'conv1' (Conv): ");
  EXPECT_THAT(finished.err, HasSubstr("2x5x1x1"));
}

TEST_F(BrokenModelsTest, ACyclicGraph) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.nodes[0] = node("Add", {"image", "later"}, {"sum"}, "first");
  graph.nodes.push_back(node("Relu", {"sum"}, {"later"}, "second"));
  graph.nodes.push_back(node("GlobalAveragePool", {"later"}, {"mean"}, "pool"));
  expect_refused(predict(onnx_file(graph)), 3, "cycle");
}

TEST_F(BrokenModelsTest, ADanglingInput) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.nodes[0] = node("GlobalAveragePool", {"nowhere"}, {"mean"}, "pool");
  const Finished finished = predict(onnx_file(graph));
  expect_refused(finished, 3, "node 'pool' (GlobalAveragePool)");
  EXPECT_THAT(finished.err, HasSubstr("nowhere"));
}

TEST_F(BrokenModelsTest, ANegativeDimension) {
  expect_refused(predict(onnx_file(conv_graph(tensor("weight", {-1, 3, 1, 1}, {1, 2, 3})))), 3, "-1");
}

TEST_F(BrokenModelsTest, AHugeDimension) {
  const std::int64_t huge = std::int64_t{1} << 60;
  expect_refused(predict(onnx_file(conv_graph(tensor("weight", {huge, 3, 1, 1}, {1, 2, 3})))), 3, "'weight'");
  expect_refused(predict(onnx_file(conv_graph(tensor("weight", {huge, 1, 1, 1}, {1, 2, 3})))), 3, "'weight'");
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.inputs = {value("image", {huge, 3, huge, huge})};
  expect_refused(predict(onnx_file(graph)), 3, "image");
}

TEST_F(BrokenModelsTest, AnInitializerWithTooLittleData) {
  const Finished finished = predict(onnx_file(conv_graph(tensor("weight", {2, 3, 1, 1}, {1, 2, 3}))));
  expect_refused(finished, 3, "'weight'");
  EXPECT_THAT(finished.err, HasSubstr("12 bytes"));
}

// A weight in another file: location, offset and length are what the file says.
Message external_tensor(std::string_view name, const std::vector<std::int64_t>& dims, const std::string& location,
                        const std::string& offset, const std::string& length) {
  Message made;
  for (const std::int64_t dim : dims) made.number(1, dim);
  made.number(2, 1).text(8, name);
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"location", location}, {"offset", offset}, {"length", length}})
    made.message(13, Message().text(1, key).text(2, value));
  return made.number(14, 1);
}

TEST_F(BrokenModelsTest, ExternalDataOutsideOfTheFolderOrTheFile) {
  write("weights.bin", std::string(36, '\0'));
  const auto refused = [&](const std::string& location, const std::string& offset, const std::string& length,
                           const std::string& text) {
    SCOPED_TRACE(location + " " + offset);
    expect_refused(predict(onnx_file(conv_graph(external_tensor("weight", {3, 3, 1, 1}, location, offset, length)))), 3, text);
  };
  refused("../weights.bin", "0", "36", "initializer 'weight': external data is in '../weights.bin', expected a path inside");
  refused("a/../../weights.bin", "0", "36", "expected a path inside");
  refused("/etc/passwd", "0", "36", "expected a path inside");
  refused("weights.bin", "64", "36", "external data 'weights.bin' has 36 bytes, expected 36 at offset 64");
  refused("weights.bin", "9223372036854775807", "36", "initializer 'weight': ");
  refused("weights.bin", "0", "4000000000", "initializer 'weight': ");
  EXPECT_EQ(predict(onnx_file(conv_graph(external_tensor("weight", {3, 3, 1, 1}, "weights.bin", "0", "36")))).exit_code, 0);
}

TEST_F(BrokenModelsTest, AFunctionThatCallsItself) {
  const Message call = node("Again", {"a"}, {"b"}, "again", {}, "local");
  Message function;
  function.text(1, "Again").text(4, "a").text(5, "b").message(7, call);
  for (const char* domain : {"", "local"})
    function.message(9, Message().text(1, domain).number(2, std::string_view(domain).empty() ? 17 : 1));
  function.text(10, "local");
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.nodes[0] = node("Again", {"image"}, {"mean"}, "pool", {}, "local");
  expect_refused(
      predict(onnx_file(graph) + Message().message(8, Message().text(1, "local").number(2, 1)).message(25, function).bytes()), 3,
      "function local.Again calls itself");
}

// A file of a kilobyte that speaks of gigabytes takes no memory for them.
TEST_F(BrokenModelsTest, ClaimsOfThreeGibibytes) {
  const std::int64_t elements = std::int64_t{3} << 28;
  std::vector<std::string> files = {
      onnx_file(conv_graph(tensor("weight", {elements / 12, 3, 2, 2}, {1, 2, 3}))),
      onnx_file(conv_graph(external_tensor("weight", {elements / 12, 3, 2, 2}, "weights.bin", "0", "3221225472"))),
  };
  // A graph that is said to be longer than the file.
  files.push_back(std::string("\x08\x08\x3a\x80\x80\x80\x80\x0c", 8) + files[0].substr(0, 1000));
  for (const std::string& file : files) {
    EXPECT_LT(file.size(), 1100u);
    const Finished finished = predict(file);
    EXPECT_EQ(finished.exit_code, 3) << finished.err;
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
#ifndef RESNET_SANITIZED
    EXPECT_LT(finished.peak_kibibytes, 200'000);
#endif
  }
}

TEST_F(BrokenModelsTest, UnknownOperatorsAreAllNamedAtOnce) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0});
  graph.nodes[0] = node("Frobnicate", {"image"}, {"strange"}, "frob");
  graph.nodes.push_back(node("Twist", {"strange"}, {"twisted"}, "twist", {}, "com.example"));
  graph.nodes.push_back(node("GlobalAveragePool", {"twisted"}, {"mean"}, "pool"));
  const Finished finished = predict(onnx_file(graph));
  expect_refused(finished, 4, "broken.onnx: ");
  EXPECT_THAT(finished.err, HasSubstr("node 'frob' (Frobnicate)"));
  EXPECT_THAT(finished.err, HasSubstr("node 'twist' (com.example.Twist)"));
}

TEST_F(BrokenModelsTest, ANetworkThatTakesNoImages) {
  OnnxGraph graph;
  graph.nodes = {node("Relu", {"x"}, {"y"}, "relu")};
  graph.inputs = {value("x", {0, 7})};
  graph.outputs = {value("y", {0, 7})};
  expect_refused(predict(onnx_file(graph)), 4, "expected one input of images");
}

TEST_F(BrokenModelsTest, LabelsOfAnotherNumberThanTheClasses) {
  std::string labels;
  for (int i = 0; i < 999; ++i) labels += "label " + std::to_string(i) + "\n";
  write("labels.txt", labels);
  const auto model_of = [&](std::size_t classes) {
    write("wide.onnx", onnx_file(mean_classifier(4, std::vector<std::array<float, 3>>(classes), std::vector<float>(classes))));
  };
  model_of(1000);
  const std::vector<std::string> words = {"predict", "wide.onnx", "red.png", "--labels", "labels.txt", "-q"};
  expect_refused(run(words), 2, "labels.txt: 999 labels for a model of 1000 classes");
  write("labels.txt", labels + "label 999\n");
  EXPECT_EQ(run(words).exit_code, 0);
  model_of(1001);
  const Finished background = run(words);
  expect_refused(background, 2, "labels.txt: 1000 labels for a model of 1001 classes");
  EXPECT_THAT(background.err, HasSubstr("background"));
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--labels", "imagenet1k"}), 2,
                 "imagenet1k: 1000 labels for a model of 3 classes");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--labels", "none.txt"}), 2, "none.txt: cannot be opened");
}

// Which model, and why.
TEST_F(BrokenModelsTest, AnOperatorThatNobodyKnows) {
  OnnxGraph graph = conv_graph(tensor("weight", {2, 3, 1, 1}, {1, 0, 0, 0, 1, 0}));
  graph.nodes.insert(graph.nodes.begin(), node("Frobnicate", {"image"}, {"strange"}, "frob"));
  graph.nodes[1] = node("Conv", {"strange", "weight"}, {"map"}, "conv1");
  write("strange.onnx", onnx_file(graph));
  EXPECT_THAT(run({"inspect", "strange.onnx"}).out, HasSubstr("cannot run    Frobnicate\n"));
  expect_refused(run({"inspect", "--plan", "strange.onnx"}), 4, "strange.onnx: cannot run 1 of 4 nodes: node 'frob'");
  expect_refused(run({"compare", "rgb.onnx", "strange.onnx"}), 4, "strange.onnx: cannot run 1 of 4 nodes: node 'frob'");
}

TEST_F(BrokenModelsTest, ComparisonsNameTheModel) {
  OnnxGraph graph = mean_classifier(8, {{1, 0, 0}}, {0});
  write("larger.onnx", onnx_file(graph));
  expect_refused(run({"compare", "rgb.onnx", "larger.onnx"}), 5, "larger.onnx: input 'image' is given 4x3x4x4, expected ");
  graph.outputs.push_back(value("mean", {0, 3, 1, 1}));
  write("two.onnx", onnx_file(graph));
  expect_refused(run({"compare", "larger.onnx", "two.onnx"}), 1,
                 "larger.onnx has 1 output and two.onnx has 2: the models are of ");
}

TEST_F(BrokenModelsTest, OneWarningIsSaidOnce) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.nodes.front() = node("GlobalAveragePool", {"image"}, {"mean"}, "pool", {int_attribute("strange", 1)});
  write("odd.onnx", onnx_file(graph));
  const Finished finished = run({"compare", "odd.onnx", "odd.onnx"});
  const std::string text = "warning: odd.onnx: ";
  const std::size_t first = finished.err.find(text);
  ASSERT_NE(first, std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find(text, first + 1), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace resnet::test
