// One file, from its address to a PartFile: redirects, attempts, ranges, and whether it is what was to come.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/tasks/fetch/http.h"
#include "cli/tasks/fetch/part_file.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

// How often something is tried again that makes no progress, and how long the first wait is; each next one is twice as long.
struct Patience {
  int retries = 5;
  std::chrono::milliseconds wait{300}, longest_wait{30'000};
};

struct DownloadRequest {
  std::string name;  // in messages: "timm/resnet18.a1_in1k: model.safetensors"
  // Gives the address, for the first attempt and where the one before is not valid any more.
  std::function<std::string()> address;
  std::string token;  // for hosts of the same origin as `token_origin` alone
  std::string token_origin;
  std::optional<std::uint64_t> size;
  std::string digits;  // the beginning of its SHA-256; empty where it is not known
  std::uint64_t most_bytes = 0;
};

// Waits for as long as an attempt has to, in steps that see a stop. Throws Error(interrupted).
void wait_for(std::chrono::milliseconds time, const Stop& stop);
// What the server asks for (Retry-After), else what `patience` has for this attempt, from 0.
std::chrono::milliseconds time_to_wait(const HttpAnswer& answer, int attempt, const Patience& patience);
// Whether it may be different soon: too many requests, or a server that is out of order.
bool is_passing(const HttpAnswer& answer);

// Why there is no answer, or none that helps: one line. `proxy` is the one that is asked, where it is known.
std::string describe_failure(const HttpAnswer& answer, const std::string& url, const std::string& proxy);

// Fills the part file. Throws Error(unreadable): "NAME: ..." in one line, Error(malformed) where it is not what was to come (the
// part is removed then), Error(unwritable) and Error(interrupted).
void download(HttpClient& client, const DownloadRequest& request, PartFile& part, const Patience& patience,
              const std::string& proxy, Observer& observer, const Stop& stop);

}  // namespace resnet::cli
