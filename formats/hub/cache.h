// One repository in the Hugging Face cache, laid out as huggingface_hub lays it out:
//   models--ORG--NAME/refs/main                  40 hexadecimal digits
//   models--ORG--NAME/blobs/ETAG                 the bytes
//   models--ORG--NAME/snapshots/COMMIT/PATH      a relative link to them
//   models--ORG--NAME/.no_exist/COMMIT/PATH      asked for, and not there
//   .locks/models--ORG--NAME/ETAG.lock
// A tree that a stranger has made may be hostile: nothing is read or written that lies outside of the cache, whatever links there
// are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::hub {

class Repository {
 public:
  // `cache` need not be there. `name` is a repository's.
  Repository(std::filesystem::path cache, const std::string& name);

  // The commit that a branch or tag stood for when it was last asked for, or the commit itself; for main also the only commit
  // that is there. Nothing where it is not known.
  std::optional<std::string> commit_of(const std::string& revision) const;
  std::filesystem::path snapshot(const std::string& commit) const;
  // The file of a commit, by its name in the snapshot; nothing where it is not there. Throws Error(malformed) where a link leads
  // out of the cache, or it is not a regular file.
  std::optional<std::filesystem::path> find(const std::string& commit, const std::string& file) const;
  bool is_known_missing(const std::string& commit, const std::string& file) const;

  // What follows makes the folders that it needs, and throws Error(unwritable): a folder cannot be made, or leads out of the
  // cache.
  std::filesystem::path blob(const std::string& etag) const;
  // Of whoever writes the blob.
  std::filesystem::path lock(const std::string& etag) const;
  // The blob gets its name in the snapshot.
  void add(const std::string& commit, const std::string& file, const std::string& etag) const;
  void set_commit(const std::string& revision, const std::string& commit) const;
  void set_missing(const std::string& commit, const std::string& file) const;

 private:
  std::optional<std::string> only_commit() const;
  std::filesystem::path folder(const std::filesystem::path& within) const;

  std::filesystem::path cache_;
  std::string name_;  // "models--ORG--NAME"
};

// Repositories of the cache that have a commit, as ORG/NAME and in order; of a cache with more than `most` some.
std::vector<std::string> cached_repositories(const std::filesystem::path& cache, std::size_t most = 1000);

// `folder`, made with those above it where it is not there. Throws Error(unwritable).
void make_folders(const std::filesystem::path& folder);

}  // namespace resnet::hub
