#include "cli/tasks/predict/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "formats/labels/labels.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

constexpr int thumbnail_side = 128, thumbnail_quality = 70;
constexpr std::size_t shown_answers = 5;

std::string thumbnail(const image::Pixels& pixels) {
  const int shorter = std::min(pixels.width, pixels.height);
  if (shorter <= thumbnail_side) return image::encode_jpeg(pixels, thumbnail_quality);
  return image::encode_jpeg(image::resize_shorter_side(pixels, thumbnail_side, Interpolation::bilinear), thumbnail_quality);
}

}  // namespace

void Report::add(const Result& result, const std::vector<std::string>& labels, std::optional<std::int64_t> truth) {
  if (!wanted()) return;
  html::Card& card = cards_.emplace_back();
  card.name = result.input;
  if (result.shown) card.thumbnail = thumbnail(*result.shown);
  if (result.shown && result.map) card.overlay = thumbnail(overlay(*result.shown, *result.map));
  for (const Prediction& prediction : result.predictions) {
    if (card.answers.size() == shown_answers) break;
    card.answers.push_back({labels::label_or_number(labels, prediction.index), prediction.probability});
  }
  if (truth) {
    card.truth = labels::label_or_number(labels, *truth);
    card.right = !result.predictions.empty() && result.predictions.front().index == *truth;
  }
}

void Report::add_failure(const std::string& input, const std::string& error) {
  if (!wanted()) return;
  html::Card& card = cards_.emplace_back();
  card.name = input;
  card.error = error;
}

void Report::commit(const std::string& title, const std::vector<std::string>& facts) {
  if (!wanted()) return;
  html::Gallery gallery(title, facts);
  for (const html::Card& card : cards_) gallery.add(card);
  page_->write(gallery.render());
  page_->commit();
}

void write_activation_map(const std::string& folder, std::size_t number, const Result& result) {
  if (!result.map || !result.shown) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(Fault::unwritable, fmt::format("{}: cannot be made: {}", folder, error.message()));
  std::string name = fs::path(result.input).stem().string();
  AtomicFile file(fs::path(folder) / fmt::format("{:06}_{}.png", number, name));
  const std::string bytes = image::encode_png(overlay(*result.shown, *result.map));
  file.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

}  // namespace resnet::cli
