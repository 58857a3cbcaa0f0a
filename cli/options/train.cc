#include "cli/options/train.h"

#include <limits>

#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/preprocess.h"

namespace resnet::cli {

namespace {

void add_data_and_output(CLI::App& app, TrainOptions& options) {
  app.add_option(
         "arguments", options.arguments,
         "the network (an architecture's name, or a model file that is trained further) and the data: a folder per class, a "
         "folder that has such folders as train and val (or test), or CIFAR-10's binary batches")
      ->type_name("FILE|ARCH")
      ->option_text("[ARCH|MODEL] DATA")
      ->required();
  add_text(
      app, "-o,--output", options.output, "FILE",
      "the .onnx or .resnet file to write when the run has ended; may be the model's own file, which is trained further in place")
      ->required();
  add_text(app, "--validation", options.validation, "FILE|FRACTION",
           "data to test on, or a share of each class's training pictures, chosen by the seed, that is held out for it: 0.1 "
           "(default: val or test beside train, test_batch.bin)");
  app.add_flag("--split", options.split, "the paper's 45k/5k split of CIFAR-10's training pictures: as --validation 0.1");
  add_choice(app, "--recipe", options.recipe,
             "all that the paper says of a training, in its section 3.4 or 4.2; options that are given go before it");
  app.add_flag("--dry-run", options.dry_run,
               "print the settings, and about what memory and time the run takes here; nothing is trained or written");
}

void add_network_options(CLI::App& app, TrainOptions& options) {
  const std::string group = "Network";
  add_text(app, "--init", options.init, "FILE", "a trained network of the same architecture to start from")->group(group);
  add_arch_of_weights(app, options.arch)->group(group);
  add_integer(app, "--classes", options.classes, 2, 1'000'000,
              "a new classifier for this many classes (default: as many as DATA has folders; a model keeps its own)")
      ->group(group);
  add_choice(app, "--freeze", options.freeze, "what keeps its weights: all but the classifier, or every stage up to this one")
      ->capture_default_str()
      ->group(group);
  add_choice(app, "--variant", options.variant, "where a bottleneck has its stride (default: v1.5)")->group(group);
  add_choice(app, "--shortcut", options.shortcut, "the paper's shortcuts (default: B, the CIFAR nets A)")->group(group);
  add_choice(app, "--zero-channels", options.zero_channels,
             "where option A has its zero channels: half before the others and half after (default), or all at the end")
      ->group(group);
  add_integer(app, "--size", options.size, 8, 4096, "height and width of the network's input (default: 224, the CIFAR nets 32)")
      ->group(group);
  add_integer(
      app, "--seed", options.seed, 0, std::numeric_limits<std::int64_t>::max(),
      "seed of everything random: initial weights, order, augmentation; with it and --threads a run can be repeated bit for bit")
      ->capture_default_str()
      ->group(group);
}

void add_descent_options(CLI::App& app, TrainOptions& options) {
  const std::string group = "Optimisation";
  add_integer(app, "--batch-size", options.batch, 2, 65536,
              "images at once (default: 128, of 64x64 and larger 32; where --accumulate is given a part of that)")
      ->group(group);
  add_integer(app, "--accumulate", options.accumulate, 1, 65536,
              "batches whose gradients make one step, where one that large does not fit into memory")
      ->capture_default_str()
      ->group(group);
  add_text(app, "--epochs", options.epochs, "N", "how often each image is seen; 0.5 is half of them, once")->group(group);
  add_integer(app, "--iterations", options.iterations, 1, 1'000'000'000,
              "steps in place of --epochs (default: 90 epochs, with a trained start 10)")
      ->group(group);
  add_text(app, "--learning-rate,--lr", options.learning_rate, "NUMBER",
           "learning rate at the start (default: 0.1, with a trained start 0.01)")
      ->group(group);
  add_choice(
      app, "--schedule", options.schedule,
      "step: a tenth at each milestone; cosine: down to 0 at the end; plateau: a tenth when the error plateaus (default: step)")
      ->group(group);
  add_text(app, "--milestones", options.milestones, "NUMBERS",
           "iterations at which the step schedule divides the rate by ten (default: at 1/2 and 3/4)")
      ->group(group);
  add_integer(app, "--patience", options.patience, 1, 1'000'000,
              "plateau: lines of the log without a lower error, of the test where there is one, before the rate is a tenth")
      ->capture_default_str()
      ->group(group);
  add_text(
      app, "--warmup", options.warmup, "N",
      "a tenth of the learning rate for so many iterations, or until the training error is under, say, 80% (default: 80% for "
      "CIFAR nets of 110 layers and more from scratch, else 0)")
      ->group(group);
  add_text(app, "--momentum", options.momentum, "NUMBER", "momentum of SGD (default: 0.9)")->group(group);
  add_text(app, "--weight-decay", options.weight_decay, "NUMBER", "weight decay of SGD (default: 1e-4)")->group(group);
  add_choice(app, "--decay", options.decay, "weight decay for all parameters, or for weights only")
      ->capture_default_str()
      ->group(group);
  add_text(app, "--label-smoothing", options.label_smoothing, "FRACTION", "share of the target that is spread over all classes")
      ->capture_default_str()
      ->group(group);
  add_choice(app, "--augmentation", options.augmentation, words_with_none<train::Augmentation>("auto"),
             "cifar: pad 4, random crop, mirror; imagenet: random scale and crop, mirror, colours; auto: by the size, cifar with "
             "a frozen backbone")
      ->capture_default_str()
      ->group(group);
  add_choice(
      app, "--colors", options.colors,
      "what imagenet's augmentation shifts colours along: ImageNet's principal components as they were published, those of "
      "the training pictures, or nothing (default: data)")
      ->group(group);
  add_integer(app, "--memory", options.memory, 0, 1'000'000, "MiB of decoded pictures to keep; the rest is decoded each time")
      ->capture_default_str()
      ->group(group);
}

void add_run_options(CLI::App& app, TrainOptions& options) {
  const std::string group = "Files of a run";
  add_text(
      app, "--checkpoint", options.checkpoint, "FILE",
      "the run's checkpoint, written whole or not at all (default: OUTPUT.checkpoint.resnet); removed when the run has ended")
      ->group(group);
  add_text(app, "--best", options.best, "FILE",
           "where the network of the least test error is kept (default: OUTPUT.best.onnx or .resnet); OUTPUT is the last one")
      ->group(group);
  add_integer(app, "--every", options.every, 1, 1'000'000'000,
              "iterations between checkpoints, which are the log's lines and tests, too (default: an epoch, or twice as many "
              "pictures as there are to test)")
      ->group(group);
  app.add_flag("--resume", options.resume, "continue from the checkpoint, bit for bit; without one the run starts")->group(group);
  app.add_flag("--restart", options.restart, "start over though there is a checkpoint")->group(group);
  add_text(app, "--log", options.log, "FILE", "a CSV: loss, error and speed over iterations")->group(group);
  add_text(app, "--curves", options.curves, "FILE", "an SVG: training and test error over iterations, as the paper's Figure 6")
      ->group(group);
}

}  // namespace

void add_train_options(CLI::App& app, TrainOptions& options) {
  add_data_and_output(app, options);
  add_network_options(app, options);
  add_descent_options(app, options);
  add_run_options(app, options);
  add_preprocess_options(app, options.preprocess, "Preparation");
  app.get_option("--mean")
      ->type_name(std::string("NUMBERS|") + pixel_mean_word)
      ->description(
          "numbers R,G,B, or one for all, that are subtracted; pixel: the mean of the training pictures at each pixel, which the "
          "network written subtracts by itself");
  app.footer(
      "Ctrl-C ends the step, writes the checkpoint and stops; pressed again it stops at once. Pictures that cannot be decoded\n"
      "are named, counted and left out; the exit code is then 5.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli train resnet20 cifar10 -o resnet20.onnx --epochs 20 --schedule cosine --log run.csv --curves run.svg\n"
      "  resnet-cli train resnet20 cifar10 -o resnet20.onnx --epochs 20 --schedule cosine --resume\n"
      "  resnet-cli train resnet18 photos -o mine.onnx --init resnet18.onnx --classes 10 --freeze backbone\n"
      "  resnet-cli train resnet56 cifar-10-batches-bin -o resnet56.onnx --recipe paper-cifar --split\n"
      "  resnet-cli train resnet50 imagenet -o resnet50.onnx --recipe paper-imagenet --accumulate 8 --dry-run");
}

}  // namespace resnet::cli
