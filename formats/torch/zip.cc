#include "formats/torch/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::torch {

using std::string_view_literals::operator""sv;

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read as they lie in the file");

constexpr std::string_view local_signature = "PK\3\4"sv, central_signature = "PK\1\2"sv, end_signature = "PK\5\6"sv,
                           end64_signature = "PK\6\6"sv, locator_signature = "PK\6\7"sv;
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, end64_bytes = 56, locator_bytes = 20;
constexpr std::uint32_t saturated32 = 0xffffffff;
constexpr std::uint16_t saturated16 = 0xffff, encrypted = 1, has_descriptor = 8, deflated = 8;
// More storages than any checkpoint of ours has.
constexpr std::uint64_t most_entries = 100'000;
// Deflate makes at most 1032 bytes of one.
constexpr std::uint64_t best_ratio = 1032;

[[noreturn]] void damaged(const std::string& what) { throw Error(Fault::malformed, "is a damaged zip archive: " + what); }

template <typename T>
T number(std::string_view text, std::size_t at) {
  T value;
  std::memcpy(&value, text.data() + at, sizeof value);
  return value;
}

// The bytes, or an error where the file does not have them.
std::string_view part(std::string_view text, std::uint64_t offset, std::uint64_t size, const char* what) {
  if (offset > text.size() || size > text.size() - offset) {
    damaged(fmt::format("{} is at byte {} with {} bytes, where there are only {}", what, offset, size, text.size()));
  }
  return text.substr(offset, size);
}

// What zip64's extra field has for the sizes and the offset that do not fit into 32 bits, in their order.
class Extra64 {
 public:
  Extra64(std::string_view extra, std::string_view name) : name_(name) {
    while (extra.size() >= 4) {
      const auto id = number<std::uint16_t>(extra, 0), size = number<std::uint16_t>(extra, 2);
      if (size > extra.size() - 4) break;  // padding, which need not be a field
      if (id == 1) {
        rest_ = extra.substr(4, size);
        return;
      }
      extra.remove_prefix(4u + size);
    }
  }
  std::uint64_t widen(std::uint32_t value) {
    if (value != saturated32) return value;
    if (rest_.size() < 8) damaged(fmt::format("entry '{}' has not the sizes that it promises", shown(name_)));
    const auto wide = number<std::uint64_t>(rest_, 0);
    rest_.remove_prefix(8);
    return wide;
  }

 private:
  std::string_view name_, rest_;
};

}  // namespace

bool is_zip(std::string_view first_bytes) { return first_bytes.starts_with(local_signature); }

struct Archive::Directory {
  std::uint64_t offset, size, entries;
};

Archive::Archive(File file) : file_(std::move(file)) {
  read_directory(find_directory());
  check_overlaps();
}

Archive::Directory Archive::find_directory() const {
  const std::string_view text = file_.text();
  // Its comment reaches to the end of the file.
  const std::size_t first = text.size() < end_bytes + saturated16 ? 0 : text.size() - end_bytes - saturated16;
  const std::string_view tail = text.substr(first);  // what is before it is not searched: it may be gigabytes
  std::size_t at = tail.size() < end_bytes ? tail.npos : tail.rfind(end_signature, tail.size() - end_bytes);
  while (at != tail.npos && number<std::uint16_t>(tail, at + 20) != tail.size() - end_bytes - at) {
    at = at == 0 ? tail.npos : tail.rfind(end_signature, at - 1);
  }
  if (at == tail.npos) damaged("it has no end of a central directory; it was cut, fetch it again");

  at += first;
  const std::string_view end = text.substr(at);
  const auto disk = number<std::uint16_t>(end, 4), entries_here = number<std::uint16_t>(end, 8),
             entries = number<std::uint16_t>(end, 10);
  const auto size = number<std::uint32_t>(end, 12), offset = number<std::uint32_t>(end, 16);
  Directory directory{offset, size, entries};
  std::uint64_t last = at;
  if (at >= locator_bytes && text.substr(at - locator_bytes).starts_with(locator_signature)) {
    const auto where = number<std::uint64_t>(text, at - locator_bytes + 8);
    const std::string_view wide = part(text.substr(0, at - locator_bytes), where, end64_bytes, "its zip64 end");
    if (!wide.starts_with(end64_signature)) damaged("its zip64 end is not where it should be");
    directory = {number<std::uint64_t>(wide, 48), number<std::uint64_t>(wide, 40), number<std::uint64_t>(wide, 32)};
    const bool agrees =
        (entries == saturated16 || entries == directory.entries) && (size == saturated32 || size == directory.size) &&
        (offset == saturated32 || offset == directory.offset) && number<std::uint64_t>(wide, 24) == directory.entries;
    if (!agrees) damaged("its two ends contradict each other");
    last = where;
  } else if (entries_here != entries || (disk != 0 && disk != saturated16)) {
    damaged("it is one of several parts");
  }
  if (directory.offset > last || directory.size > last - directory.offset) {
    damaged(
        fmt::format("its directory is at byte {} with {} bytes, the file has {}", directory.offset, directory.size, text.size()));
  }
  if (directory.entries > directory.size / central_bytes) {
    damaged(fmt::format("its directory of {} bytes cannot have {} entries", directory.size, directory.entries));
  }
  if (directory.entries > most_entries) {
    damaged(fmt::format("it has {} entries, expected at most {}", directory.entries, most_entries));
  }
  return directory;
}

void Archive::read_directory(const Directory& directory) {
  std::string_view rest = file_.text().substr(directory.offset, directory.size);
  entries_.reserve(directory.entries);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (rest.size() < central_bytes || !rest.starts_with(central_signature)) {
      damaged(fmt::format("its directory has {} entries, expected {}", i, directory.entries));
    }
    const std::size_t name_bytes = number<std::uint16_t>(rest, 28), extra_bytes = number<std::uint16_t>(rest, 30),
                      whole = central_bytes + name_bytes + extra_bytes + number<std::uint16_t>(rest, 32);
    if (whole > rest.size()) damaged(fmt::format("entry {} of its directory is cut", i));
    Entry entry{.name = rest.substr(central_bytes, name_bytes),
                .crc = number<std::uint32_t>(rest, 16),
                .method = number<std::uint16_t>(rest, 10),
                .flags = number<std::uint16_t>(rest, 8)};
    Extra64 wide(rest.substr(central_bytes + name_bytes, extra_bytes), entry.name);
    entry.size = wide.widen(number<std::uint32_t>(rest, 24));
    entry.stored = wide.widen(number<std::uint32_t>(rest, 20));
    entry.offset = wide.widen(number<std::uint32_t>(rest, 42));
    locate_data(entry, directory.offset);
    if (!by_name_.emplace(entry.name, entries_.size()).second) {
      damaged(fmt::format("it has two entries named '{}'", shown(entry.name)));
    }
    entries_.push_back(entry);
    rest.remove_prefix(whole);
  }
}

// From the header's offset to that of the data, which ends before the directory at `end`. The headers are all over the file: they
// are read from it, for each that is looked at in place makes its neighbourhood memory.
void Archive::locate_data(Entry& entry, std::uint64_t end) const {
  const std::string_view text = file_.text().substr(0, end);
  const std::string name = shown(entry.name);
  const std::string what = fmt::format("entry '{}'", name);
  const auto copied = [&](std::uint64_t offset, std::uint64_t size) {
    std::string bytes(part(text, offset, size, what.c_str()).size(), '\0');
    file_.copy(offset, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  };
  const std::string header = copied(entry.offset, local_bytes);
  const std::string_view head = header;
  if (!head.starts_with(local_signature)) damaged(fmt::format("{} has no header at byte {}", what, entry.offset));
  const std::size_t name_bytes = number<std::uint16_t>(head, 26), extra_bytes = number<std::uint16_t>(head, 28);
  const std::string names = copied(entry.offset + local_bytes, name_bytes + extra_bytes);
  const std::string_view local_name = std::string_view(names).substr(0, name_bytes);
  if (local_name != entry.name) {
    damaged(fmt::format("'{}' is named '{}' in its own header", name, shown(local_name)));
  }
  const std::string_view extra = std::string_view(names).substr(name_bytes);
  const auto flags = number<std::uint16_t>(head, 6);
  bool agrees = number<std::uint16_t>(head, 8) == entry.method && ((flags ^ entry.flags) & (encrypted | has_descriptor)) == 0;
  if (agrees && (flags & has_descriptor) == 0) {
    Extra64 wide(extra, entry.name);
    agrees = number<std::uint32_t>(head, 14) == entry.crc && wide.widen(number<std::uint32_t>(head, 22)) == entry.size &&
             wide.widen(number<std::uint32_t>(head, 18)) == entry.stored;
  }
  if (!agrees) damaged(fmt::format("{} and its own header contradict each other", what));
  entry.offset += local_bytes + name_bytes + extra_bytes;
  part(text, entry.offset, entry.stored, what.c_str());
  if (entry.is_stored() && entry.stored != entry.size) {
    damaged(fmt::format("{} has {} bytes stored, expected {}", what, entry.stored, entry.size));
  }
  if (!entry.is_stored() && entry.size / best_ratio > entry.stored) {
    damaged(fmt::format("{} cannot have {} bytes inflated of {}", what, entry.size, entry.stored));
  }
}

// Many entries that share one block make much of little.
void Archive::check_overlaps() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // from the header on
  ranges.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    ranges.emplace_back(entry.offset - local_bytes - entry.name.size(), entry.offset + entry.stored);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) damaged(fmt::format("its entries overlap at byte {}", ranges[i].first));
  }
}

const Archive::Entry* Archive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

namespace {

// Of what is read piece by piece.
constexpr std::size_t piece_bytes = 256 << 10;

std::uint32_t crc_of(std::uint32_t before, std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void compare(const Archive::Entry& entry, std::uint32_t crc) {
  if (entry.size > 0 && crc != entry.crc) {
    damaged(fmt::format("entry '{}' has another CRC than the directory says; fetch the file again", shown(entry.name)));
  }
}

struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(Fault::exhausted, "not enough memory to inflate it");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

void Archive::check_readable(const Entry& entry) {
  if ((entry.flags & encrypted) != 0) {
    throw Error(Fault::malformed,
                fmt::format("entry '{}' of the zip archive is encrypted, expected it stored or deflated", shown(entry.name)));
  }
  if (!entry.is_stored() && entry.method != deflated) {
    throw Error(Fault::malformed,
                fmt::format("entry '{}' of the zip archive is packed by method {}, expected it stored or deflated",
                            shown(entry.name), entry.method));
  }
}

// `room(done)` is where what follows the first `done` bytes goes, at least a byte unless all are done; `made` is given each
// piece.
template <typename Room, typename Made>
void Archive::inflate(const Entry& entry, const Room& room, const Made& made) const {
  const auto fail = [&](const char* what) { damaged(fmt::format("entry '{}' {}", shown(entry.name), what)); };
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::vector<std::byte> piece(std::min<std::uint64_t>(entry.stored, piece_bytes));
  // A byte more than there should be room for, so that what is too long is seen.
  std::byte beyond{};
  std::uint64_t taken = 0, done = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const std::size_t size = std::min<std::uint64_t>(piece.size(), entry.stored - taken);
      if (size == 0) fail("ends too early");
      file_.copy(entry.offset + taken, std::span(piece).first(size));
      taken += size;
      stream.next_in = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_in = static_cast<uInt>(size);
    }
    const bool is_full = done == entry.size;
    std::span<std::byte> out = is_full ? std::span(&beyond, 1) : room(done);
    out = out.first(std::min<std::uint64_t>({out.size(), is_full ? 1 : entry.size - done, std::numeric_limits<uInt>::max()}));
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) fail("cannot be inflated");
    const std::size_t size = out.size() - stream.avail_out;
    if (is_full && size > 0) fail("is longer than the directory says");
    made(std::span<const std::byte>(out).first(size));
    done += size;
  }
  if (done != entry.size) fail("is shorter than the directory says");
  if (stream.avail_in > 0 || taken != entry.stored) fail("has bytes after its end");
}

void Archive::read(const Entry& entry, std::span<std::byte> out) const {
  check_readable(entry);
  if (out.size() != entry.size) {
    damaged(fmt::format("entry '{}' has {} bytes, expected {}", shown(entry.name), entry.size, out.size()));
  }
  if (entry.is_stored()) {
    file_.copy(entry.offset, out);
  } else {
    inflate(
        entry, [out](std::uint64_t done) { return out.subspan(done); }, [](std::span<const std::byte>) {});
  }
  compare(entry, crc_of(0, out));
}

void Archive::check(const Entry& entry) const {
  check_readable(entry);
  std::vector<std::byte> piece(std::min<std::uint64_t>(entry.size, piece_bytes));
  std::uint32_t crc = 0;
  if (!entry.is_stored()) {
    inflate(
        entry, [&](std::uint64_t) { return std::span(piece); },
        [&](std::span<const std::byte> made) { crc = crc_of(crc, made); });
    return compare(entry, crc);
  }
  for (std::uint64_t done = 0; done < entry.size;) {
    const auto out = std::span(piece).first(std::min<std::uint64_t>(piece.size(), entry.size - done));
    file_.copy(entry.offset + done, out);
    crc = crc_of(crc, out);
    done += out.size();
  }
  compare(entry, crc);
}

}  // namespace resnet::torch
