// Networks whose images change each other's answers in a batch: run one image at a time, or refused.
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

Message int64_tensor(std::string_view name, const std::vector<std::int64_t>& values) {
  Message message;
  message.number(1, static_cast<std::int64_t>(values.size())).number(2, 7).text(8, name);
  for (const std::int64_t value : values) message.number(7, value);
  return message;
}

class BatchTest : public CliTest {
 protected:
  BatchTest() {
    write("photos/a/red.png", png(4, 4, {255, 0, 0}));
    write("photos/b/yellow.png", png(4, 4, {200, 255, 0}));
    write("photos/c/blue.png", png(4, 4, {0, 100, 255}));
  }

  // rgb.onnx with more nodes at its end, which make "y" of "logits"; a batch of 0 is open.
  void write_model(const std::string& name, std::int64_t batch, const std::vector<Message>& nodes,
                   const std::vector<Message>& initializers = {}) const {
    OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
    graph.nodes.insert(graph.nodes.end(), nodes.begin(), nodes.end());
    graph.initializers.insert(graph.initializers.end(), initializers.begin(), initializers.end());
    graph.inputs = {value("image", {batch, 3, 4, 4})};
    graph.outputs = {value("y", {batch, 3})};
    write(name, onnx_file(graph));
  }
  // What is above the batch's mean, and the image's own.
  void write_mean(const std::string& name, std::int64_t batch) const {
    write_model(name, batch,
                {node("ReduceMean", {"logits"}, {"m"}, "mean", {ints_attribute("axes", {0})}),
                 node("Add", {"logits", "m"}, {"y"}, "add")});
  }

  Finished predict(const std::string& model, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"predict", model});
    arguments.insert(arguments.end(), {"--preprocess", "raw", "--format", "csv", "--progress", "off"});
    return run(arguments);
  }

  // Two photos together, and each alone.
  void expect_as_alone(const std::string& model, const std::vector<std::string>& options) const {
    const auto answer = [&](std::vector<std::string> photos) {
      photos.insert(photos.end(), options.begin(), options.end());
      const Finished finished = predict(model, photos);
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
      return finished.out;
    };
    const std::string one = answer({"red.png"}), other = answer({"photos/b/yellow.png"});
    EXPECT_EQ(answer({"red.png", "photos/b/yellow.png"}), one + other.substr(other.find('\n') + 1));
  }
};

TEST_F(BatchTest, ImagesOfAnOpenBatchThatMixAreRunOneAtATime) {
  write_mean("mean.onnx", 0);
  write_model("softmax.onnx", 0, {node("Softmax", {"logits"}, {"y"}, "soft", {int_attribute("axis", 0)})});
  for (const char* model : {"mean.onnx", "softmax.onnx"}) {
    for (const std::vector<std::string>& options :
         std::vector<std::vector<std::string>>{{}, {"--batch-size", "2"}, {"--batch-size", "32", "--no-cache"}})
      expect_as_alone(model, options);
  }
  // Views of a photo share a batch, too.
  expect_as_alone("mean.onnx", {"--batch-size", "20", "--crop", "ten", "--resize", "6", "--crop-size", "4"});
  expect_as_alone("mean.onnx", {"--batch-size", "20", "--scales", "4,5", "--crop-size", "4"});

  const Finished finished = predict("mean.onnx", {"red.png", "yellow.png", "--batch-size", "2"});
  const std::string note =
      "mean.onnx: photos are run one at a time, for in a batch the answer for one would depend on the others: "
      "node 'mean' (ReduceMean) averages over the batch\n";
  EXPECT_THAT(finished.err, HasSubstr(note));
  EXPECT_EQ(finished.err.find(note), finished.err.rfind(note));
}

TEST_F(BatchTest, EvaluateSaysItOnceForAllWaysOfTesting) {
  write_mean("mean.onnx", 0);
  const auto evaluate = [&](const std::string& batch) {
    return run({"evaluate", "mean.onnx", "photos", "--preprocess", "raw", "--resize", "6", "--crop-size", "4", "--crop",
                "center,ten", "--labels", "abc.txt", "--format", "json", "--batch-size", batch, "--topk", "1"});
  };
  write("abc.txt", "a\nb\nc\n");
  const Finished finished = evaluate("8");
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const json together = json::parse(finished.out), alone = json::parse(evaluate("1").out);
  ASSERT_EQ(together.size(), 2u);
  for (std::size_t row = 0; row < 2; ++row) EXPECT_EQ(together[row]["top1_err"], alone[row]["top1_err"]);
  EXPECT_THAT(finished.err, HasSubstr("one at a time"));
  EXPECT_EQ(finished.err.find("one at a time"), finished.err.rfind("one at a time"));
}

TEST_F(BatchTest, AFixedBatchWhoseImagesMixIsRefused) {
  write_mean("mean.onnx", 2);
  const Message turned = node("Gather", {"logits", "order"}, {"y"}, "turn", {int_attribute("axis", 0)});
  write_model("turned.onnx", 2, {turned}, {int64_tensor("order", {1, 0})});
  write_model("softmax.onnx", 2, {node("Softmax", {"logits"}, {"y"}, "soft", {int_attribute("axis", 0)})});
  for (const auto& [model, what] : std::map<std::string, std::string>{
           {"mean.onnx", "node 'mean' (ReduceMean) averages over the batch"},
           {"turned.onnx", "node 'turn' (Gather) takes some images of the batch, or in another order"},
           {"softmax.onnx", "node 'soft' (Softmax) normalises over the batch"}}) {
    const std::string text = model + ": the answer for a photo would depend on the others of its fixed batch of 2: " + what;
    expect_refused(predict(model, {"red.png", "yellow.png"}), 4, text);
    expect_refused(predict(model, {"red.png", "--no-cache"}), 4, text);
    write("abc.txt", "a\nb\nc\n");
    expect_refused(run({"evaluate", model, "photos", "--preprocess", "raw", "--labels", "abc.txt"}), 4, text);
    expect_refused(run({"bench", model, "--pipeline", "photos", "-r", "-q"}), 4, text);
  }
  // What the message advises.
  EXPECT_EQ(predict("mean.onnx", {"red.png", "yellow.png", "--input-shape", "1x3x4x4"}).exit_code, 0);
  // In order, all of them: nothing to refuse.
  write_model("all.onnx", 2, {turned}, {int64_tensor("order", {0, 1})});
  const Finished whole = predict("all.onnx", {"red.png", "yellow.png"});
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(whole.out, predict("rgb.onnx", {"red.png", "yellow.png"}).out);
  EXPECT_THAT(whole.err, Not(HasSubstr("batch")));
}

TEST_F(BatchTest, ValidateWarnsOfIt) {
  write_mean("mean.onnx", 0);
  write_mean("two.onnx", 2);
  write_mean("one.onnx", 1);
  const auto findings = [&](const std::string& model) {
    std::string found;
    const json answer = json::parse(run({"validate", model, "--format", "json"}).out);
    for (const json& finding : answer["findings"]) {
      if (finding["rule"] != "batch") continue;
      found += finding["level"].get<std::string>() + " " + finding["node"].get<std::string>() + ": " +
               finding["message"].get<std::string>();
    }
    return found;
  };
  const std::string text =
      "warning mean: ReduceMean averages over the batch: the answer for a photo would depend on the others of "
      "its batch; ";
  EXPECT_EQ(findings("mean.onnx"), text + "photos are run one at a time");
  EXPECT_EQ(findings("two.onnx"), text + "its batch is fixed to 2");
  EXPECT_EQ(findings("one.onnx"), "");
  EXPECT_EQ(findings("rgb.onnx"), "");
  ASSERT_EQ(run({"convert", "mean.onnx", "-o", "mean.resnet"}).exit_code, 0);
  EXPECT_EQ(findings("mean.resnet"), text + "photos are run one at a time");
}

TEST_F(BatchTest, RealNetworksAreSilent) {
  RESNET_REQUIRE_ASSETS();
  write("large.png", png(32, 32, {200, 255, 0}));
  for (const char* model : {"models/cifar10-resnet20-torch-op11.onnx", "models/cifar10-resnet8-nhwc-op11.onnx",
                            "models/int8/cifar10-resnet20-qdq-u8s8.onnx", "models/int8/cifar10-resnet20-qdq-s8s8.onnx"}) {
    const Finished finished = predict((*assets() / model).string(), {"large.png", "large.png", "--batch-size", "2"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, Not(HasSubstr("batch"))) << model;
  }
}

}  // namespace
}  // namespace resnet::test
