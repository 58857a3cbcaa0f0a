// The Identity of an answer: everything that decides it. Two runs whose Identities are equal give the same bytes; a resumed run,
// the parts of one list, the cache of prepared networks and a training run that is resumed compare nothing else.
#pragma once

#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::cli {

// One network's share. Every field is text that is equal where the answers are; cli/identity/text.h makes it.
struct NetworkIdentity {
  std::string name;                         // as it was asked for: for people alone, never compared
  std::string model;                        // the digest of its file; of a built network its structure, initialisation and seed
  std::map<std::string, std::string> data;  // digests of the files beside the model's that weights were read from, by name
  std::string preparation;                  // how a photo becomes its input, resolved
  std::string input_shape;                  // asked for in place of the model's own, else empty
  std::string output;                       // the output that was asked for by name, else empty
  std::string convolution;                  // what was asked for: auto, direct, winograd
  std::string methods;                      // what the plan chose: how each convolution is computed
};

struct Identity {
  std::vector<NetworkIdentity> networks;  // of an ensemble several, in the order in which they are averaged
  std::string labels;                     // the classes' names
  std::string views, average, top_k, min_probability, max_pixels;
  std::string valid_labels;  // of an evaluation: the classes that can be answered; empty: all
  // Of a training run: how it descends, a setting each, and the contents of its pictures.
  std::vector<std::pair<std::string, std::string>> training;
  std::string pictures, test_pictures;
  std::string instruction_set;  // that the kernels use
  std::string version;          // of the program
};

// A field that is not the same: "labels", and what it is in each.
struct Difference {
  std::string field, left, right;
};
// All fields that differ, but for those that the caller may disregard, by name ("pictures"). The one comparison that there is.
std::vector<Difference> differences(const Identity& left, const Identity& right,
                                    std::initializer_list<std::string_view> disregarded = {});
// "labels 10 names (digest 12ab), top-k 5": the fields of one side, shortened to what fits a line. Differences are not empty.
std::string left_of(std::span<const Difference> differences);
std::string right_of(std::span<const Difference> differences);

// What a network that was made ready to run depends on, whatever its photos: it disregards labels, preparation, views, the rest
// of the answer, and what the plan chose, which the cache keeps. Data files are compared by their digests there.
std::string text_of_prepared(const NetworkIdentity& network, const Identity& of);

// One line of JSON, with the number of its format.
std::string to_json(const Identity& identity);
// Throws Error(invalid) without a file's name: "does not say what it was made with", or "was written by a later
// version".
Identity identity_from_json(const std::string& text);

}  // namespace resnet::cli
