#include "lib/image/vips_library.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/base/shared_library.h"

namespace resnet::image {

namespace {

// What libraries say to stderr of a photo, or of memory that is short; what matters comes as an error.
void drop_message(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* /*message*/, gpointer /*data*/) {}

VipsLibrary load() {
  const SharedLibrary library(fmt::format("libvips.so.{}", VIPS_LIBRARY_CURRENT - VIPS_LIBRARY_AGE),
                              "libvips, which decodes photos");
  VipsLibrary vips;
#define RESNET_VIPS_FIND(function) library.find(#function, vips.function)
  RESNET_VIPS_FUNCTIONS(RESNET_VIPS_FIND);
#undef RESNET_VIPS_FIND
  if (vips.vips_init("resnet-cli") != 0) {
    throw Error(Fault::internal, fmt::format("libvips, which decodes photos, cannot be started: {}", vips.vips_error_buffer()));
  }
  vips.vips_block_untrusted_set(TRUE);
  vips.vips_concurrency_set(1);
  vips.vips_cache_set_max(0);
  const auto levels =
      static_cast<GLogLevelFlags>(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO);
  for (const char* domain : {"VIPS", "GLib", "GLib-GObject"}) vips.g_log_set_handler(domain, levels, drop_message, nullptr);
  return vips;
}

}  // namespace

const VipsLibrary& vips_library() {
  static const VipsLibrary library = load();
  return library;
}

}  // namespace resnet::image
