// libvips, loaded when the first photo comes: linked to the program it would cost every run 20 ms and 20 MB.
#pragma once

#include <vips/vips.h>

// Every function of libvips and GLib that the module calls.
#define RESNET_VIPS_FUNCTIONS(apply)      \
  apply(vips_init);                       \
  apply(vips_block_untrusted_set);        \
  apply(vips_concurrency_set);            \
  apply(vips_cache_set_max);              \
  apply(vips_thread_shutdown);            \
  apply(vips_error_buffer);               \
  apply(vips_error_clear);                \
  apply(vips_foreign_find_load_buffer);   \
  apply(vips_image_new_from_buffer);      \
  apply(vips_image_new_from_memory_copy); \
  apply(vips_image_write_to_buffer);      \
  apply(g_free);                          \
  apply(vips_image_get_width);            \
  apply(vips_image_get_height);           \
  apply(vips_image_get_bands);            \
  apply(vips_image_get_format);           \
  apply(vips_image_get_interpretation);   \
  apply(vips_image_get_orientation);      \
  apply(vips_image_get_typeof);           \
  apply(vips_image_get_string);           \
  apply(vips_image_map);                  \
  apply(vips_colourspace);                \
  apply(vips_cast);                       \
  apply(vips_region_new);                 \
  apply(vips_region_prepare);             \
  apply(g_object_unref);                  \
  apply(g_log_set_handler)

namespace resnet::image {

// The functions under their own names: vips_library().vips_init(...).
struct VipsLibrary {
#define RESNET_VIPS_MEMBER(function) decltype(&::function) function = nullptr
  RESNET_VIPS_FUNCTIONS(RESNET_VIPS_MEMBER);
#undef RESNET_VIPS_MEMBER
};

// Loads and initialises libvips at the first call: one thread per photo, no cache of operations, only loaders that are fit for
// untrusted files. Throws Error(unsupported) where it is not installed.
const VipsLibrary& vips_library();

}  // namespace resnet::image
