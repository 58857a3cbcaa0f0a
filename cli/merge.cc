// `merge PARTS...`: the answers of all parts of a list, as one run would have given them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/shards.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"

namespace resnet::cli {

namespace {

struct MergeOptions {
  std::vector<std::string> parts;
  std::string output;
};

struct Part {
  std::string file;
  Shard shard;
};

Shard read_shard(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorKind::bad_input, file + ": cannot be opened");
  std::string line;
  std::getline(stream, line);
  const auto shard = parse_first_line(line);
  if (!shard) throw Error(ErrorKind::bad_input, file + ": is no part that predict --shard wrote");
  return *shard;
}

// All that is wrong with the parts as a whole, at once.
void check(const std::vector<Part>& parts) {
  std::vector<std::string> wrong;
  const Shard& first = parts.front().shard;
  std::vector<std::string> files(first.of);
  for (const Part& part : parts) {
    if (part.shard.of != first.of || part.shard.inputs != first.inputs) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: is part {} of {} of {} inputs, but {} is of {} of {}", part.file, part.shard.index,
                              part.shard.of, part.shard.inputs, parts.front().file, first.of, first.inputs));
    }
    if (part.shard.settings != first.settings) {
      throw Error(ErrorKind::bad_input, fmt::format("{}: was made with {}, but {} with {}", part.file, part.shard.settings,
                                                    parts.front().file, first.settings));
    }
    std::string& file = files.at(part.shard.index - 1);
    if (!file.empty())
      wrong.push_back(fmt::format("{} and {} are both part {} of {}", file, part.file, part.shard.index, first.of));
    file = part.file;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) wrong.push_back(fmt::format("part {} of {} is missing", i + 1, first.of));
  }
  if (!wrong.empty()) throw Error(ErrorKind::bad_input, fmt::format("{}", fmt::join(wrong, "; ")));
}

void copy(const Part& part, Output& output) {
  std::ifstream stream(part.file, std::ios::binary);
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    if (const auto end = parse_last_line(line)) {
      if (*end == part.shard) return;
      break;
    }
    if (stream.eof()) break;
    output.write(line + "\n");
    output.flush();
  }
  throw Error(ErrorKind::bad_input, fmt::format("{}: part {} of {} is not complete: predict --resume goes on with it", part.file,
                                                part.shard.index, part.shard.of));
}

int run(const MergeOptions& options, Context&) {
  std::vector<Part> parts;
  for (const std::string& file : options.parts) {
    parts.push_back({file, read_shard(file)});
    const Shard& shard = parts.back().shard;
    if (shard.index < 1 || shard.index > shard.of || shard.of > 1'000'000)
      throw Error(ErrorKind::bad_input, fmt::format("{}: calls itself part {} of {}", file, shard.index, shard.of));
  }
  Output output(options.output);
  check(parts);
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.shard.index < b.shard.index; });
  for (const Part& part : parts) {
    copy(part, output);
    throw_if_interrupted();
  }
  output.commit();
  return 0;
}

}  // namespace

Command add_merge(CLI::App& program) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* app =
      program.add_subcommand("merge", "The answers of all parts of predict --shard, as one run would have given them.");
  app->add_option("parts", options->parts, "the parts' files, in any order")
      ->type_name("FILE")
      ->option_text("PARTS...")
      ->required();
  add_text(*app, "-o,--output", options->output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app->footer(
      "Parts that are missing, not complete, or of other inputs are named, and nothing is written.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict resnet50.onnx photos --shard 1/3 -o part1.jsonl      # and 2/3 and 3/3 elsewhere\n"
      "  resnet-cli merge part1.jsonl part2.jsonl part3.jsonl -o answers.jsonl");
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
