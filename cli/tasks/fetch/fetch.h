// Published weights by their names: looked for in the caches that Python's programs share, and fetched where they are not there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/tasks/fetch/download.h"
#include "cli/tasks/task.h"
#include "formats/hub/folders.h"
#include "formats/hub/name.h"

namespace resnet::cli {

// What the environment says, read by who calls.
struct HubSettings {
  hub::Folders folders;
  std::string endpoint = "https://huggingface.co";
  std::string torch_endpoint = "https://download.pytorch.org/models";
  std::string token;  // for the endpoint alone
  std::string proxy;  // the one that libcurl will take, for messages
  HttpSettings http;
  Patience patience;
  bool offline = false;  // no request at all
};

struct FetchRequest {
  hub::Name name;
  HubSettings settings;
  bool update = false;    // asks what the revision is now, also where everything is there
  bool may_fetch = true;  // false: what is not in the cache is not asked for
};

struct Fetched {
  std::filesystem::path path;  // the file that is named, torchvision's file, or the folder of config.json and the weights
  bool has_come = false;       // something was fetched just now
};

// Killed at any time it leaves a cache that is whole, and the part that had come, from which the next call continues; several
// processes fetch a file once. Throws Error(unreadable) where the network or the server do not give it, Error(invalid) where
// there is nothing of that name, Error(malformed) where what came is not what was to come, Error(unwritable) and
// Error(interrupted).
Fetched fetch(const FetchRequest& request, Observer& observer, const Stop& stop = {});

// Of torchvision's names, by fetch().
Fetched fetch_torch_file(const FetchRequest& request, Observer& observer, const Stop& stop);

// ORG/NAME: what its licence is, once it has come.
void tell_licence(const hub::Name& name, const std::string& licence, Observer& observer);
// "; did you mean timm/resnet50.a1_in1k?", or nothing.
std::string hint_for_name(const std::string& name);
// Throws Error(invalid): it is not in the cache, and nobody may ask for it.
[[noreturn]] void refuse_to_fetch(const FetchRequest& request);

}  // namespace resnet::cli
