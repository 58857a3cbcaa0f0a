#include "cli/terminal/suggestions.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "cli/terminal/help.h"
#include "formats/table/text.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

struct Foreign {
  std::string_view words;  // without dashes, _ as -
  // The first of these (between |) that the command has: an option, perhaps with its value; "COMMAND:" before it: of that command
  // only. What does not begin with -- is said as it is.
  std::string_view ours;
};

constexpr std::string_view on_the_cpu =
    "networks run on the CPU: --threads says on how many of its cores, --isa with which instructions";

// What people type who come from PyTorch, timm, ultralytics, ONNX Runtime and their kin.
constexpr auto foreign_options = std::to_array<Foreign>({
    {"lr lr0 base-lr initial-lr init-lr", "--learning-rate"},
    {"lr-scheduler lr-schedule lr-policy scheduler sched cosine", "--schedule"},
    {"lr-steps lr-step-size step-size steps decay-epochs decay-milestones", "--milestones"},
    {"warmup-epochs warmup-iters warmup-runs lr-warmup-epochs warm-up num-warmup", "--warmup"},
    {"wd", "--weight-decay"},
    {"opt optim optimizer", "train learns by SGD with --momentum and --weight-decay"},
    {"n-epochs num-epochs max-epochs nb-epochs e", "--epochs"},
    {"smoothing", "--label-smoothing"},
    {"aug aa auto-augment augment transforms", "--augmentation"},
    {"freeze-backbone feature-extract linear-probe", "--freeze backbone"},
    {"save-every save-freq save-period log-interval log-every print-freq eval-every checkpoint-interval", "--every"},
    {"val valid val-dir val-data test-data eval-data",
     "train:--validation|photos, folders and data are arguments without an option"},
    {"batch batchsize bs b mini-batch mini-batch-size train-batch-size per-device-batch-size", "--batch-size"},
    {"top-k topk k top top-n topn num-top", "--topk"},
    {"n", "--topk|--iterations"},
    {"num-classes n-classes nb-classes nc", "--classes"},
    {"workers num-workers jobs j num-threads n-threads nthreads intra-op-num-threads cpus cores t", "--threads"},
    {"device devices gpu gpus gpu-id use-gpu no-gpu cuda use-cuda no-cuda cpu mps npu provider providers execution-provider "
     "tensorrt trt directml openvino",
     on_the_cpu},
    {"fp16 half float16 use-fp16", "--dtype fp16|networks compute in fp32; convert --dtype fp16 stores their weights in 16 bits"},
    {"bf16 bfloat16", "--dtype bf16|networks compute in fp32; convert --dtype bf16 stores their weights in 16 bits"},
    {"amp autocast mixed-precision precision dtype", "networks compute in fp32; convert --dtype stores their weights in 16 bits"},
    {"imgsz img-size image-size img size input-size resolution", "--size|--crop-size|--input-shape"},
    {"shape input-shapes shapes", "--input-shape"},
    {"resize-size val-resize-size", "--resize"},
    {"val-crop-size train-crop-size center-crop", "--size|--crop-size"},
    {"tta ten-crop tencrop", "--crop ten"},
    {"interp interpolation-mode resample", "--interpolation"},
    {"bgr", "--channel-order bgr"},
    {"rgb swap-rb reverse-input-channels", "--channel-order rgb"},
    {"pretrained finetune fine-tune weights", "train:--init|--model"},
    {"arch net network backbone model-path model-file model-name onnx", "--model|the network is an argument without an option"},
    {"input inputs source images image img-path data dataset data-dir data-path root i",
     "photos, folders and data are arguments without an option"},
    {"out outfile out-file output-file output-path output-dir save save-path save-dir dest project", "--output"},
    {"names label class-names classnames class-labels classes-file label-file labels-file synset", "--labels"},
    {"conf confidence conf-thres conf-threshold min-conf threshold thresh score-threshold score-thresh", "--min-probability"},
    {"features feature embeddings embedding", "--output-type features"},
    {"logits", "--output-type logit"},
    {"softmax probs probabilities", "--output-type probability"},
    {"gradcam grad-cam heatmap", "--cam"},
    {"html", "--format html|--report"},
    {"json", "--format json"},
    {"jsonl ndjson", "--format jsonl"},
    {"csv", "--format csv"},
    {"runs num-runs repeat repeats reps loops iters iter num-iterations max-iter max-steps r", "--iterations"},
    {"seconds time min-time", "--duration"},
    {"opset-version target-opset", "--opset"},
    {"fuse fuse-bn fold fold-bn fold-batchnorm fuse-conv-bn", "--fold-batch-norm"},
    {"sim optimize optimise simplified onnxsim", "--simplify"},
    {"dynamic dynamic-axes dynamic-batch-size", "--dynamic-batch"},
    {"no-weights skip-weights", "--strip-weights"},
    {"int8 quantize quantized", "quantized networks are read and run as they are"},
    {"tol tolerance abs-tol eps", "--tolerance|--atol"},
    {"rel-tol", "--rtol"},
    {"manual-seed random-seed rng-seed", "--seed"},
    {"overwrite yes y", "--force|outputs are replaced without asking"},
    {"debug trace", "--verbose"},
    {"silent", "--quiet"},
    {"no-progress no-bar disable-progress", "--progress off"},
    {"cfg config-file c", "--config"},
    {"recurse R", "--recursive"},
});

constexpr auto foreign_commands = std::to_array<Foreign>({
    {"classify infer inference run detect recognize recognise label", "predict"},
    {"eval val test accuracy score", "evaluate"},
    {"export onnx simplify optimize quantize fold", "convert"},
    {"info show summary describe print view visualize plot-model netron", "inspect"},
    {"check verify lint", "validate"},
    {"benchmark perf profile time", "bench"},
    {"diff cmp", "compare"},
    {"fit finetune fine-tune learn", "train"},
    {"create new init make", "build"},
    {"join combine", "merge"},
    {"plot draw", "curves"},
    {"operators opset", "ops"},
});

bool holds_word(std::string_view words, std::string_view word) {
  const auto all = split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

// "--top_k", "-topk" and "-n5" as the table has them.
std::string plain(const std::string& word) {
  std::string result = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  std::replace(result.begin(), result.end(), '_', '-');
  if (!word.starts_with("--") && result.size() > 1 && result.find_first_not_of("0123456789.", 1) == std::string::npos)
    result.resize(1);
  return result;
}

const CLI::Option* find_option(const CLI::App& command, const std::string& name) {
  for (const CLI::App* level = &command; level != nullptr; level = level->get_parent()) {
    if (const CLI::Option* option = level->get_option_no_throw(name); option != nullptr && option->nonpositional()) return option;
  }
  return nullptr;
}

// Whether the command has it, and takes the value that may follow.
bool has(const CLI::App& command, const std::string& option_and_value) {
  const std::size_t space = option_and_value.find(' ');
  const CLI::Option* option = find_option(command, option_and_value.substr(0, space));
  if (option == nullptr || space == std::string::npos) return option != nullptr;
  const auto values = split(option->get_type_name(), '|');
  return std::find(values.begin(), values.end(), option_and_value.substr(space + 1)) != values.end();
}

std::string did_you_mean(const std::string& what) { return what.empty() ? "" : fmt::format(", did you mean '{}'?", what); }

// "build and convert": the commands that have the option.
std::string commands_with(const CLI::App& program, const std::string& name) {
  std::vector<std::string> commands;
  for (const CLI::App* command : visible_commands(program)) {
    if (command->get_option_no_throw(name) != nullptr) commands.push_back(command->get_name());
  }
  std::string list;
  for (std::size_t i = 0; i < commands.size(); ++i)
    list += (i == 0 ? "" : i + 1 == commands.size() ? " and " : ", ") + commands[i];
  return list;
}

std::string translate(const CLI::App& program, const CLI::App& command, const Foreign& foreign) {
  std::string elsewhere;
  for (std::string candidate : split(foreign.ours, '|')) {
    if (!candidate.starts_with("--")) {
      const std::size_t colon = candidate.find(":--");
      if (colon == std::string::npos) return ": " + candidate;
      if (candidate.substr(0, colon) != command.get_name()) continue;
      candidate.erase(0, colon + 1);
    }
    if (has(command, candidate)) return did_you_mean(candidate);
    const std::string name = candidate.substr(0, candidate.find(' ')), others = commands_with(program, name);
    if (find_option(command, name) != nullptr) return did_you_mean(name);  // with another value
    if (elsewhere.empty() && !others.empty()) elsewhere = fmt::format("; {} is an option of {}", name, others);
  }
  return elsewhere;
}

}  // namespace

std::string suggest_option(const CLI::App& program, const CLI::App& command, const std::string& word) {
  const std::string name = plain(word);
  if (name.empty()) return "";
  if (name.size() > 1 && has(command, "--" + name)) return did_you_mean("--" + name);
  for (const Foreign& foreign : foreign_options) {
    if (!holds_word(foreign.words, name)) continue;
    if (const std::string translated = translate(program, command, foreign); !translated.empty()) return translated;
  }
  if (name.size() > 1) {
    if (const std::string others = commands_with(program, "--" + name); !others.empty())
      return ", which is an option of " + others;
  }
  std::vector<std::string> known;
  for (const CLI::App* level = &command; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& long_name : option->get_lnames()) known.push_back(long_name);
    }
  }
  const std::string nearest = name.size() < 3 ? "" : table::nearest(name, known);
  return did_you_mean(nearest.empty() ? "" : "--" + nearest);
}

std::string suggest_command(const CLI::App& program, const std::string& word) {
  for (const Foreign& foreign : foreign_commands) {
    if (holds_word(foreign.words, word)) return did_you_mean(std::string(foreign.ours));
  }
  std::vector<std::string> names;
  for (const CLI::App* command : visible_commands(program)) names.push_back(command->get_name());
  return did_you_mean(table::nearest(word, names));
}

}  // namespace resnet::cli
