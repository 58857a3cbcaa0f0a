// A shared library that is loaded when something first needs it: what most runs never use is not to cost every start.
#pragma once

#include <string>

namespace resnet {

class SharedLibrary {
 public:
  // `file` is a name for the system's loader ("libvips.so.42") or a path; `what` names the library and its purpose in messages
  // ("libvips, which decodes photos"). It stays loaded until the process ends. Throws Error(unsupported) where it is not there,
  // or memory is short.
  SharedLibrary(const std::string& file, std::string what);

  // Its function of this name, or that of a library which it brings with it. Throws Error(internal) where there is none.
  template <typename Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(symbol(name));
  }
  // The address of a variable or function.
  void* symbol(const char* name) const;

 private:
  std::string what_;
  void* handle_ = nullptr;
};

// The folder that holds the loaded library to which `address` belongs, with a slash at its end; empty where that is unknown.
std::string folder_of_library(const void* address);

}  // namespace resnet
