// --job FOLDER: the options of commands whose work several processes share.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace resnet::cli {

struct JobOptions {
  std::string folder;
  std::size_t chunk = 0;  // 0: as many as default_chunk() says
  bool no_wait = false, status = false, retry_failed = false;

  bool any() const { return !folder.empty() || chunk > 0 || no_wait || status || retry_failed; }
};
void add_job_options(CLI::App& app, JobOptions& options);

// The options of a command as they were given, as words that parse to the same; without its arguments, those of add_job_options
// and those named ("--output").
std::vector<std::string> words_of_options(const CLI::App& app, std::initializer_list<std::string_view> left_out);

}  // namespace resnet::cli
