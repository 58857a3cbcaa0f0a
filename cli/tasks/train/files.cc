#include "cli/tasks/train/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/native/native.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/passes/passes.h"
#include "lib/train/pixel_mean.h"

namespace resnet::cli {

namespace {

constexpr std::string_view velocity_prefix = "velocity/";
constexpr const char *progress_key = "training.progress", *options_key = "training.options", *rows_key = "training.rows";

constexpr const char* header =
    "iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_per_second,seconds\n";

// Hexadecimal, so that every bit comes back.
std::string exact(double value) { return fmt::format("{:a}", value); }
std::string exact(const std::optional<double>& value) { return value ? exact(*value) : ""; }

[[noreturn]] void refuse(const std::string& file) {
  throw Error(Fault::malformed, fmt::format("{}: is not a checkpoint of a training run", file));
}

double number(const std::string& text, const std::string& file) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') refuse(file);
  return value;
}

std::int64_t integer(const std::string& text, const std::string& file) {
  const auto value = parse_integer(text);
  if (!value || *value < 0) refuse(file);
  return *value;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& file, const Model& model, const train::Checkpoint& checkpoint,
                      std::span<const float> pixel_mean, const std::string& options) {
  Model written = model;
  written.graph = pixel_mean.empty() ? checkpoint.graph : train::with_pixel_mean(checkpoint.graph, pixel_mean);
  for (const auto& [name, velocity] : checkpoint.velocities)
    written.graph.add_constant(std::string(velocity_prefix) + name, velocity);
  written.metadata[options_key] = options;
  written.metadata[progress_key] =
      fmt::format("{} {} {} {} {} {} {}", checkpoint.iteration, exact(checkpoint.loss), exact(checkpoint.seconds_in_row),
                  exact(checkpoint.seconds), checkpoint.correct, checkpoint.images, checkpoint.warmed_up);
  std::string rows;
  for (const train::Row& row : checkpoint.rows) {
    rows += fmt::format("{} {} {} {} {} {} {} {} {}\n", row.iteration, exact(row.epoch), exact(row.rate),
                        exact(row.training_loss), exact(row.training_error), exact(row.test_loss), exact(row.test_error),
                        exact(row.images_per_second), exact(row.seconds));
  }
  written.metadata[rows_key] = rows;
  native::write(written, file);
}

bool is_checkpoint(const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(file, none)) return false;
  try {
    const auto metadata = native::read(file, {.verify = false}).metadata;
    return metadata.contains(progress_key) && metadata.contains(options_key) && metadata.contains(rows_key);
  } catch (const Error& error) {
    if (error.fault() == Fault::interrupted) throw;
    return false;
  }
}

ReadCheckpoint read_checkpoint(const std::filesystem::path& file) {
  const std::string name = file.string();
  ReadCheckpoint result;
  result.model = native::read(file);
  auto& metadata = result.model.metadata;
  if (!metadata.contains(progress_key) || !metadata.contains(options_key) || !metadata.contains(rows_key)) refuse(name);
  result.options = metadata[options_key];
  train::Checkpoint& checkpoint = result.checkpoint;
  const std::vector<std::string> words = split(metadata[progress_key], ' ');
  if (words.size() != 6 && words.size() != 7) refuse(name);
  checkpoint.iteration = integer(words[0], name);
  checkpoint.loss = number(words[1], name);
  checkpoint.seconds_in_row = number(words[2], name);
  checkpoint.seconds = number(words[3], name);
  checkpoint.correct = integer(words[4], name);
  checkpoint.images = integer(words[5], name);
  // Not in files of before.
  if (words.size() == 7 && words[6] != "-1") checkpoint.warmed_up = integer(words[6], name);
  for (const std::string& line : split(metadata[rows_key], '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string> fields = split(line, ' ');
    if (fields.size() != 9) refuse(name);
    const auto maybe = [&](std::size_t i) { return fields[i].empty() ? std::nullopt : std::optional(number(fields[i], name)); };
    checkpoint.rows.push_back({.iteration = integer(fields[0], name),
                               .epoch = number(fields[1], name),
                               .rate = number(fields[2], name),
                               .training_loss = number(fields[3], name),
                               .training_error = number(fields[4], name),
                               .test_loss = maybe(5),
                               .test_error = maybe(6),
                               .images_per_second = number(fields[7], name),
                               .seconds = number(fields[8], name)});
  }
  for (const Node& node : result.model.graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant != nullptr && node.outputs[0].name.starts_with(velocity_prefix))
      checkpoint.velocities.emplace(node.outputs[0].name.substr(velocity_prefix.size()), constant->value);
  }
  PassLog log;
  result.model.graph = checkpoint.graph = remove_dead_nodes(result.model.graph, log);
  for (const char* key : {progress_key, options_key, rows_key}) metadata.erase(key);
  return result;
}

std::string log_csv(std::span<const train::Row> rows) {
  std::string text = header;
  const auto maybe = [](const std::optional<double>& value) { return value ? fmt::format("{:.5f}", *value) : ""; };
  for (const train::Row& row : rows) {
    text +=
        fmt::format("{},{:.3f},{:.6g},{:.5f},{:.5f},{},{},{:.1f},{:.1f}\n", row.iteration, row.epoch, row.rate, row.training_loss,
                    row.training_error, maybe(row.test_loss), maybe(row.test_error), row.images_per_second, row.seconds);
  }
  return text;
}

std::vector<NamedRun> parse_log(const std::string& text, const std::string& file) {
  constexpr std::string_view own = "network,";
  const std::size_t first = text.starts_with(own) ? 1 : 0;  // of several networks: tools/degradation writes such
  if (!std::string_view(text).substr(first * own.size()).starts_with(header)) {
    throw Error(Fault::unreadable, Frame::file(Role::input),
                fmt::format("{}: is not a log of a training run: expected the columns {}", file,
                            std::string_view(header).substr(0, std::string_view(header).size() - 1)));
  }
  std::vector<NamedRun> runs;
  if (first == 0) runs.emplace_back();
  std::size_t line_number = 0;
  for (const std::string& line : split(text, '\n')) {
    if (++line_number == 1 || line.empty()) continue;
    const std::vector<std::string> fields = split(line, ',');
    const auto refuse_line = [&] {
      throw Error(Fault::unreadable, Frame::file(Role::input),
                  fmt::format("{}: line {}: '{}' is not a line of a log", file, line_number, line));
    };
    if (fields.size() != 9 + first) refuse_line();
    const auto share = [&](std::size_t i) {
      const auto value = parse_number(fields[first + i]);
      if (!value) refuse_line();
      return static_cast<double>(*value);
    };
    const auto iteration = parse_integer(fields[first]);
    if (!iteration) refuse_line();
    train::Row row{.iteration = *iteration, .training_error = share(4)};
    if (!fields[first + 6].empty()) row.test_error = share(6);
    const std::string name = first == 0 ? "" : fields[0];
    auto run = std::find_if(runs.begin(), runs.end(), [&](const NamedRun& known) { return known.first == name; });
    if (run == runs.end()) run = runs.insert(run, {name, {}});
    run->second.push_back(row);
  }
  return runs;
}

}  // namespace resnet::cli
