#include "formats/torch/torch.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "formats/torch/checkpoint.h"
#include "formats/torch/file.h"
#include "formats/torch/legacy.h"
#include "formats/torch/pickle.h"
#include "formats/torch/prefixes.h"
#include "formats/torch/storages.h"
#include "formats/torch/tensors.h"
#include "formats/torch/tree.h"
#include "formats/torch/zip.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"

namespace resnet::torch {

namespace {

// A pickle of a checkpoint has names and sizes; this is far more than even the optimizers of large networks need.
constexpr std::uint64_t most_pickle_bytes = 16 << 20;
constexpr std::string_view wanted = "expected a PyTorch checkpoint";

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

bool is_pickle(std::string_view bytes) {
  const bool has_protocol = bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
  return has_protocol || bytes.starts_with("L119547037146038801333356L");
}

std::string_view way_out(const FileKind& kind) {
  if (kind.group == FileGroup::archive) return "; unpack it";
  if (kind.group == FileGroup::other) return "; fetch the file again";
  if (kind.name.find("PyTorch") == kind.name.npos) return "";
  return "; load it there and save its state_dict() with PyTorch 1.6 or later";
}

[[noreturn]] void refuse_other(std::string_view bytes) {
  const auto kind = kind_of_content(bytes.substr(0, kind_bytes));
  if (!kind) refuse(fmt::format("is {}, {}", bytes.empty() ? "empty" : "not a file that is known here", wanted));
  refuse(fmt::format("is {}, {}{}", kind->name, wanted, way_out(*kind)));
}

Weights weights_of(const Tree& tree, StateDict state, Storages& storages, std::string format, const std::string& file) {
  Weights weights{.format = std::move(format), .notes = std::move(state.notes)};
  TensorReader reader(tree, storages, file);
  weights.tensors.reserve(state.tensors.size());
  for (auto& [name, id] : state.tensors) {
    try {
      weights.tensors.push_back({name, reader.read(id, name)});
    } catch (Error& error) {
      error.in(frame_of_tensor(name));
      throw;
    }
  }
  const std::string prefix = take_off_prefixes(weights);
  if (!prefix.empty()) weights.metadata["prefix"] = prefix;
  return weights;
}

// The folder within the archive that all else is in.
std::string root_of(const Archive& archive) {
  const std::string_view first = archive.entries().empty() ? std::string_view() : archive.entries().front().name;
  const std::size_t slash = first.find('/');
  const std::string root(first.substr(0, slash == first.npos ? 0 : slash));
  const std::string pickle = root + "/data.pkl";
  for (const Archive::Entry& entry : archive.entries()) {
    const bool is_pickle_of_root =
        entry.name.ends_with("/data.pkl") && std::count(entry.name.begin(), entry.name.end(), '/') == 1;
    if (is_pickle_of_root && entry.name != pickle) {
      refuse(fmt::format("has pickles in more than one folder, '{}' and '{}': which one is meant is not known", shown(root),
                         shown(entry.name)));
    }
  }
  return root;
}

// Archives that are something else, by what is in them.
void refuse_other_archive(const Archive& archive, std::string_view first_bytes) {
  const auto any = [&](std::string_view ending) {
    return std::any_of(archive.entries().begin(), archive.entries().end(),
                       [ending](const Archive::Entry& entry) { return entry.name.ends_with(ending); });
  };
  if (any("/constants.pkl")) {
    refuse(fmt::format("is a TorchScript program, {}: save the module's state_dict(), or export it to ONNX", wanted));
  }
  if (any(".npy")) refuse(fmt::format("is a NumPy archive of several arrays, {}", wanted));
  if (any("/data.pkl")) refuse("is a PyTorch archive whose entries are not all in one folder");
  const auto kind = kind_of_content(first_bytes);
  if (kind && kind->name == "a PyTorch checkpoint") refuse(fmt::format("is a zip archive without data.pkl, {}", wanted));
  refuse(fmt::format("is {}, {}", kind ? kind->name : "a zip archive", wanted));
}

bool is_big_endian(const Archive& archive, const std::string& root) {
  const Archive::Entry* entry = archive.find(root + "/byteorder");
  if (entry == nullptr) return false;
  std::string order(std::min<std::uint64_t>(entry->size, 16), '\0');
  if (entry->size == order.size()) archive.read(*entry, std::as_writable_bytes(std::span(order)));
  if (order != "big" && order != "little") {
    refuse(fmt::format("has the byte order '{}', expected 'little' or 'big'", shown(order)));
  }
  return order == "big";
}

Weights parse_pickles(const File& file, const std::string& name);

Weights parse_zip(const File& file, const std::string& name, bool is_inner);

// torch.hub zips a file of the old format, alone.
Weights parse_inner(const Archive& archive, const Archive::Entry& entry, const std::string& name) {
  // A checkpoint hardly becomes smaller when it is zipped.
  constexpr std::uint64_t most_bytes_of_one = 8;
  if (entry.size / most_bytes_of_one > archive.file().bytes().size()) {
    refuse(fmt::format("has '{}' of {} bytes, packed into {}: a checkpoint cannot be packed so", shown(entry.name), entry.size,
                       entry.stored));
  }
  File inner;
  if (entry.is_stored()) {
    archive.check(entry);
    inner = archive.file().part(entry.offset, entry.size);
  } else {
    const auto inflated = Buffer::allocate(entry.size);
    archive.read(entry, inflated->mutable_bytes());
    inner = File(inflated);
  }
  return is_zip(inner.text()) ? parse_zip(inner, name, true) : parse_pickles(inner, name);
}

Weights parse_zip(const File& file, const std::string& name, bool is_inner) {
  const auto shared = std::make_shared<const Archive>(file);
  const Archive& archive = *shared;
  const std::string root = root_of(archive);
  const Archive::Entry* pickle = archive.find(root + "/data.pkl");
  const bool is_script = archive.find(root + "/constants.pkl") != nullptr;
  if (pickle == nullptr || is_script || root.empty()) {
    const auto entries = archive.entries();
    const auto ends_as_checkpoint = [](std::string_view entry) {
      return entry.ends_with(".pth") || entry.ends_with(".pt") || entry.ends_with(".th") || entry.ends_with(".pth.tar");
    };
    if (!is_inner && entries.size() == 1 && ends_as_checkpoint(entries[0].name)) return parse_inner(archive, entries[0], name);
    refuse_other_archive(archive, file.text().substr(0, kind_bytes));
  }
  if (pickle->size > most_pickle_bytes) {
    refuse(fmt::format("has a pickle of {} bytes, expected at most {}", pickle->size, most_pickle_bytes));
  }
  std::string text(pickle->size, '\0');
  archive.read(*pickle, std::as_writable_bytes(std::span(text)));
  Tree tree(text, budget_of(pickle->stored));
  StateDict state = find_state_dict(tree, unpickle(tree, 0).value);
  ZipStorages storages(shared, root, is_big_endian(archive, root));
  return weights_of(tree, std::move(state), storages, "PyTorch (zip)", name);
}

Weights parse_pickles(const File& file, const std::string& name) {
  if (!is_pickle(file.text())) refuse_other(file.text());
  Tree tree(file.text(), budget_of(file.text().size()));
  const std::optional<Legacy> legacy = read_legacy(tree);
  if (!legacy) refuse(fmt::format("is a Python pickle that PyTorch did not save, {}", wanted));
  StateDict state = find_state_dict(tree, legacy->object);
  LegacyStorages storages(file, tree, legacy->keys, legacy->storages);
  return weights_of(tree, std::move(state), storages, "PyTorch (legacy)", name);
}

}  // namespace

bool is_checkpoint(std::string_view first_bytes) {
  if (!is_zip(first_bytes)) return is_pickle(first_bytes);
  const auto kind = kind_of_content(first_bytes);
  return kind && (kind->name == "a PyTorch checkpoint" || kind->name == "a ZIP archive");
}

Weights parse(FileBytes file, const std::string& name) {
  try {
    return is_zip(file.text()) ? parse_zip(file, name, false) : parse_pickles(file, name);
  } catch (Error& error) {
    error.in(Frame::file(Role::model, name));
    throw;
  }
}

Weights read(const std::filesystem::path& path) { return parse(FileBytes::map(path), path.string()); }

}  // namespace resnet::torch
