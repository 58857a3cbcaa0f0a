#include "lib/image/vips_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cerrno>

#include "lib/base/error.h"

namespace resnet::image {

namespace {

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) throw Error(Fault::internal, fmt::format("libvips, which decodes photos, has no function {}", name));
  function = reinterpret_cast<Function*>(symbol);
}

// Warnings of a photo's loader; what matters comes as an error.
void drop_warning(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* /*message*/, gpointer /*data*/) {}

VipsLibrary load() {
  const std::string name = fmt::format("libvips.so.{}", VIPS_LIBRARY_CURRENT - VIPS_LIBRARY_AGE);
  errno = 0;
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const bool no_memory = errno == ENOMEM;
    const char* reason = dlerror();
    if (no_memory) throw Error(Fault::unsupported, "not enough memory to load libvips, which decodes photos");
    throw Error(Fault::internal,
                fmt::format("libvips, which decodes photos, cannot be loaded: {}", reason == nullptr ? name : reason));
  }
  VipsLibrary vips;
#define RESNET_VIPS_FIND(function) find(library, #function, vips.function)
  RESNET_VIPS_FUNCTIONS(RESNET_VIPS_FIND);
#undef RESNET_VIPS_FIND
  if (vips.vips_init("resnet-cli") != 0) {
    throw Error(Fault::internal, fmt::format("libvips, which decodes photos, does not start: {}", vips.vips_error_buffer()));
  }
  vips.vips_block_untrusted_set(TRUE);
  vips.vips_concurrency_set(1);
  vips.vips_cache_set_max(0);
  vips.g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, drop_warning, nullptr);
  return vips;
}

}  // namespace

const VipsLibrary& vips_library() {
  static const VipsLibrary library = load();
  return library;
}

}  // namespace resnet::image
