#include "lib/base/shared_library.h"

#include <dlfcn.h>

#include <cerrno>
#include <utility>

#include "lib/base/error.h"

namespace resnet {

SharedLibrary::SharedLibrary(const std::string& file, std::string what) : what_(std::move(what)) {
  errno = 0;
  handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle_ != nullptr) return;
  const bool no_memory = errno == ENOMEM;
  const char* reason = dlerror();
  if (no_memory) throw Error(Fault::exhausted, "not enough memory to load " + what_);
  throw Error(Fault::unsupported, what_ + ", cannot be loaded: " + (reason == nullptr ? file : reason));
}

void* SharedLibrary::symbol(const char* name) const {
  void* address = dlsym(handle_, name);
  if (address == nullptr) throw Error(Fault::internal, what_ + ", has no function " + name);
  return address;
}

std::string folder_of_library(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace resnet
