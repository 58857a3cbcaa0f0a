#include "cli/tasks/job/input_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t least_chunk = 64, most_chunks = 10'000;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw Error(Fault::unreadable, Frame::file(Role::argument, file.string()), what);
}

std::string until_nul(std::istream& stream) {
  std::string text;
  std::getline(stream, text, '\0');
  return text;
}

std::string bytes_of(std::span<const std::uint64_t> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

// Of texts one after the other.
std::uint64_t hash_on(std::uint64_t hash, const std::string& text) { return hash_of(fmt::format("{:016x}{}", hash, text)); }

std::uint64_t hash_of_list(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::uint64_t hash = 0;
  for (std::string text; std::getline(stream, text, '\0');) hash = hash_on(hash, text);
  return hash;
}

// The chunk's size, the number of inputs, and where each chunk begins and the last ends.
std::vector<std::uint64_t> places_in(const fs::path& file, std::size_t chunk, std::size_t batch) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<std::uint64_t> begins;  // of every so many inputs, of more as they are more: a list may be of 100 million
  std::size_t every = chunk > 0 ? chunk : least_chunk;
  std::uint64_t count = 0, at = 0;
  for (std::string path; std::getline(stream, path, '\0'); ++count) {
    if (count % every == 0) begins.push_back(at);
    at += path.size() + 1;
    if (!path.empty()) continue;
    for (int i = 0; i < 2; ++i) at += until_nul(stream).size() + 1;
  }
  if (chunk > 0) every = chunk;
  const std::size_t wanted = chunk > 0 ? chunk : default_chunk(count, batch);
  std::vector<std::uint64_t> places = {wanted, count};
  if (wanted % every == 0) {
    for (std::size_t i = 0; i < begins.size(); i += wanted / every) places.push_back(begins[i]);
    places.push_back(at);
    return places;
  }
  return places_in(file, wanted, batch);
}

}  // namespace

std::size_t default_chunk(std::size_t inputs, std::size_t batch) {
  const std::size_t chunk = std::max(least_chunk, (inputs + most_chunks - 1) / most_chunks);
  return (chunk + batch - 1) / batch * batch;
}

std::string Numbered::to_text() const { return fmt::format("{} {}", number, text); }

std::optional<Numbered> parse_numbered(const std::string& text) {
  const std::size_t space = text.find(' ');
  if (space == text.npos) return std::nullopt;
  const auto number = parse_integer(std::string_view(text).substr(0, space));
  if (!number) return std::nullopt;
  return Numbered{*number, text.substr(space + 1)};
}

InputListDraft::InputListDraft(const fs::path& folder) : list_(folder / "inputs"), places_(folder / "inputs.at"), file_(list_) {}

// A path and a NUL; of one that is not usable: a NUL, which no path begins with, the path, a NUL, why, a NUL.
void InputListDraft::add(const Input& input) {
  if (!input.error.empty()) write("");
  write(input.path.native());
  if (!input.error.empty()) write(input.error);
  ++count_;
}

void InputListDraft::write(const std::string& text) {
  file_.write(text);
  file_.write(std::string_view("", 1));
  hash_ = hash_on(hash_, text);
}

bool InputListDraft::publish(std::size_t chunk, std::size_t batch) {
  const bool is_ours = file_.publish() || hash_of_list(list_) == hash_;
  if (!is_published(places_)) {
    NewFile places(places_);
    places.write(bytes_of(places_in(list_, chunk, batch)));
    places.publish();
  }
  return is_ours;
}

InputList::InputList(const fs::path& folder, const std::optional<Size>& expected) : file_(folder / "inputs") {
  const fs::path at = folder / "inputs.at";
  const auto bytes = read_published(at);
  if (!bytes || bytes->size() < 3 * sizeof(std::uint64_t) || bytes->size() % sizeof(std::uint64_t) != 0)
    refuse(at, "is missing or damaged; start the job in a new folder");
  std::vector<std::uint64_t> places(bytes->size() / sizeof(std::uint64_t));
  std::memcpy(places.data(), bytes->data(), bytes->size());
  chunk_ = places[0];
  inputs_ = places[1];
  if (expected && *expected != Size{inputs_, chunk_})
    refuse(at, fmt::format("is damaged: it is of {} inputs by {}, expected {} by {}; start the job in a new folder", inputs_,
                           chunk_, expected->inputs, expected->chunk));
  offsets_.assign(places.begin() + 2, places.end());
  descriptor_ = open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) refuse(file_, std::string("cannot be read: ") + std::strerror(errno));
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  const bool fits = chunk_ > 0 && chunks() == inputs_ / chunk_ + (inputs_ % chunk_ > 0 ? 1 : 0) && size >= 0 &&
                    static_cast<std::uint64_t>(size) == offsets_.back() && offsets_.front() == 0 &&
                    std::is_sorted(offsets_.begin(), offsets_.end());
  if (fits) return;
  close(descriptor_);
  refuse(at, "does not fit the list of inputs beside it; start the job in a new folder");
}

InputList::~InputList() { close(descriptor_); }

std::vector<Input> InputList::read(std::size_t index) const {
  std::string bytes(offsets_.at(index + 1) - offsets_.at(index), '\0');
  for (std::size_t got = 0; got < bytes.size();) {
    const ssize_t count = pread(descriptor_, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offsets_[index] + got));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse(file_, "is cut short");
    got += static_cast<std::size_t>(count);
  }
  std::vector<Input> inputs;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto next = [&] {
      const std::size_t end = std::min(bytes.find('\0', at), bytes.size());
      std::string text = bytes.substr(at, end - at);
      at = end + 1;
      return text;
    };
    std::string path = next();
    if (!path.empty()) {
      inputs.push_back({std::move(path), ""});
      continue;
    }
    Input input{next(), ""};
    input.error = next();
    inputs.push_back(std::move(input));
  }
  if (inputs.size() != std::min(chunk_, inputs_ - index * chunk_))
    refuse(file_, fmt::format("is damaged: chunk {} holds {} inputs; start the job in a new folder", index, inputs.size()));
  return inputs;
}

}  // namespace resnet::cli
