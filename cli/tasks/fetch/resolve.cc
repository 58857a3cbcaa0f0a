#include "cli/tasks/fetch/resolve.h"

#include <filesystem>

#include "formats/hub/cache.h"

namespace resnet::cli {

namespace fs = std::filesystem;

std::string find_model(const std::string& text, const HubSettings& settings, bool update, Observer& observer, const Stop& stop) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(text, ignored))) return text;
  const auto name = hub::parse_name(text);
  if (!name) return text;
  const bool meant = name->has_prefix || name->known_owner || name->in_catalogue;
  // Another's names are those of what is in the cache; all else is a path that is not there.
  if (!meant && !hub::Repository(settings.folders.hub, name->repository).commit_of(name->revision)) return text;
  const FetchRequest request{
      .name = *name, .settings = settings, .update = update, .may_fetch = name->has_prefix || name->in_catalogue};
  return fetch(request, observer, stop).path.string();
}

}  // namespace resnet::cli
