// A network as it runs, in a file: its graph after all passes, and its weights as the kernels of one processor want them. Made to
// be mapped by the next process, and thrown away when anything changes; the bytes are a .resnet file's with another first word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/threads.h"
#include "lib/model/model.h"

namespace resnet::native {

struct PreparedNetwork {
  std::string key;      // everything that it depends on, as one text
  std::string name;     // of the model, for people
  resnet::Model model;  // weights that were packed are released
  std::map<NodeId, std::shared_ptr<const Buffer>> packed_weights;
  std::int64_t parameters = 0, macs = 0;  // of the model's own graph, of one image
  // Of the files beside the model's own that weights were read from, by name.
  std::map<std::string, std::string> data_digests;
};

// Weights stay in the mapped file; all of it is checked, by the pool's threads. Throws Error(malformed) "FILE: ..." for what
// is not there, is not such a file, is cut short or damaged.
PreparedNetwork read_prepared(const std::filesystem::path& file, ThreadPool& pool);
// The same of an open file, which stays the caller's: for one whose owner and permissions were looked at, so that no other one
// can take its place. `file` is its name for errors.
PreparedNetwork read_prepared(int descriptor, const std::filesystem::path& file, ThreadPool& pool);
// Its key and name alone, unchecked, for a list.
struct PreparedSummary {
  std::string key, name;
};
PreparedSummary read_prepared_summary(int descriptor, const std::filesystem::path& file);
// Whether a file may be one that write_prepared() has begun: it begins as they do, or is cut short before that.
bool is_prepared(std::string_view head);

// The file appears whole or not at all, for this user alone; whatever had its name, a link too, is replaced. Throws
// Error(unwritable), and Error(unsupported) naming the node where an operator cannot be written.
void write_prepared(const PreparedNetwork& prepared, const std::filesystem::path& file, ThreadPool& pool);

}  // namespace resnet::native
