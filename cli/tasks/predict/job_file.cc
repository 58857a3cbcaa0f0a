#include "cli/tasks/predict/job_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <system_error>

#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Nothing where there is no such file. No more than could be ours is read.
std::optional<std::string> text_of(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (status.type() == fs::file_type::not_found) {
    // A link to nothing is somebody's, too.
    if (fs::symlink_status(file, failed).type() == fs::file_type::not_found) return std::nullopt;
    throw Error(Fault::invalid, file.string() + ": is a link to nothing");
  }
  if (!failed && !fs::is_regular_file(status)) throw Error(Fault::invalid, file.string() + ": is not a regular file");
  errno = 0;
  std::ifstream stream;
  if (!failed) stream.open(file, std::ios::binary);
  if (failed || !stream) {
    throw Error(Fault::invalid,
                fmt::format("{}: cannot be opened: {}", file.string(), failed ? failed.message() : std::strerror(errno)));
  }
  std::string text(answers::longest_job + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

JobFile::JobFile(const std::string& answers) : file_(answers + ".job") {
  const std::optional<std::string> text = text_of(file_);
  if (!text) return;
  try {
    const answers::JobRecord record = answers::parse_job(*text);
    found_ = Job{record.size, identity_from_json(record.identity), record.complete_bytes};
  } catch (Error& error) {
    error.in(Frame::file(Role::argument, file_.string()));
    throw;
  }
}

void JobFile::write(const Job& job) const {
  AtomicFile file(file_);
  file.stream() << answers::to_line({job.size, to_json(job.identity), job.complete_bytes});
  file.commit();
}

}  // namespace resnet::cli
