// What somebody meant who typed an option or a command that is not there.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace resnet::cli {

// What follows "unknown option '--lr'" (`word`, with its dashes): ", did you mean '--learning-rate'?"; or that it is an option of
// other commands; or how the thing is done here, for words of PyTorch, timm, ultralytics and ONNX Runtime; or nothing. `command`
// is the one that was called, or the program itself.
std::string suggest_option(const CLI::App& program, const CLI::App& command, const std::string& word);

// What follows "unknown command 'eval'": ", did you mean 'evaluate'?", or nothing.
std::string suggest_command(const CLI::App& program, const std::string& word);

}  // namespace resnet::cli
