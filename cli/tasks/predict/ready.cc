#include "cli/tasks/predict/ready.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <utility>

#include "cli/tasks/identity/text.h"
#include "lib/base/error.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

bool with_head(const PredictRequest& request) {
  return (!request.features.empty() && !request.network.vector) || !request.activation_maps.empty();
}

// Throws where the network cannot give what is asked for.
void check(const PredictRequest& request, const ReadyNetwork& one, const std::string& name) {
  if (!request.activation_maps.empty() && !one.member.class_weights) {
    throw Error(Fault::unsupported,
                fmt::format("{}: activation maps need a fully connected layer directly after the global pool", name));
  }
  if (one.network.not_scores && one.network.labels.empty() && !with_head(request)) {
    throw Error(Fault::unsupported,
                fmt::format("{}: gives {}, not scores of classes; --output-type vector -o FILE.npy writes them", name,
                            *one.network.not_scores));
  }
  if (request.logits && one.network.scores.probabilities)
    throw Error(Fault::invalid, fmt::format("{}: gives probabilities, and its logits are not known", name));
}

}  // namespace

Ready make_ready(const PredictRequest& request, const answers::JobSize& size, const NetworkCache* cache, bool identify,
                 bool tensors, ThreadPool& pool, const TaskContext& context) {
  const Asked asked{request.views, size.batch, size.threads, size.images, with_head(request), cache, identify};
  Ready ready;
  std::vector<fs::path> files;  // that they were read from besides
  for (const std::string& name : request.models) {
    NetworkOptions options = request.network;
    options.arch = options_of_one(name, options.arch, request.models);
    ReadyNetwork one = prepare_network(name, options, asked, pool, context.observer);
    check(request, one, name);
    if (ready.labels.empty()) ready.labels = one.network.labels;
    if (!tensors) tell_preprocessing(one.network, request.views, request.models.size() == 1, context.observer);
    ready.members.push_back(std::move(one.member));
    if (one.fresh) ready.fresh.push_back(std::move(*one.fresh));
    if (one.identity) ready.identities.push_back(std::move(*one.identity));
    ready.facts.push_back(name + ": " + describe(one.network.preprocessing.preprocessing));
    for (const std::string& file : one.network.source.data_files) files.push_back(fs::path(name).parent_path() / file);
    context.stop.check();
  }
  for (const fs::path& file : files) context.before_reading(file);
  return ready;
}

Identity identity_of(const PredictRequest& request, std::vector<NetworkIdentity> networks, std::span<const std::string> labels) {
  Identity identity;
  identity.networks = std::move(networks);
  identity.labels = text_of_labels(labels);
  identity.views = fmt::format("crop {}", word_of(request.views.crop));
  if (!request.views.scales.empty()) identity.views += fmt::format(", scales {}", fmt::join(request.views.scales, ","));
  identity.average = word_of(request.network.average);
  identity.top_k = fmt::format("{}", request.top_k);
  identity.min_probability = fmt::format("{}", request.min_probability);
  identity.max_pixels = fmt::format("{}", request.network.max_pixels);
  identity.instruction_set = kernels::instruction_set();
  identity.version = RESNET_VERSION;
  return identity;
}

void keep_ready(const Ready& ready, const std::optional<NetworkCache>& cache, ThreadPool& pool, Observer& observer) {
  for (const native::PreparedNetwork& network : ready.fresh) {
    if (const std::string why = cache->keep(network, pool); !why.empty())
      observer.detail(fmt::format("{}: not kept for the next time: {}", network.name, why));
  }
}

}  // namespace resnet::cli
