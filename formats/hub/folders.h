// Where Python's programs keep what they have fetched, so that it is fetched once for all of them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace resnet::hub {

struct Folders {
  std::filesystem::path hub;    // of huggingface_hub: models--ORG--NAME in it
  std::filesystem::path torch;  // of torch.hub: FILE-xxxxxxxx.pth in it
  std::filesystem::path home;   // where the hub's token may lie
};

// The value of a variable, empty where it is not set.
using Environment = std::function<std::string(const char* name)>;

// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME and TORCH_HOME, else folders in XDG_CACHE_HOME or ~/.cache; ~ and $VARIABLES in
// them are expanded, as Python's programs do. Empty paths where not even HOME is set.
Folders folders_of(const Environment& environment);

}  // namespace resnet::hub
