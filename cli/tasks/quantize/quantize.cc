#include "cli/tasks/quantize/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/runnable.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/quantize/check.h"
#include "cli/tasks/quantize/photos.h"
#include "cli/tasks/quantize/runs.h"
#include "formats/native/native.h"
#include "formats/onnx/write.h"
#include "formats/table/text.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/classify/as_classifier.h"
#include "lib/measure/signal_to_noise.h"
#include "lib/quantize/calibration.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Fewer say little of what a network meets.
constexpr std::size_t few_photos = 8;
// That layers are judged by.
constexpr std::size_t most_samples = 16;

std::set<NodeId> nodes_of(const Graph& graph, const std::vector<std::string>& patterns) {
  std::set<NodeId> nodes;
  for (const std::string& pattern : patterns) {
    const std::vector<NodeId> found = quantize::find_nodes(graph, pattern);
    if (found.empty()) {
      std::vector<std::string> known;
      for (const Node& node : graph.nodes()) {
        if (!holds_alternative<Constant>(node.op) && !holds_alternative<Input>(node.op)) known.push_back(resnet::name_of(node));
      }
      throw Error(Fault::invalid, fmt::format("--exclude: the network has no node '{}' once it is folded; {}", pattern,
                                              table::nearest_text(pattern, known)));
    }
    nodes.insert(found.begin(), found.end());
  }
  return nodes;
}

struct Opened {
  Model model;  // its graph is ready to be quantized
  Network network;
};

Opened open_model(const QuantizeRequest& request, const TaskContext& context) {
  const std::string& name = request.model;
  Source source(name);
  LoadedModel loaded = load_model(source, request.network.arch, context.observer);
  context.stop.check();
  for (const std::string& file : loaded.model.data_files) context.before_reading(fs::path(name).parent_path() / file);
  Opened opened;
  opened.network.name = name;
  opened.network.untrained = loaded.spec.has_value();
  named(name, [&] {
    PassLog log;
    Graph ready = quantize::prepare(loaded.model.graph, log);
    refuse_what_cannot_run(ready, loaded.model.graph, name);
    opened.network.graph = as_classifier(ready, request.network.output_name);
    loaded.model.graph = std::move(ready);
  });
  opened.network.source = loaded.model;
  opened.network.source.graph = {};
  describe_network(opened.network, request.network, context.observer);
  opened.network.graph = {};
  opened.model = std::move(loaded.model);
  return opened;
}

}  // namespace

class QuantizeTask::Run {
 public:
  Run(const QuantizeRequest& request, const TaskContext& context)
      : request_(request),
        context_(context),
        opened_(open_model(request, context)),
        scheme_(opened_.model.graph, request.activations, nodes_of(opened_.model.graph, request.excluded)),
        photos_(request.photos, request.most_photos, opened_.network, request.network, context),
        pool_(context.threads.asked, context.threads.at_once),
        calibration_(scheme_) {
    result_.layers = quantize::Scheme(opened_.model.graph, request.activations, {}).layers().size();
    if (scheme_.layers().empty()) {
      throw Error(Fault::unsupported, Frame::file(Role::model, request.model),
                  result_.layers == 0 ? "has no convolution or product with constant weights, and so nothing to quantize"
                                      : "--exclude leaves nothing to quantize");
    }
    tell_preprocessing(opened_.network, {}, true, context.observer);
  }

  QuantizeResult run() {
    calibrate();
    std::vector<std::string> notes;
    parameters_ = calibration_.parameters(request_.method, request_.percentile, notes);
    for (const std::string& note : notes) context_.observer.warning(fmt::format("{}: {}", request_.model, note));
    if (request_.choose_layers) choose_layers();
    write();
    if (!request_.check.empty()) {
      measure_noise();
      result_.check = check_networks(request_, context_);
    }
    result_.failed = photos_.failed();
    return std::move(result_);
  }

 private:
  const Graph& graph() const { return scheme_.graph(); }
  const std::string& name_of(ValueId value) const { return graph().value(value).name; }

  std::unique_ptr<Runner> make_runner(const Graph& graph, std::span<const std::string> shown) {
    return named(request_.model,
                 [&] { return std::make_unique<Runner>(graph, opened_.network, request_.network, shown, pool_); });
  }

  void calibrate() {
    std::vector<std::string> names;
    for (const ValueId value : calibration_.values()) names.push_back(name_of(value));
    const auto runner = make_runner(graph(), names);
    photos_.for_each(runner->batch_size(), "photos", [&](std::span<const PreparedImage> images, std::span<const PhotoPlace>) {
      named(request_.model, [&] {
        runner->run(images);
        pool_.parallel_for(names.size(), 1, [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) calibration_.add(i, runner->shown(i), images.size());
        });
      });
      result_.photos += images.size();
      for (const PreparedImage& image : images) {
        if (samples_.size() < most_samples) samples_.push_back(image);
      }
    });
    if (result_.photos == 0) throw Error(Fault::unreadable, Frame::file(Role::input), "no photo could be read to calibrate with");
    if (result_.photos < few_photos) {
      context_.observer.note(fmt::format("calibrated with {}; some hundreds show better what values the network has",
                                         counted(result_.photos, "photo")));
    }
  }

  quantize::Rewritten rewritten(quantize::Form form, std::set<NodeId> kept, std::vector<ValueId> shown = {}) const {
    return quantize::rewrite(
        scheme_, calibration_, parameters_,
        {.form = form, .bias_correction = request_.bias_correction, .kept = std::move(kept), .shown = std::move(shown)});
  }

  // Calls take() for the sample photos, in batches of one size that the runner takes.
  template <typename Take>
  void for_samples(std::size_t most, const Take& take) {
    for (std::size_t begin = 0; begin < samples_.size();) {
      std::size_t end = begin + 1;
      while (end < samples_.size() && end - begin < most && have_same_size(samples_[begin], samples_[end])) ++end;
      context_.stop.check();
      take(std::span<const PreparedImage>(samples_).subspan(begin, end - begin));
      begin = end;
    }
  }

  LayerNoise noise_of(NodeId layer, const SignalToNoise& noise) const {
    const Node& node = graph().node(layer);
    return {resnet::name_of(node), std::string(type_of(node.op)), noise.decibels()};
  }

  // ---- which layers stay in floats ----

  // The noise in the scores where one layer alone is quantized.
  std::vector<std::pair<NodeId, LayerNoise>> sensitivities() {
    const std::vector<NodeId> layers = scheme_.layers();
    const auto floats = make_runner(graph(), {});
    std::vector<std::vector<float>> expected;
    for_samples(floats->batch_size(), [&](auto images) { expected.push_back(floats->run(images).values); });
    std::vector<std::pair<NodeId, LayerNoise>> found;
    Progress progress(context_.observer, "layers");
    for (const NodeId layer : layers) {
      std::set<NodeId> others(layers.begin(), layers.end());
      others.erase(layer);
      const auto runner = make_runner(rewritten(quantize::Form::qdq, std::move(others)).graph, {});
      SignalToNoise noise;
      std::size_t batch = 0;
      for_samples(runner->batch_size(), [&](auto images) { noise.add(expected[batch++], runner->run(images).values); });
      found.emplace_back(layer, noise_of(layer, noise));
      progress.update(found.size(), layers.size());
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.second.decibels < b.second.decibels; });
    return found;
  }

  // What is lost against the network in floats, in points: of top-1 where classes are known, else of agreement.
  class Loss {
   public:
    Loss(Run& run) : run_(run) {
      if (run.request_.check.empty()) {
        photos_ = &run.photos_;
      } else {
        const Network& network = run.opened_.network;
        const Dataset data =
            load_dataset({.data = run.request_.check}, network.labels, network.scores.classes.value_or(1), run.context_.stop);
        std::vector<fs::path> files;
        for (const Sample& sample : data.samples) {
          run.context_.before_reading(sample.file);
          files.push_back(sample.file);
          truths_.push_back(sample.truths);
        }
        own_.emplace(std::move(files), network, run.request_.network, run.context_);
        photos_ = &*own_;
      }
      const auto floats = run.make_runner(run.graph(), {});
      floats_ = answers_of(*floats, *photos_, "photos in floats");
      if (floats_.classes.empty()) throw Error(Fault::unreadable, Frame::file(Role::input), "no photo of --check could be read");
    }

    double of(const Graph& graph) {
      const auto runner = run_.make_runner(graph, {});
      const Answers answers = answers_of(*runner, *photos_, "photos in integers");
      std::int64_t lost = 0;
      for (std::size_t i = 0; i < answers.classes.size(); ++i) lost += right(floats_, i) - right(answers, i);
      return 100.0 * static_cast<double>(lost) / static_cast<double>(answers.classes.size());
    }

   private:
    // Against the truth, or against the answer in floats.
    int right(const Answers& answers, std::size_t i) const {
      const PhotoPlace place = answers.places[i];
      const std::int64_t truth = truths_.empty() ? floats_.classes[i] : truths_[place.file].at(place.position);
      return answers.classes[i] == truth ? 1 : 0;
    }

    Run& run_;
    std::optional<Photos> own_;
    Photos* photos_;
    std::vector<std::vector<std::int64_t>> truths_;
    Answers floats_;
  };

  void choose_layers() {
    Loss loss(*this);
    std::vector<std::pair<NodeId, LayerNoise>> ranked;
    const auto kept = [&](std::size_t count) {
      std::set<NodeId> nodes;
      for (std::size_t i = 0; i < count; ++i) nodes.insert(ranked[i].first);
      return nodes;
    };
    std::map<std::size_t, double> lost;  // by how many are left in floats
    const auto is_enough = [&](std::size_t count) {
      lost[count] = count > 0 && count == ranked.size() ? 0 : loss.of(rewritten(quantize::Form::qdq, kept(count)).graph);
      context_.observer.detail(fmt::format("with {} in floats {:.2f} points are lost", counted(count, "layer"), lost[count]));
      return lost[count] <= request_.most_loss;
    };
    std::size_t enough = 0;
    if (!is_enough(0)) {
      ranked = sensitivities();
      std::size_t too_few = 0;
      enough = std::min<std::size_t>(1, ranked.size());
      while (!is_enough(enough)) {
        too_few = enough;
        enough = std::min(2 * enough, ranked.size());
      }
      while (enough - too_few > 1) {
        const std::size_t middle = too_few + (enough - too_few) / 2;
        (is_enough(middle) ? enough : too_few) = middle;
      }
    }
    kept_ = kept(enough);
    result_.loss = lost.at(enough);
    for (std::size_t i = 0; i < enough; ++i) result_.chosen.push_back(ranked[i].second);
  }

  // ---- the file ----

  void write() {
    context_.stop.check();
    quantize::Rewritten made = named(request_.model, [&] { return rewritten(request_.form, kept_); });
    for (const std::string& line : made.enlarged) context_.observer.warning(fmt::format("{}: {}", request_.model, line));
    result_.quantized = made.layers;
    Model model = opened_.model;
    model.graph = std::move(made.graph);
    model.data_files.clear();
    if (!request_.network.labels.empty()) model.labels = opened_.network.labels;
    if (opened_.network.preprocessing.guessed_by.empty()) model.preprocessing = opened_.network.preprocessing.preprocessing;
    if (request_.native) {
      native::write(model, request_.output);
    } else {
      onnx::write(model, request_.output, {.opset = request_.opset});
    }
    std::error_code ignored;
    result_.bytes = fs::file_size(request_.output, ignored);
  }

  void measure_noise() {
    std::vector<NodeId> layers;
    std::vector<ValueId> values;
    std::vector<std::string> names;
    for (const NodeId layer : scheme_.layers()) {
      if (kept_.contains(layer)) continue;
      layers.push_back(layer);
      values.push_back(scheme_.result_of(layer));
      names.push_back(name_of(values.back()));
    }
    const quantize::Rewritten made = rewritten(quantize::Form::qdq, kept_, values);
    const auto floats = make_runner(graph(), names), integers = make_runner(made.graph, made.shown);
    std::vector<SignalToNoise> noise(layers.size());
    for_samples(floats->batch_size(), [&](auto images) {
      floats->run(images);
      integers->run(images);
      for (std::size_t i = 0; i < layers.size(); ++i)
        noise[i].add(floats->shown(i).template data<float>(), integers->shown(i).template data<float>());
    });
    for (std::size_t i = 0; i < layers.size(); ++i) result_.noise.push_back(noise_of(layers[i], noise[i]));
    std::stable_sort(result_.noise.begin(), result_.noise.end(),
                     [](const LayerNoise& a, const LayerNoise& b) { return a.decibels < b.decibels; });
  }

  const QuantizeRequest& request_;
  const TaskContext& context_;
  Opened opened_;
  quantize::Scheme scheme_;
  Photos photos_;
  ThreadPool pool_;
  quantize::Calibration calibration_;
  quantize::ParametersOf parameters_;
  std::vector<PreparedImage> samples_;  // of those that it was calibrated with
  std::set<NodeId> kept_;
  QuantizeResult result_;
};

QuantizeTask::QuantizeTask(const QuantizeRequest& request, const TaskContext& context)
    : run_(std::make_unique<Run>(request, context)) {}
QuantizeTask::~QuantizeTask() = default;
QuantizeResult QuantizeTask::run() { return run_->run(); }

}  // namespace resnet::cli
