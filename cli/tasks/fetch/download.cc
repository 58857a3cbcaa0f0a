#include "cli/tasks/fetch/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <thread>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr int most_redirects = 5;
constexpr double mebibyte = 1 << 20;

Error failure(Fault fault, const std::string& name, const std::string& problem) {
  return {fault, Frame::file(Role::model, name), problem};
}

// "model.safetensors 12.0/44.7 MiB  26%  11.3 MiB/s  3 s left", redrawn ten times a second at most.
class Rate {
 public:
  Rate(Observer& observer, std::string name, std::optional<std::uint64_t> size, std::uint64_t from)
      : observer_(observer), name_(std::move(name)), size_(size), from_(from) {}
  ~Rate() { observer_.progress(""); }

  // Where it was not known before.
  void set_size(std::uint64_t size) { size_ = size; }
  void update(std::uint64_t done) {
    const auto now = Clock::now();
    if (!observer_.shows_progress() || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 && done > from_ ? static_cast<double>(done - from_) / seconds : 0;
    const double mib = static_cast<double>(done) / mebibyte;
    std::string line = fmt::format("{} {:.1f}", name_, mib);
    if (size_) line += fmt::format("/{:.1f}", static_cast<double>(*size_) / mebibyte);
    line += " MiB";
    if (size_ && *size_ > 0) line += fmt::format("  {:3d}%", 100 * std::min(done, *size_) / *size_);
    if (rate > 0) line += fmt::format("  {:.1f} MiB/s", rate / mebibyte);
    if (size_ && rate > 0 && *size_ > done)
      line += fmt::format("  {:.0f} s left", std::ceil(static_cast<double>(*size_ - done) / rate));
    observer_.progress(line);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Observer& observer_;
  std::string name_;
  std::optional<std::uint64_t> size_;
  std::uint64_t from_;
  Clock::time_point start_ = Clock::now(), next_ = start_;
};

// Whether a 206 begins where it was asked to: "bytes 100-199/200".
bool begins_at(const HttpAnswer& answer, std::uint64_t from) {
  const std::string range = answer.header("content-range");
  return range.starts_with("bytes ") &&
         parse_integer(std::string_view(range).substr(6, range.find('-') - 6)) == static_cast<std::int64_t>(from);
}

class Download {
 public:
  Download(HttpClient& client, const DownloadRequest& request, PartFile& part, const Patience& patience, const std::string& proxy,
           Observer& observer, const Stop& stop)
      : client_(client),
        request_(request),
        part_(part),
        patience_(patience),
        proxy_(proxy),
        stop_(stop),
        rate_(observer, request.name, request.size, part.size()) {}

  void run() {
    if (request_.size && part_.size() > *request_.size) part_.clear();
    if (request_.size) part_.check_space(*request_.size - part_.size());
    resumed_ = part_.size() > 0;
    fill();
    if (is_right()) return;
    if (resumed_) {  // by somebody else, perhaps, or from another version
      part_.clear();
      resumed_ = false;
      fill();
      if (is_right()) return;
    }
    part_.remove();
    throw failure(
        Fault::malformed, request_.name,
        fmt::format("what was fetched has another checksum than the one that is published ({} in place of {}): it is not kept",
                    found_.substr(0, 8), request_.digits.substr(0, 8)));
  }

 private:
  bool is_right() {
    if (request_.digits.empty()) return true;
    found_ = part_.sha256(stop_);
    return found_.starts_with(request_.digits);
  }

  void fill() {
    url_ = request_.address();
    int idle = 0;
    for (int attempts = 0;; ++attempts) {
      if (request_.size && part_.size() == *request_.size && (attempts > 0 || part_.size() > 0)) return;
      const std::uint64_t before = part_.size();
      const HttpAnswer answer = ask();
      if (takes_it(answer)) return;
      // What comes forward may be interrupted often, not without end.
      const bool forward = part_.size() >= before + std::min<std::uint64_t>(1 << 20, request_.size.value_or(0) / 8 + 1);
      idle = forward && attempts < 1000 ? 0 : idle + 1;
      if (idle > patience_.retries)
        throw failure(Fault::unreadable, request_.name,
                      describe_failure(answer, url_, proxy_) + "; what has come is kept: the next fetch continues there");
      if (!answer.is_redirect() && !forward) wait_for(time_to_wait(answer, idle - 1, patience_), stop_);
    }
  }

  HttpAnswer ask() {
    const std::uint64_t from = part_.size();
    bool first = true;
    const auto take = [&](const HttpAnswer& answer, std::string_view bytes) {
      if (first && (answer.status == 200 || !begins_at(answer, from))) {
        part_.clear();
        if (answer.status == 206)
          throw failure(Fault::unreadable, request_.name, origin_of(url_) + " sends another part of the file than was asked for");
      }
      const auto length = parse_integer(answer.header("content-length"));
      if (first && !request_.size && length && *length > 0) rate_.set_size(part_.size() + static_cast<std::uint64_t>(*length));
      first = false;
      if (part_.size() + bytes.size() > request_.size.value_or(request_.most_bytes)) {
        part_.remove();
        throw failure(Fault::malformed, request_.name,
                      fmt::format("{} sends more than the {} bytes that the file may have", origin_of(url_),
                                  request_.size.value_or(request_.most_bytes)));
      }
      part_.append(bytes);
      rate_.update(part_.size());
    };
    const bool may_know_token = !request_.token.empty() && origin_of(url_) == request_.token_origin;
    return client_.send({.url = url_, .token = may_know_token ? request_.token : "", .from = from, .body = take});
  }

  // Whether it is all there; false: to be asked again. Throws where that would not help.
  bool takes_it(const HttpAnswer& answer) {
    if (answer.failure == HttpFailure::cut || answer.failure == HttpFailure::silent) return false;
    if (answer.failure != HttpFailure::none) {
      if (answer.failure == HttpFailure::no_answer && part_.size() > 0) return false;
      throw failure(Fault::unreadable, request_.name, describe_failure(answer, url_, proxy_));
    }
    if (answer.status == 200 || answer.status == 206) return is_whole();
    if (is_passing(answer)) return false;
    if (answer.is_redirect()) {
      follow(answer);
      return false;
    }
    if (answer.status == 416 && part_.size() > 0 && !restarted_) {  // it has changed
      restarted_ = true;
      part_.clear();
      return false;
    }
    if ((answer.status == 401 || answer.status == 403) && !renewed_) {  // a signature that is too old
      renewed_ = true;
      url_ = request_.address();
      return false;
    }
    throw failure(Fault::unreadable, request_.name, describe_failure(answer, url_, proxy_));
  }

  bool is_whole() {
    if (!request_.size || part_.size() == *request_.size) return true;
    const std::uint64_t got = part_.size();
    part_.remove();
    throw failure(Fault::malformed, request_.name,
                  fmt::format("{} ends the file after {} of {} bytes", origin_of(url_), got, *request_.size));
  }

  void follow(const HttpAnswer& answer) {
    const std::string to = answer.redirect;
    const bool secure = url_.starts_with("https://");
    if (++redirects_ > most_redirects)
      throw failure(Fault::unreadable, request_.name, origin_of(url_) + " redirects without end");
    if (!to.starts_with("https://") && (secure || !to.starts_with("http://")))
      throw failure(Fault::unreadable, request_.name,
                    fmt::format("{} redirects to '{}', which is not followed", origin_of(url_),
                                table::shortened(table::printable(to), 100)));
    url_ = to;
  }

  HttpClient& client_;
  const DownloadRequest& request_;
  PartFile& part_;
  const Patience& patience_;
  const std::string& proxy_;
  const Stop& stop_;
  Rate rate_;
  std::string url_, found_;
  bool resumed_ = false, restarted_ = false, renewed_ = false;
  int redirects_ = 0;
};

}  // namespace

void wait_for(std::chrono::milliseconds time, const Stop& stop) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    stop.check();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds(50)));
  }
}

std::chrono::milliseconds time_to_wait(const HttpAnswer& answer, int attempt, const Patience& patience) {
  const auto asked = parse_integer(answer.header("retry-after"));
  auto time = patience.wait * (std::int64_t{1} << std::clamp(attempt, 0, 10));
  if (asked && *asked >= 0 && *asked < 3600) time = std::chrono::seconds(*asked);
  return std::min<std::chrono::milliseconds>(time, patience.longest_wait);
}

bool is_passing(const HttpAnswer& answer) {
  return answer.status == 429 || answer.status == 408 || (answer.status >= 500 && answer.status < 600);
}

std::string describe_failure(const HttpAnswer& answer, const std::string& url, const std::string& proxy) {
  const std::string host = origin_of(url);
  const std::string reason = answer.reason.empty() ? "" : " (" + table::printable(answer.reason) + ")";
  switch (answer.failure) {
    case HttpFailure::none: break;
    case HttpFailure::no_address:
      return fmt::format("no network: the address of {} is not to be found{}; expected a network, HF_ENDPOINT or --offline", host,
                         reason);
    case HttpFailure::no_answer:
      if (!proxy.empty())
        return fmt::format("the proxy {} (HTTPS_PROXY, HTTP_PROXY), or {}, cannot be connected to{}", proxy, host, reason);
      return fmt::format("no network: {} cannot be connected to{}; expected a network, a proxy (HTTPS_PROXY) or --offline", host,
                         reason);
    case HttpFailure::silent: return fmt::format("{} has not sent anything for long{}", host, reason);
    case HttpFailure::proxy:
      return fmt::format("the proxy {} (HTTPS_PROXY, HTTP_PROXY) does not let us reach {}{}",
                         proxy.empty() ? "of this machine" : proxy, host, reason);
    case HttpFailure::certificate:
      return fmt::format("{} cannot prove to be that host{}; a file of trusted certificates is named by SSL_CERT_FILE", host,
                         reason);
    case HttpFailure::cut: return fmt::format("{} closes the connection before the end{}", host, reason);
    case HttpFailure::headers: return fmt::format("{} sends headers without end, or does not speak HTTP", host);
  }
  if (answer.status == 429)
    return fmt::format("{} has had too many requests (429); try again later, or with a token (HF_TOKEN)", host);
  if (answer.status >= 500) return fmt::format("{} is out of order (it answers {}); try again later", host, answer.status);
  return fmt::format("{} answers {}, expected the file", host, answer.status);
}

void download(HttpClient& client, const DownloadRequest& request, PartFile& part, const Patience& patience,
              const std::string& proxy, Observer& observer, const Stop& stop) {
  Download(client, request, part, patience, proxy, observer, stop).run();
}

}  // namespace resnet::cli
