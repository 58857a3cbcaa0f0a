#include "formats/hub/folders.h"

#include <cctype>

namespace resnet::hub {

namespace fs = std::filesystem;

namespace {

// $NAME and ${NAME} of variables that are set; what is not stays as it is.
std::string with_variables(const std::string& text, const Environment& environment) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      result += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    std::size_t end = i + (braces ? 2 : 1);
    const std::size_t begin = end;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    const std::string value = environment(text.substr(begin, end - begin).c_str());
    if (value.empty() || (braces && (end == text.size() || text[end] != '}'))) {
      result += '$';
      continue;
    }
    result += value;
    i = braces ? end : end - 1;
  }
  return result;
}

std::string expanded(const std::string& text, const Environment& environment) {
  const bool home = text == "~" || text.starts_with("~/");
  return with_variables(home ? environment("HOME") + text.substr(1) : text, environment);
}

}  // namespace

Folders folders_of(const Environment& environment) {
  const auto path_of = [&](const char* name) { return fs::path(expanded(environment(name), environment)); };
  fs::path cache = path_of("XDG_CACHE_HOME");
  if (cache.empty() && !environment("HOME").empty()) cache = fs::path(environment("HOME")) / ".cache";
  Folders folders;
  folders.home = path_of("HF_HOME");
  if (folders.home.empty() && !cache.empty()) folders.home = cache / "huggingface";
  folders.hub = path_of("HF_HUB_CACHE");
  if (folders.hub.empty()) folders.hub = path_of("HUGGINGFACE_HUB_CACHE");
  if (folders.hub.empty() && !folders.home.empty()) folders.hub = folders.home / "hub";
  fs::path torch = path_of("TORCH_HOME");
  if (torch.empty() && !cache.empty()) torch = cache / "torch";
  if (!torch.empty()) folders.torch = torch / "hub" / "checkpoints";
  return folders;
}

}  // namespace resnet::hub
