#include "cli/tasks/predict/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/tasks/identity/identity.h"
#include "cli/tasks/predict/shards.h"
#include "cli/tasks/sink.h"
#include "formats/answers/parts.h"
#include "formats/answers/read.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/file_stamp.h"

namespace resnet::cli {

namespace {

// A part that is there: its first line, and where its answers are.
struct Part {
  std::string file;
  PartHeader header;
  std::uintmax_t begin = 0, end = 0;  // of the answers, in bytes
  std::size_t answers = 0;
  FileStamp stamp;  // of the file that was looked at
};

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(Fault::unreadable, Frame::file(Role::input), fmt::format("{}: {}", file, what));
}

Part read_header(const std::string& file) try {
  Part part{.file = file};
  answers::LineReader lines(file);
  if (!lines.is_there()) refuse(file, "cannot be opened: No such file or directory");
  part.stamp = stamp_of(file);
  std::string line;
  const bool any = lines.next(line) && lines.has_end();
  std::optional<PartHeader> header;
  try {
    if (any) header = parse_first_line(line);
  } catch (const Error& error) {
    refuse(file, error.what());
  }
  if (!header) refuse(file, "is not a part that predict --shard wrote");
  part.header = std::move(*header);
  part.begin = lines.end();
  const answers::Shard& shard = part.header.shard;
  if (shard.index < 1 || shard.index > shard.of || shard.of > 1'000'000)
    refuse(file, fmt::format("calls itself part {} of {}", shard.index, shard.of));
  return part;
} catch (const Error& error) {
  throw Error(Fault::unreadable, Frame::file(Role::input), error.what());
}

// All that is wrong with the parts as a whole, at once.
void check(const std::vector<Part>& parts) {
  constexpr std::size_t most_named = 10;
  std::vector<std::string> wrong;
  std::size_t count = 0;
  const auto add = [&](const std::string& what) {
    if (++count <= most_named) wrong.push_back(what);
  };
  const answers::Shard& first = parts.front().header.shard;
  std::vector<std::string> files(first.of);
  for (const Part& part : parts) {
    const answers::Shard& shard = part.header.shard;
    if (shard.of != first.of || shard.inputs != first.inputs) {
      refuse(part.file, fmt::format("is part {} of {} of {}, but {} is of {} of {}", shard.index, shard.of,
                                    counted(shard.inputs, "input"), parts.front().file, first.of, first.inputs));
    }
    if (shard.list != first.list) {
      refuse(part.file, fmt::format("was made of another list of inputs than {}: a folder or a list changed between them",
                                    parts.front().file));
    }
    const auto different = differences(part.header.identity, parts.front().header.identity);
    if (!different.empty()) {
      refuse(part.file,
             fmt::format("was made with {}, but {} with {}", left_of(different), parts.front().file, right_of(different)));
    }
    std::string& file = files.at(shard.index - 1);
    if (!file.empty()) add(fmt::format("{} and {} are both part {} of {}", file, part.file, shard.index, first.of));
    file = part.file;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) add(fmt::format("part {} of {} is missing", i + 1, first.of));
  }
  if (count > most_named) wrong.push_back(fmt::format("{} more", count - most_named));
  if (!wrong.empty()) throw Error(Fault::unreadable, Frame::file(Role::input), fmt::format("{}", fmt::join(wrong, "; ")));
}

// Counts the answers: all are here, each once, and nothing else is.
void check_answers(Part& part, Stop stop) {
  const answers::Shard& shard = part.header.shard;
  answers::LineReader lines(part.file);
  answers::Tally tally;
  std::string line;
  lines.next(line);
  while (lines.next(line)) {
    if ((lines.number() & 0xfff) == 0) stop.check();
    if (!lines.has_end() && !lines.is_foreign()) break;
    if (const auto end = answers::parse_last_line(line)) {
      if (*end != answers::PartEnd{shard.index, shard.of, tally} || tally.answers < shard.count) {
        const auto expected = std::max<std::uint64_t>(end->tally.answers, shard.count);
        const std::string what = tally.answers == expected
                                     ? fmt::format("holds other answers than the {} of its last line", expected)
                                     : fmt::format("holds {}, expected {}", counted(tally.answers, "answer"), expected);
        refuse(part.file, fmt::format("part {} of {} {}; it is damaged: make it again", shard.index, shard.of, what));
      }
      part.end = lines.begin();
      part.answers = tally.answers;
      if (lines.next(line)) refuse(part.file, fmt::format("line {}: follows the end of the part", lines.number()));
      return;
    }
    const auto answer = answers::parse_answer_line(line);
    if (!answer)
      refuse(part.file, fmt::format("line {}: is not an answer of predict, expected {{\"input\": ...}}", lines.number()));
    tally.add(answer->key());
  }
  refuse(part.file, fmt::format("part {} of {} is incomplete; finish it with predict --shard {}/{} --resume", shard.index,
                                shard.of, shard.index, shard.of));
}

constexpr std::size_t block_bytes = 1 << 20;

// `kept`: bytes that the output has and has not written; they are written by blocks, whatever the parts' sizes.
void copy(const Part& part, Sink& output, std::size_t& kept, Stop stop) {
  std::ifstream stream(part.file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(part.begin));
  std::vector<char> block(block_bytes);
  for (std::uintmax_t left = part.end - part.begin; left > 0;) {
    stop.check();
    stream.read(block.data(), static_cast<std::streamsize>(std::min<std::uintmax_t>(left, block.size())));
    const auto got = static_cast<std::size_t>(stream.gcount());
    if (got == 0) break;
    output.write(std::string_view(block.data(), got));
    kept += got;
    if (kept >= block_bytes) {
      output.flush();
      kept = 0;
    }
    left -= got;
  }
  if (stamp_of(part.file) != part.stamp) refuse(part.file, "changed while it was read");
}

}  // namespace

MergeResult merge(const MergeRequest& request, const TaskContext& context) {
  std::vector<Part> parts;
  for (const std::string& file : request.parts) {
    context.before_reading(file);
    parts.push_back(read_header(file));
  }
  check(parts);
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.header.shard.index < b.header.shard.index; });
  for (Part& part : parts) check_answers(part, context.stop);
  const std::unique_ptr<Sink> output = context.open(request.output);
  MergeResult result;
  std::size_t kept = 0;
  for (const Part& part : parts) {
    copy(part, *output, kept, context.stop);
    ++result.parts;
    result.answers += part.answers;
  }
  output->commit();
  return result;
}

}  // namespace resnet::cli
