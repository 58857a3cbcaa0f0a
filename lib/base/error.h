// The one exception type of the project. It is thrown where something is found wrong and caught once, in main.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace resnet {

// What kind of trouble an Error tells of; the numbers are the program's exit codes.
enum class ErrorKind {
  check_failed = 1,   // a check or comparison did not hold
  usage = 2,          // an option or an argument does not fit
  invalid_model = 3,  // a model file cannot be read or contradicts itself
  unsupported = 4,    // the model uses what cannot be run, or cannot be written at this opset
  bad_input = 5,      // an image or a tensor that was to be processed cannot be
  output = 6,         // an output cannot be written
  interrupted = 130,  // the user pressed Ctrl-C
  internal = 70,      // our own fault
};

// One line that a user can act on. Loops that know more (the file, the node, the pass) put it in front with add_context.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // Puts "context: " in front of the message.
  void add_context(const std::string& context) { message_ = context + ": " + message_; }

 private:
  ErrorKind kind_;
  std::string message_;
};

}  // namespace resnet
