#include "cli/tasks/fetch/http.h"

#include <algorithm>
#include <cctype>
#include <exception>

#include "cli/tasks/fetch/curl_library.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

constexpr std::size_t most_header_bytes = std::size_t{256} << 10;
constexpr std::size_t most_text_bytes = 4096;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// What the callbacks of one request share.
struct Exchange {
  const HttpRequest& request;
  HttpAnswer& answer;
  const Stop& stop;
  CURL* handle;
  std::size_t header_bytes = 0;
  bool too_many_headers = false;
  std::exception_ptr thrown;
};

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  Exchange& self = *static_cast<Exchange*>(exchange);
  const std::string_view line(bytes, size * count);
  self.header_bytes += line.size();
  self.too_many_headers = self.header_bytes > most_header_bytes;
  if (self.too_many_headers) return 0;
  if (line.starts_with("HTTP/")) {
    self.answer.headers.clear();  // those before belong to a 100, or to the proxy's answer
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon != line.npos) self.answer.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  return line.size();
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  Exchange& self = *static_cast<Exchange*>(exchange);
  const std::string_view piece(bytes, size * count);
  long& status = self.answer.status;
  curl_library().curl_easy_getinfo(self.handle, CURLINFO_RESPONSE_CODE, &status);
  if ((status != 200 && status != 206) || !self.request.body) {
    self.answer.text += piece.substr(0, most_text_bytes - std::min(most_text_bytes, self.answer.text.size()));
    return self.answer.text.size() < most_text_bytes ? piece.size() : 0;
  }
  try {
    self.request.body(self.answer, piece);
    return piece.size();
  } catch (...) {
    self.thrown = std::current_exception();
    return 0;
  }
}

int look_at_stop(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(exchange)->stop.requested() ? 1 : 0;
}

HttpFailure failure_of(CURLcode code, bool proxy_refused) {
  if (proxy_refused) return HttpFailure::proxy;
  switch (code) {
    case CURLE_OK: return HttpFailure::none;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY: return HttpFailure::proxy;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return HttpFailure::no_address;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE: return HttpFailure::certificate;
    case CURLE_WEIRD_SERVER_REPLY: return HttpFailure::headers;
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::silent;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING: return HttpFailure::cut;
    default: return HttpFailure::no_answer;  // of libcurl's many codes
  }
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

struct HttpClient::State {
  HttpSettings settings;
  Stop stop;
  CURL* handle = nullptr;
};

HttpClient::HttpClient(HttpSettings settings, Stop stop) : state_(new State{std::move(settings), stop}) {
  state_->handle = curl_library().curl_easy_init();
  if (state_->handle == nullptr) throw Error(Fault::exhausted, "not enough memory to fetch anything");
}

HttpClient::~HttpClient() {
  if (state_->handle != nullptr) curl_library().curl_easy_cleanup(state_->handle);
}

HttpAnswer HttpClient::send(const HttpRequest& request) {
  state_->stop.check();
  const CurlLibrary& curl = curl_library();
  CURL* handle = state_->handle;
  HttpAnswer answer;
  Exchange exchange{request, answer, state_->stop, handle};
  curl.curl_easy_reset(handle);
  const auto set = [&](CURLoption option, auto value) { curl.curl_easy_setopt(handle, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "resnet-cli");
  set(CURLOPT_NOBODY, request.head ? 1L : 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(state_->settings.connect.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max<long>(1, static_cast<long>(state_->settings.silence.count() / 1000)));
  if (request.head) set(CURLOPT_TIMEOUT_MS, static_cast<long>(3 * state_->settings.silence.count()));
  if (!state_->settings.certificates.empty()) set(CURLOPT_CAINFO, state_->settings.certificates.c_str());
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &look_at_stop);
  set(CURLOPT_XFERINFODATA, &exchange);
  curl_slist* lines = curl.curl_slist_append(nullptr, "Accept-Encoding: identity");
  // Not libcurl's own way, which gives up where a server has no ranges.
  if (request.from > 0) lines = curl.curl_slist_append(lines, ("Range: bytes=" + std::to_string(request.from) + "-").c_str());
  if (!request.token.empty()) lines = curl.curl_slist_append(lines, ("Authorization: Bearer " + request.token).c_str());
  set(CURLOPT_HTTPHEADER, lines);
  const CURLcode code = curl.curl_easy_perform(handle);
  curl.curl_slist_free_all(lines);
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  state_->stop.check();
  long tunnel = 0;
  curl.curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  curl.curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &tunnel);
  char* redirect = nullptr;
  curl.curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) answer.redirect = redirect;
  if (code == CURLE_OK && answer.status != 407) return answer;
  // A body that nobody wants was long enough; a range that is not there is a status.
  if (answer.status >= 300 && answer.status != 407 && (code == CURLE_WRITE_ERROR || code == CURLE_RANGE_ERROR)) return answer;
  answer.failure = exchange.too_many_headers ? HttpFailure::headers : failure_of(code, tunnel >= 400 || answer.status == 407);
  answer.reason = curl.curl_easy_strerror(code);
  if (tunnel >= 400 || answer.status == 407) answer.reason = "it answers " + std::to_string(std::max(tunnel, answer.status));
  return answer;
}

std::string origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return "";
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != host.npos) host = host.substr(at + 1);
  return lower(url.substr(0, scheme + 3)) + lower(host);
}

}  // namespace resnet::cli
