// A web server of a test's own, on a port of the loopback: says what the test wants, also what no honest server says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace resnet::test {

struct HttpQuestion {
  std::string method, path;                    // as they came
  std::map<std::string, std::string> headers;  // names in lower case
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::optional<std::size_t> cut_after = {};  // of the body: then the connection is closed
  bool length = true;                         // says Content-Length
  bool endless_headers = false, endless_body = false, silent = false;
};

class HttpServer {
 public:
  // `answer` is called by the server's threads, one call at a time.
  explicit HttpServer(std::function<HttpReply(const HttpQuestion&)> answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // "GET /path" of each question so far.
  std::vector<std::string> asked() const;

 private:
  void accept_all();
  void serve(int connection);

  std::function<HttpReply(const HttpQuestion&)> answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> over_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

// Of these files ("ORG/NAME/FILE"), as the hub hands them out: small ones itself, .safetensors by a redirect to another server.
// `change` may make another reply of what it or its store would say.
class FakeHub {
 public:
  using Change = std::function<void(const HttpQuestion&, HttpReply&)>;
  explicit FakeHub(std::map<std::string, std::string> files, Change change = {});

  std::string address() const { return hub_.address(); }
  std::string store_address() const { return store_.address(); }
  std::vector<std::string> asked_hub() const { return hub_.asked(); }
  std::vector<std::string> asked_store() const { return store_.asked(); }

  static constexpr const char* commit = "0123456789abcdef0123456789abcdef01234567";

 private:
  HttpReply hub(const HttpQuestion& question) const;
  HttpReply store(const HttpQuestion& question) const;

  std::map<std::string, std::string> files_;
  Change change_;
  HttpServer store_, hub_;
};

}  // namespace resnet::test
