#include "cli/tasks/identity/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "formats/table/text.h"
#include "lib/base/digest.h"

namespace resnet::cli {

namespace {

template <typename Number>
std::string text_of(const std::optional<Number>& number, const char* otherwise) {
  return number ? fmt::format("{}", *number) : otherwise;
}

// A word may hold every byte: lengths keep ("a", "bc") and ("ab", "c") apart.
std::string digest_of_words(std::span<const std::string> words) {
  std::string all;
  for (const std::string& word : words) all += fmt::format("{} {}\n", word.size(), word);
  return digest(all);
}

}  // namespace

std::string text_of_digest(std::string_view digest) { return fmt::format("digest {}", digest); }

std::string text_of_built(const arch::Spec& spec, arch::Init init, std::uint64_t seed) {
  // By their number: a field that is added has to be told, too.
  const auto& [name, block, blocks, stem, first_channels, shortcut, zero_channels, variant, pre_activation, groups,
               width_per_group, average_shortcut, squeeze, squeeze_multiple, efficient_attention, stem_channels, tiered_stem,
               stem_pool, anti_alias, stem_norm, last_norm, norm, standardized, classes, batch, height, width] = spec;
  return fmt::format(
      "built {} ({} {}{}{}, stem {} {}{} {}{}, {} channels, shortcut {}{}, variant {}, anti-alias {}, pre-activation {}{}, "
      "groups {}x{}, average shortcut {}, squeeze {} to {}, efficient attention {}, {} classes, input {}x3x{}x{}), init {}, seed "
      "{}",
      name, word_of(block), fmt::join(blocks, "+"), norm == arch::Norm::group ? ", group norm" : "",
      standardized ? ", standardised" : "", word_of(stem), stem_channels, tiered_stem ? " tiered" : "", word_of(stem_pool),
      stem_norm ? "" : " unnormed", first_channels, arch::name_of(shortcut),
      zero_channels == arch::ZeroChannels::end ? " (zero channels at the end)" : "", arch::name_of(variant), word_of(anti_alias),
      pre_activation, last_norm ? "" : " unnormed", groups, width_per_group, average_shortcut, squeeze, squeeze_multiple,
      efficient_attention, classes, text_of(batch, "N"), height, width, word_of(init), seed);
}

std::string text_of_labels(std::span<const std::string> labels) {
  if (labels.empty()) return "none";
  constexpr std::size_t shown = 40;
  const std::string& first = labels.front();
  return fmt::format("{} names from '{}{}' (digest {})", labels.size(), table::printable(first.substr(0, shown)),
                     first.size() > shown ? "..." : "", digest_of_words(labels));
}

std::string text_of(const Preprocessing& preprocessing) {
  const auto& [name, resize, crop_size, interpolation, channel_order, scale, mean, std, exif, crop_mode, crop_corner, crop_pct,
               crop_width] = preprocessing;
  // What only says what `resize` would be for another crop decides nothing.
  static_cast<void>(name), static_cast<void>(crop_pct);
  // Only where they are not the default: identities that were written before them stay equal.
  std::string framing;
  if (crop_mode != CropMode::center) framing += fmt::format(", {}", word_of(crop_mode));
  if (crop_width) framing += fmt::format(", crop width {}", *crop_width);
  if (crop_corner != CropCorner::half_to_even) framing += fmt::format(", corner {}", word_of(crop_corner));
  return fmt::format("resize {} {}, crop {}, {}, scale {}, mean {}, std {}{}{}", text_of(resize, "none"), word_of(interpolation),
                     text_of(crop_size, "none"), word_of(channel_order), scale, fmt::join(mean, ","), fmt::join(std, ","),
                     framing, exif ? ", turned by EXIF" : "");
}

std::string text_of_methods(std::span<const std::string> methods) {
  if (methods.empty()) return "none";
  std::map<std::string, std::size_t> counts;
  for (const std::string& method : methods) ++counts[method];
  std::vector<std::string> words;
  for (const auto& [method, count] : counts) words.push_back(fmt::format("{} {}", count, method));
  return fmt::format("{} (digest {})", fmt::join(words, ", "), digest_of_words(methods));
}

}  // namespace resnet::cli
