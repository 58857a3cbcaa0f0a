// Figures 3 to 7: networks as Graphviz draws them, curves and responses as charts.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/inspect/inspect.h"
#include "cli/tasks/paper/paper.h"
#include "cli/tasks/train/curves.h"
#include "cli/tasks/train/files.h"
#include "formats/chart/responses.h"
#include "formats/graphviz/render.h"
#include "lib/arch/spec.h"

namespace resnet::cli {

namespace {

using graphviz::Role;

// The runs of ImageNet's networks, or all others.
std::vector<NamedRun> runs_of(const Measured& measured, bool imagenet) {
  std::vector<NamedRun> runs;
  for (const MeasuredRun& run : measured.runs) {
    const auto spec = arch::find_spec(run.run.first);
    if ((spec && spec->stem != arch::Stem::cifar) == imagenet) runs.push_back(run.run);
  }
  return runs;
}

std::vector<std::string> curves_of(const Measured& measured, bool imagenet, const std::string& title) {
  // Several runs of one name are their mean.
  std::vector<std::pair<std::string, std::vector<std::vector<train::Row>>>> groups;
  for (NamedRun& run : runs_of(measured, imagenet)) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& known) { return known.first == run.first; });
    if (group == groups.end()) group = groups.insert(groups.end(), {run.first, {}});
    group->second.push_back(std::move(run.second));
  }
  if (groups.empty()) return {};
  std::vector<Curve> curves;
  for (const auto& [name, runs] : groups) curves.push_back(curve_of(name, runs));
  return {error_curves(curves, title)};
}

std::vector<std::string> networks(const TaskContext& context) {
  std::vector<std::string> svgs;
  for (const char* network : {"vgg19", "plain34", "resnet34"}) {
    InspectRequest request;
    request.model = network;
    request.depth = Depth::block;
    const Inspection inspection = inspect(request, context);
    svgs.push_back(graphviz::to_svg(diagram_of(inspection, Depth::block)));
    context.stop.check();
  }
  return svgs;
}

// A residual block from its layers.
std::string block(const std::string& title, const std::string& input, const std::vector<std::string>& layers) {
  graphviz::Diagram diagram;
  diagram.title = {title};
  diagram.boxes.push_back({"x", {"x, " + input}, Role::input, "", ""});
  std::string before = "x";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string id = fmt::format("layer{}", i);
    diagram.boxes.push_back(
        {id, {layers[i], i + 1 < layers.size() ? "batch norm, relu" : "batch norm"}, Role::convolution, "", ""});
    diagram.arrows.push_back({before, id, "", false, false});
    before = id;
  }
  diagram.boxes.push_back({"+", {"+"}, Role::addition, "", "", true});
  diagram.boxes.push_back({"relu", {"relu"}, Role::activation, "", ""});
  diagram.arrows.push_back({before, "+", "F(x)", false, false});
  diagram.arrows.push_back({"x", "+", "identity", false, true});
  diagram.arrows.push_back({"+", "relu", "", false, false});
  return graphviz::to_svg(diagram);
}

std::vector<std::string> blocks() {
  return {block("basic block (ResNet-34)", "64-d", {"3x3, 64", "3x3, 64"}),
          block("bottleneck (ResNet-50, 101, 152)", "256-d", {"1x1, 64", "3x3, 64", "1x1, 256"})};
}

std::vector<std::string> responses_of(const Measured& measured) {
  if (measured.responses.empty()) return {};
  std::vector<chart::Responses> all;
  for (const MeasuredResponses& one : measured.responses) all.push_back({one.model, one.deviations, one.plain});
  return {chart::responses_svg(all)};
}

}  // namespace

std::vector<PaperPictureLine> picture_lines(const Measured& measured) {
  return {
      {"Figure 3", "VGG-19, plain-34 and ResNet-34", "resnet-cli inspect resnet34 --depth block -o resnet34.svg", false},
      {"Figure 4", "errors over iterations, ImageNet", "resnet-cli curves plain34.csv resnet34.csv -o figure4.svg",
       runs_of(measured, true).empty()},
      {"Figure 5", "the two kinds of residual block", "resnet-cli inspect resnet50 --depth block -o resnet50.svg", false},
      {"Figure 6", "errors over iterations, CIFAR-10", "resnet-cli curves plain20.csv resnet20.csv resnet56.csv -o figure6.svg",
       runs_of(measured, false).empty()},
      {"Figure 7", "standard deviations of layer responses",
       "resnet-cli responses plain20.onnx resnet20.onnx resnet56.onnx cifar10/test -r -o responses.json",
       measured.responses.empty()},
  };
}

std::vector<PaperPicture> paper_pictures(const Measured& measured, const TaskContext& context) {
  std::vector<PaperPicture> pictures;
  for (const PaperPictureLine& line : picture_lines(measured)) pictures.push_back({line.name, line.title, {}, line.command});
  pictures[0].svgs = networks(context);
  pictures[1].svgs = curves_of(measured, true, pictures[1].title);
  pictures[2].svgs = blocks();
  pictures[3].svgs = curves_of(measured, false, pictures[3].title);
  pictures[4].svgs = responses_of(measured);
  return pictures;
}

}  // namespace resnet::cli
