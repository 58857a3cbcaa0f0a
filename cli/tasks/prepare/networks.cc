#include "cli/tasks/prepare/networks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "cli/tasks/named.h"
#include "cli/tasks/open/runnable.h"
#include "formats/labels/labels.h"
#include "formats/npy/npy.h"
#include "formats/table/text.h"
#include "lib/analysis/cost.h"
#include "lib/analysis/layers.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/classify/as_classifier.h"
#include "lib/classify/head.h"
#include "lib/passes/passes.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr int largest_scale = 100'000;

// The side of the images that a network was made for, where it is open.
std::int64_t own_side(const Network& network) {
  return network.preprocessing.preprocessing.crop_size.value_or(network.input.height.value_or(224));
}

// One name per class, or none at all.
std::vector<std::string> choose_labels(const std::string& asked, const Model& model, const ImageInput& input,
                                       std::optional<std::int64_t> classes, Observer& observer) {
  const auto fits = [classes](const std::vector<std::string>& labels) {
    return !classes || *classes == static_cast<std::int64_t>(labels.size());
  };
  if (!asked.empty()) return load_labels(asked, classes);
  if (!model.labels.empty()) {
    if (fits(model.labels)) return model.labels;
    observer.warning(
        fmt::format("the model's own {} labels do not fit its {} classes and are left out", model.labels.size(), *classes));
    return {};
  }
  if (classes == 1000) return labels::find("imagenet1k").value();
  if (classes == 1001) {
    observer.warning("1001 classes: assuming background followed by imagenet1k; override with --labels");
    std::vector<std::string> labels = labels::find("imagenet1k").value();
    labels.insert(labels.begin(), "background");
    return labels;
  }
  if (classes == 10 && input.height == 32 && input.width == 32) return labels::find("cifar10").value();
  return {};
}

// Of one image; nothing where a size is open that the network does not fix.
analysis::Cost cost_of(const Graph& graph) {
  try {
    return analysis::total(analysis::costs_of(analysis::at_batch(graph, 1)));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

std::vector<std::string> load_labels(const std::string& asked, std::optional<std::int64_t> classes) {
  std::vector<std::string> labels = labels::load(asked);
  const auto count = static_cast<std::int64_t>(labels.size());
  if (!classes || *classes == count) return labels;
  std::string hint;
  if (*classes == count + 1) hint = "; the model's first class may be a background class, which the list lacks";
  if (*classes == count - 1) hint = "; the list may begin with a background class, which the model lacks";
  throw Error(Fault::invalid,
              fmt::format("{}: {} labels for a model of {} classes{}", asked, count, *classes, count >= 1000 ? hint : ""));
}

std::vector<int> parse_scales(const std::string& text) {
  std::vector<int> scales;
  if (text.empty()) return scales;
  for (const std::string& word : split(text, ',')) {
    const auto scale = parse_integer(word);
    if (!scale || *scale < 1 || *scale > largest_scale) {
      throw Error(Fault::invalid,
                  fmt::format("--scales: expected lengths in pixels such as 224,256,384,480,640, got '{}'", text));
    }
    scales.push_back(static_cast<int>(*scale));
  }
  return scales;
}

namespace {

// A batch whose images would change each other's answers is refused, or not made.
void choose_batch(Network& network, const NetworkOptions& options, Observer& observer) {
  using Kind = analysis::BatchMixing::Kind;
  std::optional<analysis::BatchMixing> mixing;
  named(network.name, [&] {
    try {
      mixing = check_batch(network.graph);
    } catch (const Error& error) {
      ImageInput single = network.input;
      single.batch = 1;
      throw Error(error.fault(), fmt::format("{}; --input-shape {} may make it one", error.problem(), single.to_string()));
    }
  });
  if (!mixing) return;
  network.alone = !network.input.batch;
  if (mixing->kind == Kind::fixed) {
    const auto batch = static_cast<std::int64_t>(options.batch_size);
    return refuse_batch(network.graph, batch, fmt::format("--batch-size {}", batch), network.name);
  }
  if (!network.alone) {
    observer.warning(fmt::format("{}: the answer for a photo may depend on the others of its fixed batch of {}: {}", network.name,
                                 *network.input.batch, mixing->to_string()));
  } else if (mixing->kind == Kind::mixed || options.batch_size > 1) {
    observer.note(fmt::format("{}: photos are run one at a time, for in a batch the answer for one {} depend on the others: {}",
                              network.name, mixing->kind == Kind::unknown ? "may" : "would", mixing->to_string()));
  }
}

}  // namespace

void describe_network(Network& network, const NetworkOptions& options, Observer& observer) {
  named(network.name, [&] {
    network.input = find_image_input(network.graph);
    network.scores = find_score_output(network.graph);
  });
  choose_batch(network, options, observer);
  network.labels = choose_labels(options.labels, network.source, network.input, network.scores.classes, observer);
  network.preprocessing = named_if_its_own(network.name, [&] {
    return choose_preprocessing(options.preprocess, network.source, network.input, network.scores.classes);
  });
}

namespace {

// Whether all weights are finite numbers. What is not may vanish in an activation and leave an answer that looks like one.
bool warn_of_weights(const Graph& graph, const std::string& name, Observer& observer) {
  const std::vector<analysis::NotFinite> found = analysis::weights_not_finite(graph);
  if (found.empty()) return true;
  observer.warning(fmt::format(
      "{}: the weights '{}' hold {} values that are not finite (NaN or infinite){}: its answers mean nothing", name,
      found.front().name, found.front().count, found.size() > 1 ? fmt::format(", and {} others do, too", found.size() - 1) : ""));
  return false;
}

std::vector<std::string> names_of_values(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    for (const Value& value : node.outputs) {
      if (!holds_alternative<Constant>(node.op) && !value.name.empty()) names.push_back(value.name);
    }
  }
  return names;
}

// With one output, the scores, or with the one that is asked for.
Graph as_asked(const Graph& graph, const NetworkOptions& options) {
  try {
    return options.vector ? as_extractor(graph, options.output_name) : as_classifier(graph, options.output_name);
  } catch (const Error& error) {
    if (error.fault() == Fault::invalid && !options.output_name.empty()) {
      throw Error(Fault::invalid, fmt::format("--output-name: {}, or another value in it: {}", error.problem(),
                                              table::nearest_text(options.output_name, names_of_values(graph))));
    }
    if (error.fault() != Fault::unsupported) throw;
    throw Error(error.fault(), error.problem() + (options.output_name.empty() ? "; --output-name says which"
                                                                              : "; --output-type vector -o FILE.npy writes it"));
  }
}

// For crops of another size than the file declares, where nothing in the graph depends on that size: then it is the size that the
// network was exported at, and not one that it needs.
Graph at_crop_size(const Graph& graph, const NetworkOptions& options) {
  const std::optional<std::int64_t> side = parse_integer(options.preprocess.crop_size);
  if (!side || *side < 1 || *side > largest_side || !options.arch.input_shape.empty()) return graph;
  const ImageInput input = find_image_input(graph);
  if ((!input.height || *input.height == *side) && (!input.width || *input.width == *side)) return graph;
  try {
    return with_image_size(graph, *side);
  } catch (const Error&) {
    return graph;  // it needs its own size, which is said where the crop does not fit
  }
}

}  // namespace

Network load_network(const std::string& name, const NetworkOptions& options, Observer& observer) {
  Source source(name);
  return load_network(source, options, observer);
}

Network load_network(const Source& source, const NetworkOptions& options, Observer& observer) {
  const std::string& name = source.name();
  LoadedModel loaded = load_model(source, options.arch, observer);
  Network network;
  network.name = name;
  network.untrained = loaded.spec.has_value();
  network.is_extractor = options.vector;
  network.finite = warn_of_weights(loaded.model.graph, name, observer);
  named(name, [&] {
    loaded.model.graph = as_asked(loaded.model.graph, options);
    find_image_input(loaded.model.graph);  // refuses what takes no images, before the work
    network.not_scores = what_but_scores(loaded.model.graph);
    loaded.model.graph = at_crop_size(loaded.model.graph, options);
    // As it is run, but for what a plan makes of quantized weights: folding reveals shapes that the file leaves open.
    PassLog log;
    const analysis::Cost cost = cost_of(loaded.model.graph);
    network.parameters = cost.parameters;
    network.macs = cost.macs;
    network.graph = optimize_to_plan(loaded.model.graph, log);
    refuse_what_cannot_run(network.graph, loaded.model.graph, name);
    loaded.model.graph = {};
    find_score_output(network.graph);
  });
  network.source = std::move(loaded.model);
  describe_network(network, options, observer);
  return network;
}

xnnpack::Job job_of(const Network& network, const NetworkOptions& options, const ViewOptions& views,
                    std::optional<std::size_t> photos) {
  xnnpack::Job job;
  job.convolutions = options.convolution;
  job.batch = network.alone ? 1 : static_cast<std::int64_t>(options.batch_size);
  if (photos) {
    const std::size_t images = *photos * views_per_photo(views);
    // Rounded up: jobs of about as many are made ready in the same way.
    job.images =
        static_cast<std::int64_t>(std::bit_ceil(std::clamp<std::size_t>(images, 1, static_cast<std::size_t>(job.images))));
  }
  // The largest scale, which takes the most time; a photo is about as high as wide.
  const Preprocessing& preprocessing = network.preprocessing.preprocessing;
  std::int64_t side = own_side(network);
  if (views.crop == Crop::full && !views.scales.empty()) side = *std::max_element(views.scales.begin(), views.scales.end());
  if (views.crop == Crop::full && views.scales.empty()) side = preprocessing.resize.value_or(static_cast<int>(side));
  const std::int64_t height = network.input.height.value_or(side), width = network.input.width.value_or(side);
  const std::int64_t batch = network.input.batch.value_or(job.batch);  // another than the file's own may not fit it
  job.input_shapes = {network.input.shape(batch, height, width)};
  return job;
}

namespace {

// The shorter side of a photo that is shown as a whole. Throws Error(invalid) where the last map of one is smaller than the
// network's own, over which it takes the mean: with the least scale that is large enough.
void check_scales(const Network& network, const Graph& full, std::span<const int> scales) {
  const auto fits = [&](std::int64_t side) {
    Fact input = full.fact(full.inputs()[0]);
    const Shape shape = network.input.shape(1, side, side);
    input.dims = Dims(shape.dims().begin(), shape.dims().end());
    try {
      with_input_facts(full, std::span<const Fact>(&input, 1));
      return true;
    } catch (const Error& error) {
      if (error.fault() == Fault::internal) throw;
      return false;
    }
  };
  for (const int scale : scales) {
    if (fits(scale)) continue;
    std::int64_t below = scale, least = own_side(network);
    while (least - below > 1) {
      const std::int64_t middle = (below + least) / 2;
      (fits(middle) ? least : below) = middle;
    }
    throw Error(Fault::invalid,
                fmt::format("--scales {}: is too small for --crop full, which takes means over the last map of a photo of {}; "
                            "expected {} or more",
                            scale, own_side(network), least));
  }
}

}  // namespace

Member make_member(const Network& network, Graph graph, Crop crop, xnnpack::Job job, ThreadPool& pool, bool with_head,
                   std::span<const int> scales) {
  return named(network.name, [&] {
    if (crop == Crop::full) {
      graph = fully_convolutional(graph, own_side(network));
      check_scales(network, graph, scales);
    }
    analysis::refuse_growth(graph, job.input_shapes);
    Member member;
    member.name = network.name;
    member.preprocessing = network.preprocessing.preprocessing;
    if (network.is_extractor) member.features_output = 1;
    if (with_head) {
      member.class_weights = find_head(graph, own_side(network)).weights;
      member.features_output = graph.outputs().size();
      member.map_output = graph.outputs().size() + 1;
      graph = with_head_outputs(graph, own_side(network));
    }
    member.plan = xnnpack::Plan::make(std::move(graph), {.job = std::move(job), .pool = &pool});
    return member;
  });
}

void check_single_view(const std::string& option, const ViewOptions& views, std::size_t models) {
  if (models == 1 && views.crop == Crop::center && views.scales.size() <= 1) return;
  throw Error(Fault::invalid,
              fmt::format("{} is of one network and one view, expected one model, --crop center and one scale", option));
}

void tell_preprocessing(const Network& network, const ViewOptions& views, bool alone, Observer& observer) {
  const std::string of = alone ? "" : network.name + ": ";
  std::string shown = describe(network.preprocessing.preprocessing);
  if (views.crop == Crop::ten) shown += ", ten crops";
  if (views.crop == Crop::full) shown += ", not cropped but shown as a whole, with its mirror image";
  if (!views.scales.empty()) shown += fmt::format(", at {}", fmt::join(views.scales, ","));
  if (network.preprocessing.guessed_by.empty() || network.untrained) {
    observer.note(of + "preprocessing " + shown);
  } else {
    observer.warning(of + describe_guess(network.preprocessing.guessed_by, shown));
  }
}

ClassifierOptions classifier_options(const NetworkOptions& options, const ViewOptions& views, const TaskContext& context) {
  ClassifierOptions classify;
  classify.batch_size = options.batch_size;
  classify.decode_threads = context.threads.decoding();
  classify.stop = context.stop;
  classify.max_pixels = options.max_pixels;
  classify.views = views;
  classify.keep_views = !options.report.empty() || !options.cam.empty();
  classify.average = options.average;
  classify.load_tensor = [](const fs::path& file) {
    return file.extension() == ".npy" ? std::optional(npy::read(file)) : std::nullopt;
  };
  return classify;
}

}  // namespace resnet::cli
