// What a run of `train` writes as it proceeds: checkpoints, its log, its curves.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/model/model.h"
#include "lib/train/trainer.h"

namespace resnet::cli {

// A .resnet file: the network as it is, which every command reads, with the velocities as further constants and the rest as
// metadata. `pixel_mean`: what is taken from its input, or empty. `options` is what the run was asked for. Whole or not at all:
// where the disk is full the last one stays. Throws Error(unwritable).
void write_checkpoint(const std::filesystem::path& file, const Model& model, const train::Checkpoint& checkpoint,
                      std::span<const float> pixel_mean, const std::string& options);

struct ReadCheckpoint {
  Model model;  // with the checkpoint's graph
  train::Checkpoint checkpoint;
  std::string options;
};
// Whether it is a checkpoint, of whatever run; false for one that is damaged.
bool is_checkpoint(const std::filesystem::path& file);
// Throws Error(malformed) for a file that is not a checkpoint.
ReadCheckpoint read_checkpoint(const std::filesystem::path& file);

// "iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_per_second,seconds", a line a row.
std::string log_csv(std::span<const train::Row> rows);
using NamedRun = std::pair<std::string, std::vector<train::Row>>;
// Iterations and errors alone, of one run without a name; where a column "network" says whose a line is, of each network in the
// order of their first lines. Throws Error(Role::input) "FILE: line 3: ..." for another text.
std::vector<NamedRun> parse_log(const std::string& text, const std::string& file);

}  // namespace resnet::cli
