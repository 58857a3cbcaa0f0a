#include "cli/tasks/fetch/curl_library.h"

#include "lib/base/error.h"
#include "lib/base/shared_library.h"

namespace resnet::cli {

namespace {

constexpr const char* what = "libcurl, which fetches published weights";

SharedLibrary find_library() {
  try {
    return {RESNET_CURL_LIBRARY, what};
  } catch (const Error&) {
    // The same interface over another library for TLS, where only that is installed.
    try {
      return {"libcurl-gnutls.so.4", what};
    } catch (const Error&) {
    }
    throw;
  }
}

CurlLibrary load() {
  const SharedLibrary library = find_library();
  CurlLibrary curl;
#define RESNET_CURL_FIND(function) library.find(#function, curl.function)
  RESNET_CURL_FUNCTIONS(RESNET_CURL_FIND);
#undef RESNET_CURL_FIND
  if (curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw Error(Fault::internal, "libcurl cannot be started");
  return curl;
}

}  // namespace

const CurlLibrary& curl_library() {
  static const CurlLibrary library = load();
  return library;
}

}  // namespace resnet::cli
