// Any bytes as the configuration beside weights, of either library, and as transformers' preprocessor_config.json: an error or
// values that a network can have, and nothing else.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "formats/hubconfig/hubconfig.h"
#include "lib/base/error.h"

namespace {

using resnet::Preprocessing;
using resnet::hubconfig::Configuration;

void check(bool holds) {
  if (!holds) std::abort();
}

// One line that a terminal may be given.
void check_line(std::string_view line) {
  for (const char c : line) check(static_cast<unsigned char>(c) >= 32 && c != 127);
}

void check_preparation(const Preprocessing& preprocessing) {
  for (const float value : preprocessing.mean) check(std::isfinite(value));
  for (const float value : preprocessing.std) check(std::isfinite(value) && value > 0);
}

void check_configuration(const Configuration& configuration) {
  check(configuration.labels.size() <= 10'000'000);
  check(!configuration.classes || *configuration.classes >= 0);
  check(configuration.labels.empty() || !configuration.classes ||
        configuration.labels.size() == static_cast<std::size_t>(*configuration.classes));
  for (const std::string& label : configuration.labels) check_line(label);
  for (const std::string& note : configuration.notes) check_line(note);
  check_line(configuration.architecture);
  check_line(configuration.tag);
  check_line(configuration.license);
  if (configuration.preprocessing) check_preparation(*configuration.preprocessing);
  if (configuration.test_preprocessing) check_preparation(*configuration.test_preprocessing);
}

template <typename Parse>
void try_to(const Parse& parse) {
  try {
    parse();
  } catch (const resnet::Error& error) {
    check_line(error.what());
    check(error.fault() == resnet::Fault::malformed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);  // of its own: what is read past its end is seen
  try_to([&] { check_configuration(resnet::hubconfig::parse(text, "x")); });
  try_to([&] { check_preparation(resnet::hubconfig::parse_preprocessor(text, "x")); });
  return 0;
}
