// The one exception that the library throws.
#pragma once

#include <stdexcept>
#include <string>

#include "resnet/export.h"

RESNET_NAMESPACE_BEGIN

// What kind of trouble an Error is about.
enum class Fault {
  invalid_argument,  // an option or an argument does not fit
  invalid_model,     // a model cannot be read, or contradicts itself
  unsupported,       // a model cannot be run: an operator, its inputs, too little memory, a library that is not installed
  invalid_input,     // a photo cannot be read, or numbers do not fit the network's input
  internal           // a mistake of the library
};

// what() is one line: which file or node, what was found, what was expected.
class RESNET_API Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& message);
  ~Error() override;

  Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

RESNET_NAMESPACE_END
