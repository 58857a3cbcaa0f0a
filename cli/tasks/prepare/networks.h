// The networks that predict and evaluate show photos to: how each is prepared for, and what its classes are called.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/prepare/network_cache.h"
#include "cli/tasks/prepare/preprocess.h"
#include "cli/tasks/task.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

// Options of both commands.
struct NetworkOptions {
  std::vector<std::string> models;
  std::string output_name;  // of the output that is meant; empty: the one that holds the scores
  bool vector = false;      // the output itself is wanted, whatever it is
  std::string labels, scales, report, cam;
  Average average = Average::probability;
  xnnpack::Convolutions convolution = xnnpack::Convolutions::automatic;
  std::size_t batch_size = 1;
  std::int64_t max_pixels = image::DecodeOptions{}.max_pixels;
  PreprocessOptions preprocess;
  ArchOptions arch;
};
// The classes' names of --labels, a file or a built-in list. Throws Error(invalid) "names.txt: 9 labels for a model of 10
// classes".
std::vector<std::string> load_labels(const std::string& asked, std::optional<std::int64_t> classes);
// "224,256,384": lengths of a photo's shorter side. Throws Error(invalid).
std::vector<int> parse_scales(const std::string& text);

// One network as it was loaded.
struct Network {
  std::string name;
  Graph graph;   // as it is run, before it is made ready
  Model source;  // as it was read, without its graph
  ImageInput input;
  ScoreOutput scores;
  std::vector<std::string> labels;  // one per class, or none
  ChosenPreprocessing preprocessing;
  bool alone = false;  // images are run one at a time: in a batch they would change each other's answers
  bool untrained = false;
  bool is_extractor = false;              // as_extractor() made its graph
  std::optional<std::string> not_scores;  // what the output is, where it is not scores of classes
  bool finite = true;                     // whether all its weights are
  std::int64_t parameters = 0, macs = 0;  // of the file's graph, of one image
};
// Throws Error(unsupported) with the name where it does not classify images.
Network load_network(const Source& source, const NetworkOptions& options, Observer& observer);
Network load_network(const std::string& name, const NetworkOptions& options, Observer& observer);
// Everything but the graph, as the graph, the file and the options give it. Throws as check_batch with the name; says where
// images are run one at a time.
void describe_network(Network& network, const NetworkOptions& options, Observer& observer);

// A network ready to run with this crop: fully convolutional for Crop::full. `graph` is its graph, moved in where it is not
// needed again, so that its weights go as they are packed.
// `with_head`: with its features and activation maps. `scales`: those of whole photos, of which each has to be large enough.
// Throws Error with the name: unsupported, invalid for a scale.
Member make_member(const Network& network, Graph graph, Crop crop, xnnpack::Job job, ThreadPool& pool, bool with_head = false,
                   std::span<const int> scales = {});

// What a network is made ready for, and from where it may come.
struct Asked {
  ViewOptions views;
  std::size_t batch = 1, threads = 1;
  std::size_t images = 1;  // photos, in all
  bool with_head = false;
  const NetworkCache* cache = nullptr;
  bool identify = false;  // whether ReadyNetwork::identity is wanted, which takes the time to read its files once more
};
// Its graph is moved away.
struct ReadyNetwork {
  Network network;
  Member member;
  std::optional<native::PreparedNetwork> fresh;  // for the cache, where it was not found there
  std::optional<NetworkIdentity> identity;       // where it is asked for
};
// From the cache where few images are asked for, which are answered in less time than it takes to load a network. Throws as
// load_network and make_member, and Error(malformed) where a file that is to be identified changed while it was read.
ReadyNetwork prepare_network(const std::string& name, const NetworkOptions& options, const Asked& asked, ThreadPool& pool,
                             Observer& observer);

// What a plan is to be made for: the sizes in which the network is shown photos, and how many there are (nothing: many).
xnnpack::Job job_of(const Network& network, const NetworkOptions& options, const ViewOptions& views,
                    std::optional<std::size_t> photos);
// Throws Error(invalid) where features or activation maps are asked of more than one view of one network.
void check_single_view(const std::string& option, const ViewOptions& views, std::size_t models);

// Says on stderr, once, how photos are prepared; a guess is a warning that names what it is guessed by.
void tell_preprocessing(const Network& network, const ViewOptions& views, bool alone, Observer& observer);

// What all networks together are asked: the classifier's options but for the preprocessing.
ClassifierOptions classifier_options(const NetworkOptions& options, const ViewOptions& views, const TaskContext& context);

}  // namespace resnet::cli
