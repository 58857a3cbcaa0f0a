#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "lib/base/sha256.h"

namespace resnet::test {

namespace {

bool send_all(int connection, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = send(connection, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

std::optional<HttpQuestion> question_of(const std::string& text) {
  HttpQuestion question;
  const std::size_t first = text.find(' '), second = text.find(' ', first + 1);
  if (first == text.npos || second == text.npos) return std::nullopt;
  question.method = text.substr(0, first);
  question.path = text.substr(first + 1, second - first - 1);
  for (std::size_t begin = text.find("\r\n") + 2; begin < text.size();) {
    const std::size_t end = text.find("\r\n", begin), colon = text.find(": ", begin);
    if (end == text.npos || end == begin) break;
    if (colon < end) {
      std::string name = text.substr(begin, colon - begin);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      question.headers[name] = text.substr(colon + 2, end - colon - 2);
    }
    begin = end + 2;
  }
  return question;
}

}  // namespace

HttpServer::HttpServer(std::function<HttpReply(const HttpQuestion&)> answer) : answer_(std::move(answer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0) std::abort();
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  over_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
}

std::vector<std::string> HttpServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void HttpServer::accept_all() {
  while (!over_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) connections_.emplace_back([this, connection] { serve(connection); });
  }
}

// One question a connection.
void HttpServer::serve(int connection) {
  std::string text;
  char buffer[4096];
  while (!over_ && text.find("\r\n\r\n") == text.npos) {
    pollfd waiting{connection, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0) continue;
    const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const auto question = question_of(text);
  HttpReply reply;
  if (question) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(question->method + " " + question->path);
    reply = answer_(*question);
  }
  while (reply.silent && !over_) usleep(20'000);
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Word\r\nConnection: close\r\n";
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  if (reply.length) head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  bool open = question && send_all(connection, head);
  while (open && reply.endless_headers && !over_) open = send_all(connection, "X-More: " + std::string(1000, 'x') + "\r\n");
  open = open && send_all(connection, "\r\n");
  if (open && question->method != "HEAD") {
    open = send_all(connection, reply.body.substr(0, reply.cut_after.value_or(reply.body.size())));
    while (open && reply.endless_body && !over_) open = send_all(connection, std::string(100'000, 'x'));
  }
  close(connection);
}

FakeHub::FakeHub(std::map<std::string, std::string> files, Change change)
    : files_(std::move(files)),
      change_(std::move(change)),
      store_([this](const HttpQuestion& question) {
        HttpReply reply = store(question);
        if (change_) change_(question, reply);
        return reply;
      }),
      hub_([this](const HttpQuestion& question) {
        HttpReply reply = hub(question);
        if (change_) change_(question, reply);
        return reply;
      }) {}

HttpReply FakeHub::hub(const HttpQuestion& question) const {
  const std::string middle = "/resolve/";
  const std::size_t at = question.path.find(middle), slash = question.path.find('/', at + middle.size());
  if (at == std::string::npos || slash == std::string::npos) return {.status = 404};
  const std::string repository = question.path.substr(1, at - 1);
  const auto repository_there =
      std::any_of(files_.begin(), files_.end(), [&](const auto& file) { return file.first.starts_with(repository + "/"); });
  if (!repository_there) return {.status = 401, .headers = {{"X-Error-Code", "RepoNotFound"}}};
  const auto file = files_.find(repository + question.path.substr(slash));
  if (file == files_.end()) return {.status = 404, .headers = {{"X-Error-Code", "EntryNotFound"}, {"X-Repo-Commit", commit}}};
  Sha256 sum;
  sum.add(file->second);
  const std::string digits = sum.digits();
  if (!file->first.ends_with(".safetensors"))
    return {.headers = {{"X-Repo-Commit", commit}, {"ETag", "\"" + digits.substr(0, 40) + "\""}}, .body = file->second};
  return {.status = 302,
          .headers = {{"X-Repo-Commit", commit},
                      {"X-Linked-Etag", "\"" + digits + "\""},
                      {"X-Linked-Size", std::to_string(file->second.size())},
                      {"Location", store_.address() + "/" + file->first}}};
}

HttpReply FakeHub::store(const HttpQuestion& question) const {
  const auto file = files_.find(question.path.substr(1));
  if (file == files_.end() || question.headers.contains("authorization")) return {.status = 403};
  const auto range = question.headers.find("range");
  if (range == question.headers.end()) return {.body = file->second};
  const std::size_t from = std::stoul(range->second.substr(6));
  if (from >= file->second.size()) return {.status = 416};
  return {.status = 206,
          .headers = {{"Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(file->second.size() - 1) + "/" +
                                            std::to_string(file->second.size())}},
          .body = file->second.substr(from)};
}

}  // namespace resnet::test
