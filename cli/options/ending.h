// An output's ending decides its format.
#pragma once

#include <string>
#include <vector>

namespace resnet::cli {

// The format that a command writes: the one asked for by --format, else by the ending of the output's name, in any case, else (no
// ending, or a number, stdout, a file that is not a regular one) the first of `formats`, the words that the command knows. Throws
// Error(invalid) "m.png: ends in .png, which is not written here; expected .txt, .json or .svg; override with --format", without
// the hint where the command `has_no_format_option`.
std::string choose_format(const std::string& asked, const std::string& output, const std::vector<std::string>& formats,
                          bool has_no_format_option = false);
// text, json, csv or md.
std::string choose_table_format(const std::string& asked, const std::string& output);
// Throws as choose_format() where the name ends in another format than these; nothing where it is empty.
void check_ending(const std::string& output, const std::vector<std::string>& formats);

}  // namespace resnet::cli
