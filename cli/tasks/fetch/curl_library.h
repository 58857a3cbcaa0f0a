// libcurl, loaded when something is fetched: most runs fetch nothing.
#pragma once

#include <curl/curl.h>

// Every function of libcurl that the module calls.
#define RESNET_CURL_FUNCTIONS(apply) \
  apply(curl_global_init);           \
  apply(curl_easy_init);             \
  apply(curl_easy_setopt);           \
  apply(curl_easy_perform);          \
  apply(curl_easy_getinfo);          \
  apply(curl_easy_cleanup);          \
  apply(curl_easy_reset);            \
  apply(curl_easy_strerror);         \
  apply(curl_slist_append);          \
  apply(curl_slist_free_all)

namespace resnet::cli {

// The functions under their own names: curl_library().curl_easy_init().
struct CurlLibrary {
#define RESNET_CURL_MEMBER(function) decltype(&::function) function = nullptr
  RESNET_CURL_FUNCTIONS(RESNET_CURL_MEMBER);
#undef RESNET_CURL_MEMBER
};

// Loads libcurl at the first call. Throws Error(unsupported) where it is not installed.
const CurlLibrary& curl_library();

}  // namespace resnet::cli
