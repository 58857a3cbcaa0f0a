// What the hub says of a file: where it is, which bytes it has, of which commit it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/tasks/fetch/fetch.h"

namespace resnet::cli {

struct RemoteFile {
  std::string commit, etag;
  std::string address;  // of the bytes: often another host's, and valid for a while
  std::optional<std::uint64_t> size;
};

class HubServer {
 public:
  HubServer(const FetchRequest& request, Stop stop);

  // Nothing where the repository has no such file; `commit` is set then, too, where the server names it. Throws as fetch() does.
  std::optional<RemoteFile> look_up(const std::string& revision, const std::string& file, std::string& commit);
  HttpClient& client() { return client_; }

 private:
  HttpAnswer ask(const std::string& url);
  std::string address_of(const std::string& revision, const std::string& file) const;
  [[noreturn]] void refuse(const HttpAnswer& answer, const std::string& url, const std::string& revision) const;
  Error failure(Fault fault, const std::string& problem) const;

  const FetchRequest& request_;
  Stop stop_;
  HttpClient client_;
};

}  // namespace resnet::cli
