#include "cli/tasks/respond/respond.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/runnable.h"
#include "cli/tasks/progress.h"
#include "lib/arch/recognize.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/classify/scorer.h"
#include "lib/image/image.h"

namespace resnet::cli {

namespace {

// Filled in the order of axes that the network has.
class Batch {
 public:
  Batch(const ImageInput& input, std::int64_t count, std::int64_t height, std::int64_t width)
      : channels_last_(input.channels_last),
        tensor_(
            Tensor::allocate(DType::float32, channels_last_ ? Shape{count, height, width, 3} : Shape{count, 3, height, width})),
        size_(static_cast<std::size_t>(3 * height * width)) {}

  std::span<float> slot(std::size_t index) { return tensor_.mutable_data<float>().subspan(index * size_, size_); }
  void fill(std::size_t index, const image::Pixels& pixels, const Preprocessing& preprocessing) {
    (channels_last_ ? image::normalize_nhwc : image::normalize_nchw)(pixels, preprocessing, slot(index));
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  bool channels_last_;
  Tensor tensor_;
  std::size_t size_;
};

std::optional<std::int64_t> classes_of(const Graph& graph) {
  const Fact& scores = graph.fact(graph.outputs()[0]);
  if (!scores.dims || scores.dims->empty() || !scores.dims->back().is_number()) return std::nullopt;
  return scores.dims->back().number();
}

// What is fed to one network.
class Feeding {
 public:
  Feeding(const RespondRequest& request, const TaskContext& context, const std::string& model, const ImageInput& input,
          ResponseMeter& meter)
      : request_(request), context_(context), input_(input), meter_(meter) {
    using Kind = analysis::BatchMixing::Kind;
    if (!meter.mixing()) return;
    alone_ = !input.batch;
    if (meter.mixing()->kind == Kind::fixed) return;
    const std::string what = meter.mixing()->to_string();
    if (input.batch && meter.mixing()->kind == Kind::mixed) {
      throw Error(Fault::unsupported,
                  fmt::format("the responses to an image would depend on the others of its fixed batch of {}: {}; expected a "
                              "network whose batch is 1 or open",
                              *input.batch, what));
    }
    if (alone_ && (meter.mixing()->kind == Kind::mixed || request.batch_size > 1)) {
      context.observer.note(fmt::format(
          "{}: images are run one at a time, for in a batch the responses to one would depend on the others: {}", model, what));
    }
  }

  void feed_noise() {
    std::mt19937_64 generator(request_.arch.seed);
    std::normal_distribution<float> normal;
    const std::int64_t height = input_.height.value_or(224), width = input_.width.value_or(224);
    Progress progress(context_.observer, "images");
    for (std::int64_t done = 0; done < request_.random;) {
      const std::int64_t count = input_.batch ? *input_.batch : std::min(batch_size(), request_.random - done);
      Batch batch(input_, count, height, width);
      for (std::int64_t i = 0; i < count; ++i) {
        for (float& value : batch.slot(static_cast<std::size_t>(i))) value = normal(generator);
      }
      meter_.add(batch.tensor());
      done += count;
      progress.update(static_cast<std::size_t>(std::min(done, request_.random)), static_cast<std::size_t>(request_.random));
      context_.stop.check();
    }
  }

  // Returns how many failed. What is said of the images, however many networks there are, is said by the first.
  std::size_t feed_images(const Preprocessing& preprocessing, bool is_first) {
    for (const std::string& image : request_.images) {
      if (image.starts_with('@')) context_.before_reading(image.substr(1));
      if (image == "-") context_.before_reading("/dev/stdin");
    }
    Inputs inputs(request_.images, request_.inputs, context_.stop);
    std::atomic<std::size_t> turned = 0;
    std::size_t seen = 0, failed = 0;
    Progress progress(context_.observer, "images");
    while (const auto next = inputs.next()) {
      context_.stop.check();
      context_.before_reading(next->path);
      ++seen;
      try {
        if (!next->error.empty()) throw Error(Fault::unreadable, Frame::file(Role::input), next->error);
        add(read(next->path, preprocessing, turned), preprocessing);
      } catch (const Error& error) {
        if (error.role() != Role::input) throw;
        context_.observer.error(next->path.string() + ": " + error.without_file());
        ++failed;
        continue;
      }
      if (static_cast<std::int64_t>(waiting_.size()) == batch_size()) run(preprocessing);
      progress.update(seen, inputs.total());
    }
    end(preprocessing);
    if (is_first) {
      if (const std::string note = inputs.take_note(); !note.empty()) context_.observer.note(note);
      tell_orientations(turned, context_.observer);
    }
    if (measured_ == 0) throw Error(Fault::unreadable, Frame::file(Role::input), "no image could be measured");
    return failed;
  }

 private:
  // A fixed batch is kept; what does not fill it is not measured, so that nothing else is in the figures.
  std::int64_t batch_size() const { return input_.batch.value_or(alone_ ? 1 : request_.batch_size); }

  image::Pixels read(const std::filesystem::path& file, const Preprocessing& preprocessing,
                     std::atomic<std::size_t>& turned) const {
    image::DecodeOptions decode;
    decode.exif = preprocessing.exif;
    decode.unheeded_orientations = &turned;
    decode.stop = context_.stop;
    image::Pixels pixels = image::prepare(image::decode(file, decode), preprocessing);
    if (const auto wrong = wrong_size(input_, preprocessing, pixels.width, pixels.height))
      throw Error(Fault::unreadable, Frame::file(Role::input), *wrong);
    return pixels;
  }

  // Images of different sizes do not share a batch.
  void add(image::Pixels pixels, const Preprocessing& preprocessing) {
    if (!waiting_.empty() && !input_.batch && (waiting_[0].width != pixels.width || waiting_[0].height != pixels.height))
      run(preprocessing);
    waiting_.push_back(std::move(pixels));
  }

  void run(const Preprocessing& preprocessing) {
    Batch batch(input_, static_cast<std::int64_t>(waiting_.size()), waiting_[0].height, waiting_[0].width);
    for (std::size_t i = 0; i < waiting_.size(); ++i) batch.fill(i, waiting_[i], preprocessing);
    meter_.add(batch.tensor());
    measured_ += waiting_.size();
    waiting_.clear();
  }

  void end(const Preprocessing& preprocessing) {
    if (!waiting_.empty() && !input_.batch) run(preprocessing);
    if (waiting_.empty()) return;
    context_.observer.warning(fmt::format("the last {} the network's batch of {} and left out",
                                          counted(waiting_.size(), "image does not fill", "images do not fill"), *input_.batch));
  }

  const RespondRequest& request_;
  const TaskContext& context_;
  const ImageInput& input_;
  ResponseMeter& meter_;
  bool alone_ = false;  // whether images are run one at a time: in a batch they would change each other's responses
  std::vector<image::Pixels> waiting_;
  std::size_t measured_ = 0;
};

// A plain net has no shortcuts; whether it is one is seen from the graph, whatever its file is called.
bool is_plain(const Graph& graph) {
  try {
    const arch::Recognition recognition = arch::recognize(graph);
    return recognition.is_exact() && recognition.spec.shortcut == arch::Shortcut::none;
  } catch (const Error&) {  // without a convolution
    return false;
  }
}

RespondRow measure(const RespondRequest& request, const TaskContext& context, const std::string& name, std::size_t& failed,
                   bool is_first) {
  LoadedModel loaded = load_model(name, options_of_one(name, request.arch, request.models), context.observer);
  context.stop.check();
  for (const std::string& file : loaded.model.data_files)
    context.before_reading(std::filesystem::path(name).parent_path() / file);
  const ImageInput input = named(name, [&] { return find_image_input(loaded.model.graph); });
  refuse_what_cannot_run(loaded.model.graph, loaded.model.graph, name);
  if (input.channels != 3) throw Error(Fault::unsupported, name + ": takes images of one channel, and so is not measured");
  if (input.dtype != DType::float32) throw Error(Fault::unsupported, name + ": takes no floats, and so is not measured");
  const ChosenPreprocessing chosen =
      choose_preprocessing(request.preprocess, loaded.model, input, classes_of(loaded.model.graph));
  ThreadPool pool(context.threads.asked, context.threads.at_once);
  const bool plain = is_plain(loaded.model.graph);
  return named(name, [&]() -> RespondRow {
    ResponseMeter meter(std::move(loaded.model.graph), pool);
    Feeding feeding(request, context, name, input, meter);
    if (request.random > 0) {
      feeding.feed_noise();
    } else {
      failed += feeding.feed_images(chosen.preprocessing, is_first);
    }
    return {name, plain, meter.responses()};
  });
}

}  // namespace

RespondResult respond(const RespondRequest& request, const TaskContext& context) {
  RespondResult result;
  for (std::size_t i = 0; i < request.models.size(); ++i) {
    result.rows.push_back(measure(request, context, request.models[i], result.failed, i == 0));
    if (i < request.names.size() && !request.names[i].empty()) result.rows.back().model = request.names[i];
  }
  return result;
}

}  // namespace resnet::cli
