// A self-contained page of photos and what a network answered: thumbnails, bars, filters. Cards are made as they are looked at,
// so that ten thousand photos scroll like ten.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace resnet::html {

struct Card {
  std::string name;                // of the photo
  std::string thumbnail, overlay;  // JPEG files; empty where there is none
  struct Answer {
    std::string label;
    double probability = 0;
  };
  std::vector<Answer> answers;       // best first
  std::optional<std::string> truth;  // the true class, where it is known
  bool right = false;                // where it is
  std::string error;                 // why there are no answers
};

class Gallery {
 public:
  // `facts`: a line each under the title.
  Gallery(std::string title, std::vector<std::string> facts) : title_(std::move(title)), facts_(std::move(facts)) {}
  void add(const Card& card);
  std::string render() const;

 private:
  std::string title_;
  std::vector<std::string> facts_;
  std::string cards_;  // as JSON, one after the other
  bool has_truth_ = false;
};

}  // namespace resnet::html
