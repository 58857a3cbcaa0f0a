#include "cli/options/hub.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>

#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string first_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return "";
}

// As huggingface_hub reads a truth.
bool is_true(const char* name) {
  std::string value = environment(name);
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

std::string token_of_user(const hub::Folders& folders) {
  std::string token = trimmed(first_of({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  if (token.empty() && !is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
    const std::string named = environment("HF_TOKEN_PATH");
    const std::filesystem::path file = named.empty() ? folders.home / "token" : std::filesystem::path(named);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return "";
    try {
      token = trimmed(read_file(file, Role::argument, {.most_bytes = 4096, .expected = "a token"}));
    } catch (const Error&) {  // somebody else's: it is done without
    }
  }
  if (std::any_of(token.begin(), token.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    throw Error(Fault::invalid, "HF_TOKEN has spaces or control characters, expected a token such as hf_abc");
  return token;
}

std::string endpoint_of_user(const char* name, const std::string& usual) {
  std::string endpoint = trimmed(environment(name));
  while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
  if (endpoint.empty()) return usual;
  if (origin_of(endpoint).empty() || !(endpoint.starts_with("http://") || endpoint.starts_with("https://")))
    throw Error(Fault::invalid, std::string(name) + " is '" + endpoint + "', expected an address such as https://huggingface.co");
  return endpoint;
}

}  // namespace

void add_hub_options(CLI::App& program, HubOptions& options) {
  program.add_flag("--offline", options.offline,
                   "fetch nothing: a network that is asked for by a published name is taken from the cache (environment: "
                   "HF_HUB_OFFLINE)");
  program.add_flag("--update", options.update,
                   "ask for the newest revision of a published network, also where one is in the cache");
}

HubSettings hub_settings(const HubOptions& options) {
  HubSettings settings;
  settings.folders = hub::folders_of(environment);
  settings.endpoint = endpoint_of_user("HF_ENDPOINT", settings.endpoint);
  settings.torch_endpoint = endpoint_of_user("RESNET_CLI_TORCH_ENDPOINT", settings.torch_endpoint);
  settings.token = token_of_user(settings.folders);
  const bool secure = settings.endpoint.starts_with("https://");
  settings.proxy = origin_of(secure ? first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                                    : first_of({"http_proxy", "all_proxy", "ALL_PROXY"}));
  settings.http.certificates = first_of({"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"});
  settings.offline = options.offline || is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE");
  return settings;
}

}  // namespace resnet::cli
