// The names of published networks as they are asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace resnet::hub {

struct Name {
  enum class Place { hub, torchvision };
  Place place = Place::hub;
  std::string repository;     // "timm/resnet50.a1_in1k"; of torchvision with its organisation, too: "torchvision/resnet50"
  std::string revision;       // a branch, tag or commit; empty: main
  std::string file;           // within the repository: "onnx/model.onnx"; empty: the network as its config.json describes it
  bool has_prefix = false;    // hf: can only be meant for the hub
  bool in_catalogue = false;  // its repository is an entry's
  bool is_default = false;    // the catalogue's tag was taken where none was given, or DEFAULT
  bool known_owner = false;   // of an organisation that publishes ResNets

  // "timm/resnet50.a1_in1k@main:model.onnx", as parse_name() takes it.
  std::string text() const;
};

// ORG/NAME[@REVISION][:PATH], torchvision/ARCH[.WEIGHTS], hf:[ORG/]NAME[@REVISION][:PATH] (or hf-hub:, as timm writes it). A tag
// that is left out is the catalogue's. Nothing for text of another form, which is a path; whether a file has the name is not
// looked at. Throws Error(invalid) for what has the prefix and breaks the rest of the form.
std::optional<Name> parse_name(std::string_view text);

// Whether these may be given to the hub and to a folder: a repository's name, a revision, a path within a repository. What would
// lead out of a folder is not.
bool is_repository(std::string_view name);
bool is_revision(std::string_view text);
bool is_inner_path(std::string_view path);
// 40 hexadecimal digits in lower case.
bool is_commit(std::string_view text);
// What a server calls the bytes of a file, where it can be a file's name.
bool is_etag(std::string_view text);

}  // namespace resnet::hub
