# oneDNN, as Debian packages it, on OpenMP: DNNL_INCLUDE_DIR, and DNNL_SONAME, the name by which lib/train loads it.
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(DNNL_LIBRARY dnnl)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DNNL REQUIRED_VARS DNNL_LIBRARY DNNL_INCLUDE_DIR)
if(DNNL_FOUND)
  resnet_soname(DNNL_SONAME "${DNNL_LIBRARY}")
endif()
mark_as_advanced(DNNL_INCLUDE_DIR DNNL_LIBRARY)
