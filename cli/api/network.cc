#include "resnet/network.h"

#include <algorithm>
#include <utility>

#include "cli/api/data.h"
#include "cli/api/guarded.h"
#include "cli/tasks/named.h"
#include "cli/tasks/prepare/preprocess.h"
#include "lib/base/processors.h"
#include "lib/classify/as_classifier.h"
#include "lib/passes/passes.h"

namespace resnet::v0 {

namespace {

cli::NetworkOptions options_of(const NetworkOptions& options) {
  if (options.batch_size < 1 || options.batch_size > 4096)
    throw Error(Fault::invalid_argument, "batch_size is " + std::to_string(options.batch_size) + ", expected 1 to 4096");
  const auto convention = find_value<Convention>(options.preprocessing);
  if (!options.preprocessing.empty() && !convention)
    throw Error(Fault::invalid_argument,
                "unknown preprocessing '" + options.preprocessing + "', expected " + preprocessing_names());
  cli::NetworkOptions result;
  result.labels = options.labels;
  result.preprocess.preprocess = convention;
  result.batch_size = options.batch_size;
  return result;
}

// Fills in everything but the plan.
void describe(Network::Data& data, const cli::Network& network) {
  data.labels = network.labels;
  data.classes = static_cast<std::size_t>(network.scores.classes.value_or(0));
  const Preprocessing& preprocessing = network.preprocessing.preprocessing;
  const int side = preprocessing.crop_size.value_or(preprocessing.resize.value_or(224));
  data.height = static_cast<std::size_t>(network.input.height.value_or(side));
  data.width = static_cast<std::size_t>(network.input.width.value_or(side));
  data.preprocessing = cli::describe(preprocessing);
}

}  // namespace

Network::Network(const Model& model, const NetworkOptions& options) {
  data_ = guarded([&] {
    const cli::NetworkOptions asked = options_of(options);
    const auto data = std::make_shared<Data>();
    data->batch_size = options.batch_size;
    data->pool = std::make_unique<ThreadPool>(options.threads == 0 ? physical_cores() : options.threads, usable_processors());
    NoteKeeper keeper;
    cli::Network network;
    network.name = model.name();
    network.source = model.data_->model;
    Graph graph = std::exchange(network.source.graph, {});
    cli::named(network.name, [&] {
      graph = as_classifier(graph);
      find_image_input(graph);  // refuses what takes no images, before the work
      PassLog log;
      network.graph = optimize_to_plan(graph, log);
      graph = {};
      cli::describe_network(network, asked, keeper);
    });
    describe(*data, network);
    cli::tell_preprocessing(network, {}, true, keeper);
    Graph ready = std::exchange(network.graph, {});
    data->member =
        cli::make_member(network, std::move(ready), Crop::center, cli::job_of(network, asked, {}, std::nullopt), *data->pool);
    data->notes = model.notes();
    for (std::string& note : keeper.notes()) data->notes.push_back(std::move(note));
    return data;
  });
}

std::size_t Network::classes() const noexcept { return data_->classes; }
const std::vector<std::string>& Network::labels() const noexcept { return data_->labels; }
std::size_t Network::height() const noexcept { return data_->height; }
std::size_t Network::width() const noexcept { return data_->width; }
const std::string& Network::preprocessing() const noexcept { return data_->preprocessing; }
const std::vector<std::string>& Network::notes() const noexcept { return data_->notes; }

std::vector<float> Network::scores(std::span<const float> images, std::size_t count) const {
  return guarded([&] {
    Data& data = *data_;
    const std::lock_guard lock(data.scoring);
    if (!data.scorer) data.scorer.emplace(data.member.plan, *data.pool);
    const std::int64_t channels = data.scorer->input().channels;
    const std::size_t values = static_cast<std::size_t>(channels) * data.height * data.width;
    if (count < 1 || images.size() % values != 0 || images.size() / values != count) {
      throw Error(Fault::invalid_input, "got " + std::to_string(images.size()) + " numbers for " + std::to_string(count) +
                                            " images, expected " + std::to_string(channels) + " x " +
                                            std::to_string(data.height) + " x " + std::to_string(data.width) + " for each");
    }
    const Shape shape{static_cast<std::int64_t>(count), channels, static_cast<std::int64_t>(data.height),
                      static_cast<std::int64_t>(data.width)};
    std::vector<PreparedImage> prepared;
    for (Values& image : split(Tensor::from(shape, images), data.scorer->input())) prepared.emplace_back(std::move(image));
    std::vector<float> result;
    const std::size_t batch = data.scorer->batch_size(data.batch_size);
    for (std::size_t first = 0; first < count; first += batch) {
      const auto part = std::span(prepared).subspan(first, std::min(batch, count - first));
      const Scores scores = data.scorer->run(part, data.member.preprocessing);
      result.insert(result.end(), scores.values.begin(),
                    scores.values.begin() + static_cast<std::ptrdiff_t>(part.size() * scores.classes));
    }
    return result;
  });
}

}  // namespace resnet::v0
