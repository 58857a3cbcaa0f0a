#include "cli/options/network.h"

#include <filesystem>

#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/preprocess.h"
#include "formats/labels/labels.h"

namespace resnet::cli {

namespace fs = std::filesystem;

void add_network_options(CLI::App& app, NetworkOptions& options) {
  app.add_option(
         "-m,--model", options.models,
         "the model, a file of any name; all arguments are then images. Repeated: an ensemble, whose answers are averaged")
      ->type_name("FILE|ARCH")
      ->check(name_of_file("FILE|ARCH"))
      ->allow_extra_args(false);
  add_text(app, "--output-name", options.output_name, "NAME",
           "which output of the network is meant (default: the one that holds a score for each class)");
  add_text(app, "--labels", options.labels, "FILE|" + labels::names(),
           "the classes' names: a file of one per line (or JSON), or a built-in list (default: by the number of classes)");
  add_integer(app, "--batch-size", options.batch_size, 1, 4096, "how many images run at once")->capture_default_str();
  add_text(app, "--scales", options.scales, "NUMBERS",
           "lengths of the shorter side, such as 224,256,384,480,640: each photo is shown at all of them (default: the "
           "preprocessing's)");
  add_choice(app, "--average", options.average, "what is averaged over mirror images, crops, scales and models")
      ->capture_default_str();
  add_text(app, "--report", options.report, "FILE",
           "also a page of thumbnails and answers, of right, wrong and uncertain ones: one self-contained .html file");
  add_text(app, "--cam", options.cam, "FOLDER",
           "also a picture of each photo that shows where the network looked for its answer (class activation map)");
  add_convolution_option(app, options.convolution);
  add_integer(app, "--max-pixels", options.max_pixels, 1, std::int64_t{1} << 40,
              "larger photos are refused before they are decoded")
      ->capture_default_str();
  add_weights_option(app, options.arch);
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224 or name:1,3,224,224");
}

void add_preparation_options(CLI::App& app, NetworkOptions& options) {
  add_preprocess_options(app, options.preprocess, "Preprocessing");
  add_arch_options(app, options.arch, inits_with_weights, "Where MODEL is an architecture's name");
}

void add_convolution_option(CLI::App& app, xnnpack::Convolutions& convolution) {
  add_choice(app, "--convolution", convolution, "how 3x3 convolutions are computed; auto: the cheapest for each layer")
      ->capture_default_str();
}

void check_labels(const WrittenFiles& written, const NetworkOptions& options) {
  if (!options.labels.empty() && !labels::find(options.labels)) written.check(options.labels);
}

void check_data_files(const WrittenFiles& written, const Network& network) {
  for (const std::string& file : network.source.data_files) written.check(fs::path(network.name).parent_path() / file);
}

}  // namespace resnet::cli
