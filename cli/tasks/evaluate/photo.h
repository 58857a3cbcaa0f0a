// A photo of a job's list, with its class, and a line of the job's answers: what each row answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"

namespace resnet::cli {

struct Photo {
  std::filesystem::path file;
  std::int64_t truth = 0;
  std::optional<std::size_t> number;  // in a file that holds several

  // As a path of the list: "207 - dog.jpg", "3 17 test_batch.bin".
  std::string to_text() const;
  // "dog.jpg", "test_batch.bin[17]".
  std::string name() const;
};
// Throws Error(unreadable) for other text.
Photo parse_photo(const Input& listed);

// What the rows answered: classes, the likeliest first; nothing where the photo failed, and why.
struct PhotoAnswers {
  std::int64_t truth = 0;
  std::vector<std::optional<std::vector<std::int64_t>>> rows;
  std::string error;  // the first one; empty where none failed
};
// A line with its end. One of which a row failed has "error".
std::string to_line(const std::string& name, const PhotoAnswers& answers);
// Throws Error(unreadable), without the file, for a line of something else or of another number of rows.
PhotoAnswers parse_line(const std::string& line, std::size_t rows);

}  // namespace resnet::cli
