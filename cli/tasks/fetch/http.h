// One request over HTTP: nothing is followed and nothing is tried again here. What a server says is bounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/stop.h"

namespace resnet::cli {

// How a transfer ended, where it did not end well.
enum class HttpFailure {
  none,
  no_address,   // the host's name is not known
  no_answer,    // cannot be connected to
  silent,       // connected, and then nothing for long
  proxy,        // the proxy is not there or refuses
  certificate,  // who answers cannot prove to be the host
  cut,          // ended early
  headers,      // more headers than anybody needs, or what is not HTTP
};

struct HttpAnswer {
  HttpFailure failure = HttpFailure::none;
  std::string reason;  // libcurl's own words for a failure
  long status = 0;
  std::map<std::string, std::string> headers;  // of the last answer; names in lower case
  std::string redirect;                        // the whole address that Location names
  std::string text;                            // the beginning of a body that is not wanted

  // Empty where it is not there.
  std::string header(const std::string& name) const;
  bool is_redirect() const { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }
};

struct HttpRequest {
  std::string url;
  bool head = false;
  std::string token;       // sent as it is to this address
  std::uint64_t from = 0;  // the first byte that is wanted
  // What a body of status 200 or 206 is given to, piece by piece, with the status and headers; what it throws ends the request
  // and is thrown on.
  std::function<void(const HttpAnswer& answer, std::string_view bytes)> body;
};

struct HttpSettings {
  std::chrono::milliseconds connect{10'000}, silence{10'000};
  std::string certificates;  // a file of those that are trusted besides the system's way; empty: the system's
};

// Keeps the connection for the next request to the same host.
class HttpClient {
 public:
  // Throws Error(unsupported) where libcurl is not there.
  HttpClient(HttpSettings settings, Stop stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Throws Error(interrupted), and what `body` throws.
  HttpAnswer send(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "https://host:port" of an address, in lower case; empty where it has another form. Names and passwords in it are left out.
std::string origin_of(std::string_view url);

}  // namespace resnet::cli
