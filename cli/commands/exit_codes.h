// What the program's exit codes are called; main.cc says which Error gives which.
#pragma once

namespace resnet::cli::exit_codes {

inline constexpr int check_failed = 1;
inline constexpr int usage = 2;
inline constexpr int model_unreadable = 3;
inline constexpr int cannot_run = 4;     // or be written, or not with the memory there is
inline constexpr int inputs_failed = 5;  // some of them; the others were done
inline constexpr int output_unwritable = 6;
inline constexpr int internal_error = 70;
inline constexpr int not_whole = 75;  // a job of several processes: start it again
inline constexpr int interrupted = 130;

}  // namespace resnet::cli::exit_codes
