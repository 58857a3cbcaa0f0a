// Where data goes: stdout, or the file that --output names.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/tasks/sink.h"

namespace resnet::cli {

class Output : public Sink {
 public:
  // An empty name or "-" is stdout. Throws as FileSink does.
  explicit Output(const std::string& file);

  void commit() override;
  bool is_terminal() const override;

 protected:
  // To a terminal without characters that would steer it.
  void send(std::string_view bytes) override;

 private:
  std::optional<FileSink> file_;
};

// "text", "json", "csv" or "md": what is asked for, else by the ending of the output's name, else text.
std::string choose_table_format(const std::string& asked, const std::string& output);

}  // namespace resnet::cli
