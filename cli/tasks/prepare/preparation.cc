// A network made ready to run, from the cache or from its file, and what it is.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "cli/tasks/identity/text.h"
#include "cli/tasks/open/source.h"
#include "cli/tasks/prepare/networks.h"
#include "formats/table/text.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/kernels/integer_convolution.h"
#include "lib/kernels/isa.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// What a model is, whatever its name: read before the model itself.
std::string text_of_model(const Source& source, const NetworkOptions& options, ThreadPool& pool) {
  if (source.is_built_in()) return "built in, " + text_of_digest(source.digest(pool));
  if (!source.is_there()) {
    if (const auto spec = find_arch(source.name(), options.arch))
      return text_of_built(*spec, options.arch.init, options.arch.seed);
  }
  const std::string& arch = options.arch.arch;  // weights alone may be those of several networks
  return text_of_digest(source.digest(pool)) + (arch.empty() ? "" : " as " + arch) +
         (options.arch.test_size ? " at its test size" : "");
}

// --input-shape as it was understood, however it is spelt.
std::string text_of_input_shape(const std::string& text) {
  if (text.empty()) return "";
  const InputShape shape = parse_input_shape(text);
  std::string dims;
  for (const auto& dim : shape.dims) dims += (dims.empty() ? "" : "x") + (dim ? fmt::format("{}", *dim) : "N");
  return shape.input.empty() ? dims : shape.input + ":" + dims;
}

std::string methods_of(const xnnpack::Plan& plan) {
  std::vector<std::string> methods;
  for (const xnnpack::StepInfo& step : plan.steps()) {
    if (!step.method.empty()) methods.push_back(step.method);
  }
  return text_of_methods(methods);
}

using Digests = std::map<std::string, std::string>;

// Of the files beside a model's own that it was read from.
Digests digests_of_data(const std::string& name, const Model& model, ThreadPool& pool) {
  Digests digests;
  for (const std::string& file : model.data_files) digests[file] = digest_of_file(fs::path(name).parent_path() / file, pool);
  return digests;
}

// Makes one network ready; what it is of is looked at before and after.
class Preparation {
 public:
  Preparation(const std::string& name, const NetworkOptions& options, const Asked& asked, ThreadPool& pool, Observer& observer)
      : name_(name), options_(options), asked_(asked), pool_(pool), observer_(observer), source_(name) {}

  ReadyNetwork prepare() {
    // Also where it is kept: whether it is must not decide what is refused.
    if (source_.is_there() || source_.is_built_in()) refuse_arch_options(source_, options_.arch);
    if (asked_.identify || may_be_kept()) {
      identity_.name = name_;
      identity_.model = text_of_model(source_, options_, pool_);
      identity_.input_shape = text_of_input_shape(options_.arch.input_shape);
      identity_.output = options_.output_name;
      identity_.convolution = word_of(options_.convolution);
    }
    const std::optional<std::string> key = may_be_kept() ? std::optional(cache_key()) : std::nullopt;
    std::optional<native::PreparedNetwork> kept = key ? asked_.cache->find(*key, name_, pool_) : std::nullopt;
    if (!kept || !take(std::move(*kept))) load(key);
    if (asked_.identify) identify();
    return std::move(ready_);
  }

 private:
  // Of a model file, for few images; not where it does not pay, or where the network is changed before it runs.
  bool may_be_kept() const {
    constexpr std::size_t few = 256;
    return asked_.cache && images() <= few && asked_.views.crop != Crop::full && !asked_.with_head && !options_.vector &&
           source_.is_file();
  }
  std::size_t images() const { return asked_.images * views_per_photo(asked_.views); }

  std::string cache_key() const {
    Identity of;
    of.instruction_set = kernels::instruction_set();
    of.version = RESNET_VERSION;
    std::vector<std::string> words = {
        fmt::format("--crop {} --convolution {}", word_of(asked_.views.crop), word_of(options_.convolution)),
        fmt::format("batch {}, threads {}, images {}", asked_.batch, asked_.threads,
                    std::bit_ceil(std::max<std::size_t>(images(), 1))),
        "integers " + kernels::integer_packing()};
    // They may give an open input its size.
    for (std::string& word : given_options(options_.preprocess)) words.push_back(std::move(word));
    return NetworkCache::key_of(text_of_prepared(identity_, of), fmt::format("{}", fmt::join(words, ", ")));
  }

  // Called before the graph is moved away.
  xnnpack::Job job() const {
    xnnpack::Job result = job_of(ready_.network, options_, asked_.views, asked_.images);
    if (!ready_.network.alone) result.batch = static_cast<std::int64_t>(asked_.batch);
    result.threads = asked_.threads;
    return result;
  }

  // False where what was kept is damaged, with sums that fit: it is made again, and replaced.
  bool take(native::PreparedNetwork kept) {
    Network& network = ready_.network;
    network.name = name_;
    network.parameters = kept.parameters;
    network.macs = kept.macs;
    network.source = std::move(kept.model);
    network.graph = std::exchange(network.source.graph, {});
    tell_notes(network.source, name_, observer_);
    describe_network(network, options_, observer_);
    ready_.member.preprocessing = network.preprocessing.preprocessing;
    ready_.member.name = name_;
    try {
      ready_.member.plan = xnnpack::Plan::make(
          std::move(network.graph), {.optimize = false, .job = job(), .pool = &pool_, .packed = std::move(kept.packed_weights)});
    } catch (Error& error) {
      if (error.fault() == Fault::malformed) return false;
      error.in(Frame::file(Role::model, name_));
      throw;
    }
    identity_.data = std::move(kept.data_digests);
    return true;
  }

  void load(const std::optional<std::string>& key) {
    Network& network = ready_.network;
    network = load_network(source_, options_, observer_);
    Graph graph = std::exchange(network.graph, {});
    ready_.member =
        make_member(network, std::move(graph), asked_.views.crop, job(), pool_, asked_.with_head, asked_.views.scales);
    const auto packed = ready_.member.plan->packed_weights();
    // A file that changed while it was read is another one the next time; what gives no scores is told from the file's own graph.
    const bool is_kept = key && packed && network.finite && !network.not_scores && !source_.has_changed();
    if (asked_.identify || is_kept) identity_.data = digests_of_data(name_, network.source, pool_);
    if (!is_kept) return;
    native::PreparedNetwork fresh{.key = *key, .name = name_, .model = network.source, .packed_weights = *packed};
    fresh.model.graph = ready_.member.plan->graph();
    fresh.parameters = network.parameters;
    fresh.macs = network.macs;
    fresh.data_digests = identity_.data;
    ready_.fresh = std::move(fresh);
  }

  void identify() {
    if (source_.has_changed()) throw Error(Fault::malformed, name_ + ": changed while it was read; run it again");
    identity_.preparation = text_of(ready_.network.preprocessing.preprocessing);
    identity_.methods = methods_of(*ready_.member.plan);
    // As JSON can hold it, so that it is the same when it is read back.
    Digests data;
    for (auto& [file, digest] : identity_.data) data.emplace(table::printable(file), digest);
    identity_.data = std::move(data);
    ready_.identity = std::move(identity_);
  }

  const std::string& name_;
  const NetworkOptions& options_;
  const Asked& asked_;
  ThreadPool& pool_;
  Observer& observer_;
  Source source_;
  NetworkIdentity identity_;
  ReadyNetwork ready_;
};

}  // namespace

ReadyNetwork prepare_network(const std::string& name, const NetworkOptions& options, const Asked& asked, ThreadPool& pool,
                             Observer& observer) {
  return Preparation(name, options, asked, pool, observer).prepare();
}

}  // namespace resnet::cli
