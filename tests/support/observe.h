// What tests look at: the Error that is thrown, what a file holds, what lies in a folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "lib/base/error.h"

namespace resnet::test {

// The fault and the line of the Error that `action` throws.
inline std::pair<Fault, std::string> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.fault(), error.what()};
  }
  return {Fault::internal, "no error"};
}

inline std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

}  // namespace resnet::test
