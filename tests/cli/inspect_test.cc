// `inspect`: the figures of every network, the forms in which they are told, and golden outputs.
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/golden.h"

namespace resnet::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class InspectTest : public CliTest {
 protected:
  json totals(std::vector<std::string> words) const {
    words.insert(words.begin(), "inspect");
    words.insert(words.end(), {"--format", "json", "-q"});
    const Finished finished = run(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out).at("totals");
  }
};

struct Net {
  const char* name;
  std::vector<std::string> options;
  std::int64_t macs, parameters;
};

TEST_F(InspectTest, MultiplyAddsAndParametersOfEveryNetwork) {
  constexpr std::int64_t v1_5 = 231'211'008;  // what v1.5 costs more at 50, 101 and 152
  const std::vector<Net> nets = {
      {"resnet18", {}, 1'814'073'344, 11'689'512},
      {"resnet34", {}, 3'663'761'408, 21'797'672},
      {"resnet50", {}, 4'089'184'256, 25'557'032},
      {"resnet101", {}, 7'801'405'440, 44'549'160},
      {"resnet152", {}, 11'513'626'624, 60'192'808},
      {"resnet18", {"--variant", "v1"}, 1'814'073'344, 11'689'512},
      {"resnet50", {"--variant", "v1"}, 3'857'973'248, 25'557'032},
      {"resnet101", {"--variant", "v1"}, 7'570'194'432, 44'549'160},
      {"resnet152", {"--variant", "v1"}, 11'282'415'616, 60'192'808},
      {"resnet18", {"--shortcut", "A"}, 1'794'805'760, 11'515'688},
      {"resnet34", {"--shortcut", "A"}, 3'644'493'824, 21'623'848},
      {"resnet50", {"--shortcut", "A", "--variant", "v1"}, 3'498'311'680, 22'780'456},
      {"resnet101", {"--shortcut", "A", "--variant", "v1"}, 7'210'532'864, 41'772'584},
      {"resnet152", {"--shortcut", "A", "--variant", "v1"}, 10'922'754'048, 57'416'232},
      {"resnet18", {"--shortcut", "C"}, 1'878'298'624, 12'043'816},
      {"resnet34", {"--shortcut", "C"}, 3'830'747'136, 22'716'840},
      {"resnet50", {"--shortcut", "C", "--variant", "v1"}, 6'324'224'000, 40'128'552},
      {"resnet101", {"--shortcut", "C", "--variant", "v1"}, 13'530'300'416, 76'981'288},
      {"resnet152", {"--shortcut", "C", "--variant", "v1"}, 20'736'376'832, 107'335'720},
      {"resnet50", {"--shortcut", "A"}, 3'498'311'680 + v1_5, 22'780'456},
      {"resnet152", {"--shortcut", "C"}, 20'736'376'832 + v1_5, 107'335'720},
      {"plain18", {}, 1'794'805'760, 11'515'688},
      {"plain34", {}, 3'644'493'824, 21'623'848},
      {"resnext50_32x4d", {}, 4'230'479'872, 25'028'904},
      {"resnext101_32x8d", {}, 16'414'015'488, 88'791'336},
      {"wide_resnet50_2", {}, 11'398'021'120, 68'883'240},
      {"wide_resnet101_2", {}, 22'753'050'624, 126'886'696},
      {"resnet18d", {}, 2'053'713'920, 11'708'744},
      {"resnet50d", {}, 4'328'824'832, 25'576'264},
      {"resnet20", {}, 40'551'040, 269'722},
      {"resnet32", {}, 68'862'592, 464'154},
      {"resnet44", {}, 97'174'144, 658'586},
      {"resnet56", {}, 125'485'696, 853'018},
      {"resnet110", {}, 252'887'680, 1'727'962},
      {"resnet1202", {}, 2'829'238'912, 19'421'274},
      {"resnet20", {"--shortcut", "B"}, 40'551'040 + 262'144, 269'722 + 2'752},
      {"resnet110", {"--shortcut", "B"}, 252'887'680 + 262'144, 1'727'962 + 2'752},
  };
  for (const Net& net : nets) {
    SCOPED_TRACE(net.name + (net.options.empty() ? "" : " " + net.options[0] + " " + net.options[1]));
    std::vector<std::string> words = {net.name};
    words.insert(words.end(), net.options.begin(), net.options.end());
    const json found = totals(words);
    EXPECT_EQ(found["macs"], net.macs);
    EXPECT_EQ(found["flops"], 2 * net.macs);
    EXPECT_EQ(found["parameters"], net.parameters);
  }
}

TEST_F(InspectTest, ElementsAndBuffersAndOtherToolsFigures) {
  const json found = totals({"resnet50"});
  EXPECT_EQ(found["batch_norm_elements"], 11'113'984);
  EXPECT_EQ(found["relu_elements"], 9'608'704);
  EXPECT_EQ(found["add_elements"], 5'519'360);
  const std::vector<std::pair<const char*, std::int64_t>> buffers = {
      {"resnet18", 9'600}, {"resnet34", 17'024}, {"resnet50", 53'120}, {"resnet101", 105'344}, {"resnet152", 151'424}};
  for (const auto& [name, count] : buffers) EXPECT_EQ(totals({name})["buffers"], count) << name;
  const json conventions = json::parse(run({"inspect", "resnet50", "--format", "json"}).out)["conventions"];
  const auto value = [&](const std::string& name) {
    for (const json& row : conventions) {
      if (row["convention"] == name) return row["value"].get<std::int64_t>();
    }
    return std::int64_t{0};
  };
  EXPECT_EQ(value("fvcore, timm"), 4'111'512'576);
  EXPECT_EQ(value("ptflops"), 4'121'925'096);
  EXPECT_EQ(value("thop"), 4'133'742'592);
  EXPECT_EQ(value("parameters, Keras"), 25'636'712);
}

TEST_F(InspectTest, FoldedNetworksCostTheSame) {
  const std::vector<Net> nets = {{"resnet18", {}, 1'814'073'344, 11'684'712},
                                 {"resnet34", {}, 3'663'761'408, 21'789'160},
                                 {"resnet50", {}, 4'089'184'256, 25'530'472},
                                 {"resnet101", {}, 7'801'405'440, 44'496'488},
                                 {"resnet152", {}, 11'513'626'624, 60'117'096}};
  for (const Net& net : nets) {
    ASSERT_EQ(run({"build", net.name, "--fold-batch-norm", "--init", "none", "-o", "folded.onnx"}).exit_code, 0);
    const json found = totals({"folded.onnx"});
    EXPECT_EQ(found["macs"], net.macs) << net.name;
    EXPECT_EQ(found["parameters"], net.parameters) << net.name;
    EXPECT_EQ(found["buffers"], 0) << net.name;
  }
}

TEST_F(InspectTest, TheBatchMultiplies) {
  EXPECT_EQ(totals({"resnet18", "--batch", "8"})["macs"], 8 * 1'814'073'344LL);
  EXPECT_EQ(totals({"resnet18", "--batch", "8"})["parameters"], 11'689'512);
  EXPECT_EQ(totals({"resnet18", "--input-shape", "1x3x448x448"})["macs"], 4 * (1'814'073'344LL - 512'000) + 512'000);
}

TEST_F(InspectTest, RealFilesCostWhatTheirNetworksCost) {
  RESNET_REQUIRE_ASSETS();
  const std::vector<Net> files = {{"imagenet-resnet18-torch-op17-bn.onnx", {}, 1'814'073'344, 11'689'512},
                                  {"imagenet-resnet18-codebook-op13.onnx", {}, 1'814'073'344, 11'689'512},
                                  {"imagenet-resnet50-torch-op13-bn.onnx", {}, 4'089'184'256, 25'557'032},
                                  {"caffe2-light-resnet50.onnx", {}, 4'089'184'256, 25'557'032},
                                  {"cifar10-resnet20-torch-op11.onnx", {}, 40'551'040, 269'722 - 688},  // folded
                                  {"cifar10-resnet56-torch-op16-bn.onnx", {}, 125'485'696, 853'018}};
  for (const Net& file : files) {
    const json found = totals({(*assets() / "models" / file.name).string()});
    EXPECT_EQ(found["macs"], file.macs) << file.name;
    EXPECT_EQ(found["parameters"], file.parameters) << file.name;
  }
}

TEST_F(InspectTest, JsonHasTheBindingKeys) {
  const json answer = json::parse(run({"inspect", "resnet18", "--format", "json"}).out);
  for (const char* key : {"model", "inputs", "outputs", "totals", "layers"}) EXPECT_TRUE(answer.contains(key)) << key;
  const json& layer = answer["layers"][0];
  for (const char* key : {"name", "op", "input_shapes", "output_shapes", "kernel", "stride", "parameters", "macs"}) {
    EXPECT_TRUE(layer.contains(key)) << key;
  }
  EXPECT_EQ(answer["model"]["network"]["description"], "ResNet-18, option B, 1000 classes");
  EXPECT_EQ(answer["inputs"][0]["shape"], json::parse("[\"N\", 3, 224, 224]"));
}

TEST_F(InspectTest, GoldenTextMarkdownCsvAndPictures) {
  expect_golden("inspect/resnet18-layers.txt", run({"inspect", "resnet18"}).out);
  expect_golden("inspect/resnet50-stages.txt", run({"inspect", "resnet50", "--variant", "v1", "--depth", "stage"}).out);
  expect_golden("inspect/resnet20-blocks.md", run({"inspect", "resnet20", "--depth", "block", "--format", "md"}).out);
  expect_golden("inspect/table1.txt", run({"inspect", "--paper"}).out);
  expect_golden("inspect/table1.md", run({"inspect", "--paper", "--format", "md"}).out);
  expect_golden("inspect/resnet18-blocks.dot", run({"inspect", "resnet18", "--format", "dot"}).out);
  expect_golden("inspect/resnet18-blocks.svg", run({"inspect", "resnet18", "--format", "svg"}).out);
}

TEST_F(InspectTest, AnOpenBatchIsN) {
  write("open.onnx", onnx_file({{node("Relu", {"x"}, {"y"})}, {}, {value("x", {0, 3, 4, 4})}, {value("y", {0, 3, 4, 4})}}));
  write("eight.onnx", onnx_file({{node("Relu", {"x"}, {"y"})}, {}, {value("x", {8, 3, 4, 4})}, {value("y", {8, 3, 4, 4})}}));
  const std::string open = run({"inspect", "open.onnx"}).out;
  EXPECT_THAT(open, HasSubstr("x: float Nx3x4x4\n"));
  EXPECT_THAT(open, HasSubstr("  Nx3x4x4  Nx3x4x4  "));
  EXPECT_THAT(open, Not(HasSubstr("1x3x4x4")));
  EXPECT_THAT(run({"inspect", "open.onnx", "--batch", "2"}).out, HasSubstr("x: float 2x3x4x4\n"));
  EXPECT_THAT(run({"inspect", "eight.onnx"}).out, HasSubstr("x: float 8x3x4x4\n"));
  const json answer = json::parse(run({"inspect", "open.onnx", "--format", "json"}).out);
  EXPECT_EQ(answer["outputs"][0]["shape"], json::parse("[\"N\", 3, 4, 4]"));
  EXPECT_EQ(answer["layers"][0]["output_shapes"][0], "Nx3x4x4");
  EXPECT_EQ(answer["totals"]["batch"], 1);
}

TEST_F(InspectTest, ThroughAnUnknownOperator) {
  const auto file = [](const std::string& domain) {
    return onnx_file({{node("Conv", {"x", "w"}, {"y"}, "first"), node("Frobnicate", {"y"}, {"z"}, "odd", {}, domain),
                       node("Conv", {"z", "w"}, {"v"}, "second"), node("Frobnicate", {"v"}, {"out"}, "odder", {}, domain)},
                      {tensor("w", {3, 3, 1, 1}, {1, 0, 0, 0, 1, 0, 0, 0, 1})},
                      {value("x", {0, 3, 4, 4})},
                      {value("out", {0, 3})}});
  };
  write("foreign.onnx", file("elsewhere"));
  const Finished text = run({"inspect", "foreign.onnx", "-q"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, testing::ContainsRegex("second +Conv +\\? +\\? +1x1 "));
  EXPECT_THAT(text.out,
              HasSubstr("cannot run    elsewhere.Frobnicate x 2; without them: resnet-cli convert foreign.onnx --outputs y -o "
                        "OUT.onnx\n"));
  EXPECT_THAT(text.out, HasSubstr("left out      1 Conv, 2 elsewhere.Frobnicate: "));
  const Finished data = run({"inspect", "foreign.onnx", "--format", "json"});
  EXPECT_THAT(data.out, HasSubstr("\"cut_at_outputs\""));
  EXPECT_THAT(data.out, HasSubstr("\"layers_left_out\": 3"));
  const Finished csv = run({"inspect", "foreign.onnx", "--format", "csv", "--columns", "name,output,macs,share"});
  EXPECT_EQ(csv.out, "name,output,macs,share\nfirst,Nx3x4x4,144,100\nodd,?,,\nsecond,?,,\nodder,Nx3,,\n");
  EXPECT_THAT(csv.err, HasSubstr("foreign.onnx: cannot run elsewhere.Frobnicate x 2; without them: "));
  EXPECT_THAT(run({"inspect", "foreign.onnx", "--format", "dot"}).out, HasSubstr("cannot run here: elsewhere.Frobnicate x 2"));
  EXPECT_THAT(run({"inspect", "foreign.onnx", "--format", "html"}).out, HasSubstr("elsewhere.Frobnicate x 2; without them"));
  EXPECT_EQ(run({"convert", "foreign.onnx", "--outputs", "y", "-o", "cut.onnx", "--check", "2"}).exit_code, 0);
  const Finished found = run({"validate", "foreign.onnx"});
  EXPECT_THAT(found.out, HasSubstr("warning: node 'odd': elsewhere.Frobnicate cannot be run here (2 nodes)"));
}

TEST_F(InspectTest, WhatAnUnknownOperatorMakesIsWhatTheFileStates) {
  write("foreign.onnx", onnx_file({{node("Relu", {"x"}, {"y"}, "relu"), node("Frobnicate", {"y"}, {"z"}, "odd", {}, "elsewhere")},
                                   {},
                                   {value("x", {0, 3, 4, 4})},
                                   {value("z", {0, 3})}}));
  const Finished finished = run({"inspect", "foreign.onnx", "-q"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, testing::ContainsRegex("odd +elsewhere.Frobnicate +Nx3x4x4 +Nx3 "));
  EXPECT_THAT(finished.out, HasSubstr("at most 384 bytes of activations at once (at 'relu')"));
}

TEST_F(InspectTest, SmallSizesAreNotZero) {
  EXPECT_THAT(run({"inspect", "rgb.onnx"}).out, HasSubstr(" 48 bytes of weights, at most 204 bytes of activations"));
  EXPECT_THAT(run({"inspect", "resnet20", "--classes", "2"}).out,
              HasSubstr("1.0 MiB of weights, at most 192 KiB of activations"));
}

TEST_F(InspectTest, LabelsAndPreparationOfTheFile) {
  EXPECT_THAT(run({"inspect", "rgb.onnx"}).out, HasSubstr("labels        none in the file\npreparation   none in the file\n"));
  ASSERT_EQ(run({"convert", "rgb.onnx", "-o", "all.onnx", "--labels", "rgb.txt", "--preprocess", "caffe"}).exit_code, 0);
  EXPECT_THAT(run({"inspect", "all.onnx"}).out,
              HasSubstr("labels        3: red, green, blue\npreparation   caffe: shorter side to 256"));
  const json model = json::parse(run({"inspect", "all.onnx", "--format", "json"}).out)["model"];
  EXPECT_EQ(model["labels"], json::parse(R"(["red", "green", "blue"])"));
  EXPECT_EQ(model["preprocessing"]["name"], "caffe");
  EXPECT_EQ(model["preprocessing"]["channel_order"], "bgr");
  EXPECT_TRUE(json::parse(run({"inspect", "rgb.onnx", "--format", "json"}).out)["model"]["preprocessing"].is_null());
}

TEST_F(InspectTest, TwoSideBySide) {
  const std::string text = run({"inspect", "resnet18", "resnet34"}).out;
  EXPECT_THAT(text, testing::ContainsRegex("parameters +11,689,512 +21,797,672 +1.865\n"));
  EXPECT_THAT(text, testing::ContainsRegex("layer1.1.conv2 +layer1.1.conv2 +Conv +Nx64x56x56 +Nx64x56x56 +36864 +36864"));
  EXPECT_THAT(text, testing::ContainsRegex(" +layer1.2.conv1 +Conv +Nx64x56x56 +36864 +115605504 +only B\n"));
  EXPECT_THAT(text, HasSubstr("running statistics"));
  const std::string csv = run({"inspect", "resnet18", "resnet34", "--format", "csv"}).out;
  EXPECT_THAT(csv.substr(0, csv.find('\n')), testing::EndsWith("macs B,difference"));
  const json both = json::parse(run({"inspect", "resnet18", "resnet34", "--format", "json"}).out);
  EXPECT_EQ(both["a"]["totals"]["parameters"], 11'689'512);
  EXPECT_EQ(both["b"]["totals"]["parameters"], 21'797'672);
  const std::string stages = run({"inspect", "resnet18", "-m", "resnet34", "--depth", "stage", "--format", "csv"}).out;
  EXPECT_THAT(stages, HasSubstr("\nconv2_x,conv2_x,stage,Nx64x56x56,Nx64x56x56,221952,147968,693633024,462422016,differs\n"));
  EXPECT_THAT(run({"inspect", "resnet18", "resnet34", "-o", "both.html"}).out, "");
  EXPECT_THAT(read("both.html"), HasSubstr("resnet18 and resnet34"));
}

TEST_F(InspectTest, ShortcutsAreArcsIntoAPlus) {
  const std::string dot = run({"inspect", "resnet18", "--format", "dot"}).out;
  // An identity from one plus to the next; a projection the same way, dashed; no line has a label.
  EXPECT_THAT(dot,
              HasSubstr("\"conv2_1 +\" -> \"conv2_2 +\" [tooltip=\"shortcut: identity\", weight=0, tailport=e, headport=e];"));
  EXPECT_THAT(dot, HasSubstr("\"conv2_2 +\" -> \"conv3_1 +\" [tooltip=\"shortcut: 1x1 conv, 128, /2\", style=dashed, weight=0"));
  for (std::size_t at = dot.find(" -> "); at != dot.npos; at = dot.find(" -> ", at + 1))
    EXPECT_THAT(dot.substr(at, dot.find('\n', at) - at), Not(HasSubstr("label")));
  EXPECT_THAT(run({"inspect", "resnet20", "--format", "dot"}).out,
              HasSubstr("[tooltip=\"shortcut: zero padding\", style=dashed"));
  EXPECT_THAT(run({"inspect", "plain20", "--format", "dot"}).out, Not(HasSubstr("tailport")));
}

TEST_F(InspectTest, ColumnsAndSorting) {
  const Finished sorted = run({"inspect", "resnet18", "--columns", "name,macs", "--sort", "macs", "--format", "csv"});
  EXPECT_THAT(sorted.out, StartsWith("name,macs\nconv1,118013952\nlayer1.0.conv1,115605504\n"));
  expect_refused(run({"inspect", "resnet18", "--columns", "name,flops"}), 2,
                 "--columns: 'flops' is not a column, expected name, op,");
  expect_refused(run({"inspect", "resnet18", "--sort", "size"}), 2, "--sort: 'size' is not a column");
}

TEST_F(InspectTest, TextFitsTheTerminal) {
  RunOptions terminal;
  terminal.terminal = true;
  terminal.environment["COLUMNS"] = "70";
  const std::string text = run({"inspect", "resnet50", "--depth", "layer", "-q"}, terminal).out;
  const std::size_t begin = text.find("layer1.0.conv1"), end = text.find('\n', begin);
  EXPECT_LE(text.substr(begin, end - begin).find_last_not_of(" \r\n") + 1, 70u);
}

TEST_F(InspectTest, WeightsOnRequest) {
  const std::string text = run({"inspect", "rgb.onnx", "--weights"}).out;
  EXPECT_THAT(text, HasSubstr("zeros"));
  const json weights = json::parse(run({"inspect", "rgb.onnx", "--weights", "--format", "json"}).out)["weights"];
  EXPECT_EQ(weights[0]["max"], 1.0);
  EXPECT_EQ(weights[0]["zeros"], 6);
  EXPECT_EQ(weights[0]["nan"], 0);
}

TEST_F(InspectTest, WhatIsNoResidualNetworkIsShownAllTheSame) {
  const Finished finished = run({"inspect", "rgb.onnx"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.out, HasSubstr("none of this family"));
  EXPECT_THAT(finished.out, HasSubstr("Gemm"));
  expect_refused(run({"inspect", "rgb.onnx", "--depth", "block"}), 4, "--depth layer shows what is there");
}

TEST_F(InspectTest, MistakesAreUsage) {
  expect_refused(run({"inspect"}), 2, "no model");
  expect_refused(run({"inspect", "resnet18", "resnet50", "resnet34"}), 2, "unexpected argument 'resnet34'");
  for (const char* format : {"dot", "svg"})
    expect_refused(run({"inspect", "resnet18", "resnet50", "--format", format}), 2, "is a picture of one model");
  expect_refused(run({"inspect", "resnet18", "resnet50", "--weights"}), 2, "--weights is of one model");
  for (const char* name : {"m.png", "m.pdf"}) {
    expect_refused(run({"inspect", "resnet18", "-o", name}), 2, "which is not written here; expected .txt, .json,");
    EXPECT_FALSE(std::filesystem::exists(folder() / name));
  }
  expect_refused(run({"inspect", "--paper", "resnet18"}), 2, "--paper takes no model");
  expect_refused(run({"inspect", "--paper", "--format", "svg"}), 2, "--paper is a table");
  expect_refused(run({"inspect", "missing.onnx"}), 3, "missing.onnx");
}

// The page as a browser shows it: its script has run, and its console is empty.
TEST_F(InspectTest, ThePageOpensInChromium) {
  if (!has_browser()) GTEST_SKIP() << "no chromium";
  ASSERT_EQ(run({"inspect", "resnet18", "-o", "page.html", "--weights"}).exit_code, 0);
  // Sorts by multiply-adds, twice (from the largest), and says what is on top.
  const Finished browser =
      browse("page.html",
             "const h = [...document.querySelectorAll('th')].find(t => t.textContent === 'macs'); h.click(); h.click();"
             "document.title = 'top: ' + h.closest('table').tBodies[0].rows[0].cells[0].textContent;");
  ASSERT_EQ(browser.exit_code, 0) << browser.err;
  EXPECT_THAT(browser.out, HasSubstr("<title>top: conv1</title>"));
  EXPECT_THAT(browser.out, HasSubstr("aria-sort=\"descending\""));
  EXPECT_THAT(browser.err, Not(HasSubstr("CONSOLE")));
}

TEST_F(InspectTest, SaysHowLayersAreQuantized) {
  RESNET_REQUIRE_ASSETS();
  const std::string model = (*assets() / "models/cifar10-resnet8-int8-qdq-op13.onnx").string();
  const Finished text = run({"inspect", model, "--quantization"});
  EXPECT_THAT(text.out, HasSubstr("\nquantization  "));
  EXPECT_THAT(text.out, HasSubstr("weight_scale_max"));
  const json found = json::parse(run({"inspect", model, "--quantization", "--format", "json"}).out);
  ASSERT_FALSE(found["quantization"].empty());
  EXPECT_GT(found["quantization"][0]["x_scale"].get<double>(), 0);
  EXPECT_FALSE(json::parse(run({"inspect", model, "--format", "json"}).out).contains("quantization"));
  EXPECT_THAT(run({"inspect", model, "--quantization", "--format", "csv"}).out, StartsWith("layer,op,x,x_scale,"));
  EXPECT_THAT(run({"inspect", model, "--quantization", "--format", "html"}).out, HasSubstr("Quantization"));
}

}  // namespace
}  // namespace resnet::test
