// The one exception type of the project: what is wrong, and where, as values that a caller can ask for. It is thrown where
// something is found wrong, caught once per photo by whoever continues without it, and once in main.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace resnet {

// What is wrong; not what a program makes of it.
enum class Fault : std::uint8_t {
  malformed,    // a file or a graph breaks its format or contradicts itself
  unsupported,  // it is sound, but cannot be run, or written in that form
  mismatch,     // what a network is given does not fit it
  unreadable,   // a file cannot be opened or read
  unwritable,   // a file cannot be written
  invalid,      // a request does not fit: an argument of whoever calls
  failed,       // a check did not hold
  exhausted,    // memory or threads are not enough
  interrupted,  // the user has stopped it
  internal,     // internal error
};

// What a file was opened as: the same fault means different things of a model and of a photo.
enum class Role : std::uint8_t { none, argument, model, input, output };

// One step of the way to what is wrong.
struct Frame {
  enum class Kind : std::uint8_t {
    option,  // who asked for it, by the caller's name for it
    file,
    line,  // of the file
    pass,
    call,  // a node that calls a function; calls may be within calls
    node,
    value,      // "input 'x'" or "initializer 'x'"
    attribute,  // of the node
  };
  Kind kind = Kind::file;
  Role role = Role::none;
  std::string name{};  // as messages show it; a file without one is only known by its role

  static Frame file(Role role, std::string name = "") { return {Kind::file, role, std::move(name)}; }
  static Frame option(std::string name) { return {Kind::option, Role::none, std::move(name)}; }
  static Frame line(std::size_t number) { return {Kind::line, Role::none, "line " + std::to_string(number)}; }
  static Frame pass(std::string name) { return {Kind::pass, Role::none, std::move(name)}; }
  static Frame call(std::string label) { return {Kind::call, Role::none, std::move(label)}; }
  // `label` is what describe(node) gives: "node 'conv1' (Conv)".
  static Frame node(std::string label) { return {Kind::node, Role::none, std::move(label)}; }
  static Frame input(const std::string& name) { return {Kind::value, Role::none, "input '" + name + "'"}; }
  static Frame initializer(const std::string& name) { return {Kind::value, Role::none, "initializer '" + name + "'"}; }
  static Frame attribute(const std::string& name) { return {Kind::attribute, Role::none, "attribute '" + name + "'"}; }
};

// A line that a user can act on: "FILE: node 'conv1' (Conv): weight is 64x3x7x7, expected 64x4x7x7".
class Error : public std::exception {
 public:
  Error(Fault fault, std::string problem);
  Error(Fault fault, Frame where, std::string problem);

  // Adds what is around it. The innermost frame of a kind is the true one, and a second is ignored (but for calls); a file that
  // is known by its role alone takes the name.
  Error& in(Frame frame);

  Fault fault() const { return fault_; }
  // What the file was opened as in which it is wrong; none where no file is to blame.
  Role role() const;
  // Outermost first.
  const std::vector<Frame>& where() const { return where_; }
  // The innermost of the kind, or null.
  const Frame* find(Frame::Kind kind) const;
  // What is wrong, without where.
  const std::string& problem() const { return problem_; }
  // The line without the file, for lists that name it themselves.
  std::string without_file() const;
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  Fault fault_;
  std::vector<Frame> where_;
  std::string problem_, text_;
};

}  // namespace resnet
