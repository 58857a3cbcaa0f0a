// An output's ending decides its format.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "formats/table/table.h"
#include "lib/base/words.h"

namespace resnet::cli {

// What build, convert and train write.
enum class ModelFormat { onnx, resnet };
constexpr auto words_of(ModelFormat) {
  return std::to_array<Word<ModelFormat>>({{ModelFormat::onnx, "onnx"}, {ModelFormat::resnet, "resnet"}});
}

// What a command that prints a table writes.
inline constexpr auto table_formats =
    words_of_these({table::Format::text, table::Format::json, table::Format::csv, table::Format::markdown});
// What one that prints a report of its own kind writes.
inline constexpr auto report_formats = words_of_these({table::Format::text, table::Format::json});

// Every format that a file of ours may have.
enum class FileFormat { text, json, jsonl, csv, markdown, dot, svg, html, npy, onnx, resnet };
constexpr auto words_of(FileFormat) {
  return std::to_array<Word<FileFormat>>({{FileFormat::text, "text"},
                                          {FileFormat::json, "json"},
                                          {FileFormat::jsonl, "jsonl"},
                                          {FileFormat::csv, "csv"},
                                          {FileFormat::markdown, "md"},
                                          {FileFormat::dot, "dot"},
                                          {FileFormat::svg, "svg"},
                                          {FileFormat::html, "html"},
                                          {FileFormat::npy, "npy"},
                                          {FileFormat::onnx, "onnx"},
                                          {FileFormat::resnet, "resnet"}});
}
// The endings of a format's files, the usual one first.
std::vector<std::string_view> endings_of(FileFormat format);

// Where a command has no --format, nobody is told to use it.
enum class FormatOption { there, none };

// The place among `formats` (words of FileFormat) of the one that the ending of the output's name says, in any case, else (no
// ending, or a number, stdout, a file that is not a regular one) 0. Throws Error(invalid) "m.png: ends in .png, which is not
// written here; expected .txt, .json or .svg; override with --format".
std::size_t place_by_ending(const std::string& output, std::span<const std::string_view> formats, FormatOption option);

// The format that a command writes: the one asked for by --format, else by the ending of the output's name. `formats`: those that
// the command knows. Throws as place_by_ending().
template <typename E>
E choose_format(std::optional<E> asked, const std::string& output, std::type_identity_t<std::span<const Word<E>>> formats,
                FormatOption option = FormatOption::there) {
  if (asked) return *asked;
  std::vector<std::string_view> words;
  for (const Word<E>& format : formats) words.push_back(format.text);
  return formats[place_by_ending(output, words, option)].value;
}
ModelFormat model_format_of(const std::string& output);

// Throws as place_by_ending() where the name ends in another format than these; nothing where it is empty.
void check_ending(const std::string& output, std::initializer_list<FileFormat> formats);

}  // namespace resnet::cli
