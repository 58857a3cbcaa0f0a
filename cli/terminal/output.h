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

}  // namespace resnet::cli
