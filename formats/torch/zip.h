// Zip archives as PyTorch writes them and as people zip them again: stored or deflated entries, zip64. Nothing is taken on trust:
// the central directory is compared with each entry's own header, and what is read with its CRC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "formats/torch/file.h"

namespace resnet::torch {

bool is_zip(std::string_view first_bytes);

class Archive {
 public:
  struct Entry {
    std::string_view name;               // within the file's bytes, which must outlive it; only a name, never a path
    std::uint64_t offset = 0;            // of its data
    std::uint64_t stored = 0, size = 0;  // bytes in the archive, and when inflated
    std::uint32_t crc = 0;
    std::uint16_t method = 0, flags = 0;

    bool is_stored() const { return method == 0; }
  };

  // Reads the directory. Throws Error(malformed) where it is damaged, has a name twice, or entries that overlap.
  explicit Archive(File file);

  const File& file() const { return file_; }
  std::span<const Entry> entries() const { return entries_; }
  // Null where there is none of the name.
  const Entry* find(std::string_view name) const;

  // The whole entry, which has `out.size()` bytes. Throws Error(malformed) where it is encrypted, packed otherwise than deflated,
  // damaged, or of another size.
  void read(const Entry& entry, std::span<std::byte> out) const;
  // Throws as read() would, and needs a little memory, whatever the entry's size.
  void check(const Entry& entry) const;
  // Throws where it is encrypted, or packed otherwise than deflated.
  static void check_readable(const Entry& entry);

 private:
  struct Directory;
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  void locate_data(Entry& entry, std::uint64_t end) const;
  void check_overlaps() const;
  template <typename Room, typename Made>
  void inflate(const Entry& entry, const Room& room, const Made& made) const;

  File file_;
  std::vector<Entry> entries_;
  std::map<std::string_view, std::size_t> by_name_;  // not by hashes, for which a file could choose its names
};

}  // namespace resnet::torch
