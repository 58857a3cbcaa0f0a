// torchvision's files, in the folder where torch.hub keeps them.
#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "cli/tasks/fetch/fetch.h"
#include "formats/hub/cache.h"
#include "formats/hub/catalogue.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{2} << 30;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// "resnet50-11ad3fa6.pth": 11ad3fa6 begins its SHA-256.
std::string digits_of(std::string_view file) {
  const std::size_t dash = file.rfind('-'), dot = file.rfind('.');
  return dash == file.npos || dot == file.npos || dot < dash ? "" : std::string(file.substr(dash + 1, dot - dash - 1));
}

// A file of the architecture that the catalogue does not know, where there is one alone: of somebody's own training, or newer.
std::optional<fs::path> other_file(const fs::path& folder, std::string_view architecture) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.ends_with(".pth") || digits_of(name).size() != 8 || hub::entry_of_file(name) != nullptr) continue;
    if (std::string_view(name).substr(0, name.rfind('-')) == architecture && is_file(entry->path()))
      found.push_back(entry->path());
  }
  return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

fs::path bring(const FetchRequest& request, const hub::Entry& entry, Observer& observer, const Stop& stop) {
  const HubSettings& settings = request.settings;
  const fs::path& folder = settings.folders.torch;
  hub::make_folders(folder);
  const fs::path target = folder / entry.file;
  const FileLock lock(folder / fmt::format(".{}.lock", entry.file), request.name.text(), observer, stop);
  if (is_file(target)) return target;
  HttpClient client(settings.http, stop);
  PartFile part(target.string() + ".incomplete");
  const DownloadRequest wanted{.name = request.name.text(),
                               .address = [&] { return fmt::format("{}/{}", settings.torch_endpoint, entry.file); },
                               .token = {},
                               .token_origin = {},
                               .size = {},
                               .digits = digits_of(entry.file),
                               .most_bytes = most_bytes};
  download(client, wanted, part, settings.patience, settings.proxy, observer, stop);
  part.become(target);
  tell_licence(request.name, "", observer);
  return target;
}

}  // namespace

Fetched fetch_torch_file(const FetchRequest& request, Observer& observer, const Stop& stop) {
  const fs::path& folder = request.settings.folders.torch;
  const hub::Entry* entry = hub::find_entry(request.name.repository);
  if (entry == nullptr || entry->file.empty()) {
    throw Error(Fault::invalid, fmt::format("{}: torchvision publishes no such weights{}", request.name.text(),
                                            hint_for_name(request.name.repository)));
  }
  for (const std::string_view file : {entry->file, entry->older_file}) {
    if (!file.empty() && is_file(folder / file)) return {folder / file, false};
  }
  // Not where it is said which weights are wanted.
  const auto other = request.name.is_default ? other_file(folder, entry->architecture) : std::nullopt;
  const auto take_other = [&](const std::string& why) -> Fetched {
    observer.warning(fmt::format("{}; {} is taken, which is not one of torchvision's published files", why, other->string()));
    return {*other, false};
  };
  if (request.settings.offline || !request.may_fetch) {
    if (other) return take_other(request.name.text() + " is not in the cache");
    refuse_to_fetch(request);
  }
  try {
    return {bring(request, *entry, observer, stop), true};
  } catch (const Error& error) {
    if (error.fault() != Fault::unreadable || !other) throw;
    return take_other(error.what());
  }
}

}  // namespace resnet::cli
