#include "cli/tasks/fetch/hub_server.h"

#include <fmt/format.h>

#include <string_view>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr int most_redirects = 5;

// For a part of an address; `kept` stay as they are.
std::string percent_encoded(std::string_view text, std::string_view kept) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kept.find(c) != kept.npos;
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

// W/"abc" and "abc" are abc.
std::string without_quotes(std::string text) {
  if (text.starts_with("W/")) text.erase(0, 2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

bool is_relative(const std::string& location) { return location.starts_with("/") && !location.starts_with("//"); }

std::string words_of(const HttpAnswer& answer) {
  const std::string message = answer.header("x-error-message");
  return message.empty() ? "" : ": " + table::shortened(table::printable(message), 200);
}

}  // namespace

HubServer::HubServer(const FetchRequest& request, Stop stop)
    : request_(request), stop_(stop), client_(request.settings.http, stop) {}

Error HubServer::failure(Fault fault, const std::string& problem) const {
  return {fault, Frame::file(Role::model, request_.name.text()), problem};
}

std::string HubServer::address_of(const std::string& revision, const std::string& file) const {
  return request_.settings.endpoint + "/" + request_.name.repository + "/resolve/" + percent_encoded(revision, "-_.~") + "/" +
         percent_encoded(file, "-_.~/");
}

// Tried again where that may help.
HttpAnswer HubServer::ask(const std::string& url) {
  const Patience& patience = request_.settings.patience;
  for (int attempt = 0;; ++attempt) {
    HttpAnswer answer = client_.send({.url = url, .head = true, .token = request_.settings.token, .body = {}});
    const bool again = answer.failure == HttpFailure::cut || answer.failure == HttpFailure::silent ||
                       (answer.failure == HttpFailure::none && is_passing(answer));
    if (!again || attempt >= patience.retries) return answer;
    wait_for(time_to_wait(answer, attempt, patience), stop_);
  }
}

void HubServer::refuse(const HttpAnswer& answer, const std::string& url, const std::string& revision) const {
  const std::string host = origin_of(url), code = answer.header("x-error-code"), repository = request_.name.repository;
  const bool token = !request_.settings.token.empty();
  if (code == "GatedRepo") {
    throw failure(
        Fault::unreadable,
        fmt::format("is gated: accept its terms at {}/{} and {}", request_.settings.endpoint, repository,
                    token ? "use a token of that account (HF_TOKEN has another)" : "set HF_TOKEN to a token of that account"));
  }
  if (answer.header("x-error-message").find("Invalid credentials") != std::string::npos)
    throw failure(Fault::unreadable, host + " does not know the token of HF_TOKEN");
  if (code == "RevisionNotFound")
    throw failure(Fault::unreadable, fmt::format("has no revision '{}'", revision.empty() ? "main" : revision));
  if (code == "RepoNotFound" || answer.status == 401 || answer.status == 404) {
    throw failure(Fault::unreadable, fmt::format("there is no repository {} at {}, or it is private{}{}", repository, host,
                                                 token ? "" : " (HF_TOKEN)", hint_for_name(repository)));
  }
  if (answer.status == 403) throw failure(Fault::unreadable, host + " does not allow it (403)" + words_of(answer));
  if (answer.failure == HttpFailure::none && answer.status < 400) {
    throw failure(Fault::unreadable,
                  host + " does not answer as the hub does: is it a network's page for signing in, or a proxy's?");
  }
  throw failure(Fault::unreadable, describe_failure(answer, url, request_.settings.proxy) + words_of(answer));
}

std::optional<RemoteFile> HubServer::look_up(const std::string& revision, const std::string& file, std::string& commit) {
  std::string url = address_of(revision.empty() ? "main" : revision, file);
  HttpAnswer answer;
  for (int redirects = 0;; ++redirects) {
    if (redirects > most_redirects) throw failure(Fault::unreadable, origin_of(url) + " redirects without end");
    answer = ask(url);
    if (answer.failure != HttpFailure::none || !answer.is_redirect()) break;
    // A repository that was renamed; what leads elsewhere leads to the bytes.
    if (!is_relative(answer.header("location")) || origin_of(answer.redirect) != origin_of(url)) break;
    url = answer.redirect;
  }
  const std::string found = answer.header("x-repo-commit");
  if (hub::is_commit(found)) commit = found;
  if (answer.status == 404 && answer.header("x-error-code") == "EntryNotFound") return std::nullopt;
  const bool there = answer.failure == HttpFailure::none && (answer.status == 200 || answer.is_redirect());
  if (!there || !hub::is_commit(found)) refuse(answer, url, revision);
  RemoteFile remote{.commit = found, .etag = {}, .address = url, .size = {}};
  const std::string linked = answer.header("x-linked-etag");
  remote.etag = without_quotes(linked.empty() ? answer.header("etag") : linked);
  if (!hub::is_etag(remote.etag))
    throw failure(Fault::unreadable, origin_of(url) + " does not say which bytes " + file + " has (its ETag)");
  const std::string size = answer.header("x-linked-size");
  const auto bytes = parse_integer(size.empty() && !answer.is_redirect() ? answer.header("content-length") : size);
  if (bytes && *bytes >= 0) remote.size = static_cast<std::uint64_t>(*bytes);
  if (!answer.is_redirect()) return remote;
  remote.address = answer.redirect;
  const bool secure = remote.address.starts_with("https://");
  if (!secure && (url.starts_with("https://") || !remote.address.starts_with("http://"))) {
    throw failure(Fault::unreadable, fmt::format("{} redirects to '{}', which is not followed", origin_of(url),
                                                 table::shortened(table::printable(answer.header("location")), 100)));
  }
  return remote;
}

}  // namespace resnet::cli
