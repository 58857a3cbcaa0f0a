// resnet-cli: the tree of options, one catch for every error, and the exit codes.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/written_files.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace {

// "avx512|avx2|sse4": those that this machine has.
std::string words_of_sets() {
  std::string words;
  for (const kernels::InstructionSet set : kernels::available_instruction_sets())
    words += (words.empty() ? "" : "|") + std::string(kernels::name_of(set));
  return words;
}

// Before anything is planned.
void use_instruction_set(const std::string& word) {
  for (const kernels::InstructionSet set : kernels::available_instruction_sets()) {
    if (kernels::name_of(set) == word) kernels::cap_instruction_set(set);
  }
}

}  // namespace

namespace {

// What is no small regular file may have no end, or never begin; pipes of a shell are the user's own.
std::string objection_to_config(const std::string& file) {
  constexpr std::uintmax_t most_bytes = std::uintmax_t{16} << 20;
  std::error_code none;
  const auto status = std::filesystem::status(file, none);
  if (!std::filesystem::exists(status) || file.starts_with("/dev/fd/")) return "";  // told by who opens it
  if (!std::filesystem::is_regular_file(status)) return file + ": is no regular file, expected TOML";
  return std::filesystem::file_size(file, none) > most_bytes ? file + ": is larger than 16 MiB, expected TOML" : "";
}

}  // namespace

std::vector<Command> add_everything(CLI::App& program, CommonOptions& options) {
  program.description(
      "Residual networks from the command line: classify photos, build the networks of 'Deep Residual Learning for Image "
      "Recognition', "
      "read and write ONNX.");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_help_flag("-h,--help", "this text");
  program.fallthrough();
  program.require_subcommand(1);
  program.allow_config_extras(CLI::config_extras_mode::error);
  add_integer(program, "--threads", options.threads, 1, 1024,
              "how many threads compute (default: the physical cores, or fewer where the job's limits, SLURM_CPUS_PER_TASK or "
              "OMP_NUM_THREADS say so)")
      ->envname("RESNET_CLI_THREADS");
  add_choice(program, "--isa", options.isa, words_of_sets(),
             "use the processor's instructions up to these: machines that are told the same compute the same bits (default: the "
             "best)");
  program
      .set_config("--config", "",
                  "options from a TOML file: 'threads = 2', and 'topk = 3' below a line '[predict]'; what the command line says "
                  "comes first")
      ->type_name("FILE")
      ->check(CLI::Validator(objection_to_config, ""));
  program.add_flag("-q,--quiet", options.quiet, "only errors on stderr: no warnings, notes or progress");
  program.add_flag("-v,--verbose", options.verbosity, "more on stderr");
  add_choice(program, "--progress", options.progress, "auto|on|off", "a progress line on stderr; auto: on a terminal")
      ->capture_default_str();
  program.set_version_flag("-V,--version", "resnet-cli " RESNET_VERSION, "the program's version");
  program.footer(
      "Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 a check failed, 2 usage, 3 a model that cannot be\n"
      "read, 4 a model that cannot run or be written, or not with the memory there is, 5 some inputs failed (the others were\n"
      "done), 6 an output that cannot be written, 70 our own fault, 130 interrupted.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict photo.jpg                            # by the network that is built in\n"
      "  resnet-cli predict resnet50.onnx photo.jpg\n"
      "  resnet-cli predict resnet50.onnx photos/ --recursive --format csv -o answers.csv\n"
      "  resnet-cli build resnet50 -o resnet50.onnx\n"
      "  resnet-cli COMMAND --help");
  std::vector<Command> commands = {add_predict(program),  add_evaluate(program),  add_merge(program),      add_inspect(program),
                                   add_validate(program), add_build(program),     add_convert(program),    add_compare(program),
                                   add_bench(program),    add_responses(program), add_train(program),      add_curves(program),
                                   add_cache(program),    add_ops(program),       add_completion(program), add_man(program)};
  for (const Command& command : commands) command.app->set_help_flag("-h,--help", "this text");
  return commands;
}

namespace {

void write_text(const std::string& text) {
  Output output("");
  output.write(text);
  output.commit();
}

// A descriptor that is closed is taken by the next file that is opened, which our own output would then be written into.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) == -1) static_cast<void>(open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

// A file of options is read, too.
void check_config(const CLI::App& program, const CLI::App& command) {
  const CLI::Option* config = program.get_config_ptr();
  if (config == nullptr || config->count() == 0) return;
  const std::string file = config->as<std::string>();
  for (const char* name : {"--output", "--resume", "--report", "--confusion", "--checkpoint", "--log", "--curves"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr || option->count() == 0 || option->get_type_size() == 0) continue;  // train's --resume is a flag
    check_not_an_input(name, option->as<std::string>(), std::span(&file, 1));
  }
}

// CLI11 takes a word in brackets apart; as a path it means the same with ./ in front.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string word = argv[i];
    if (word.size() > 1 && word.front() == '[' && word.back() == ']') word.insert(0, "./");
    words.push_back(std::move(word));
  }
  return words;  // in reverse, as App::parse wants them
}

int run(int argc, char** argv, Context& context) {
  // Asked by scripts before all else: the tree of options, a millisecond, is not needed for it.
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    write_text("resnet-cli " RESNET_VERSION "\n");
    return 0;
  }
  CLI::App program("", "resnet-cli");
  const std::vector<Command> commands = add_everything(program, context.options);
  if (argc < 2) {
    context.messages.error("no command; resnet-cli --help tells what there is");
    return static_cast<int>(ErrorKind::usage);
  }
  try {
    program.parse(words_of(argc, argv));
  } catch (const CLI::CallForHelp&) {
    const auto parsed = program.get_subcommands();
    write_text((parsed.empty() ? &program : parsed.front())->help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    write_text("resnet-cli " RESNET_VERSION "\n");
    return 0;
  } catch (const CLI::ParseError& error) {
    context.messages.error(describe_mistake(program, error));
    return static_cast<int>(ErrorKind::usage);
  }
  const CommonOptions& options = context.options;
  context.messages.configure(options.quiet, options.verbosity,
                             options.progress == "on"    ? ProgressMode::on
                             : options.progress == "off" ? ProgressMode::off
                                                         : ProgressMode::automatic);
  use_instruction_set(options.isa);
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    check_config(program, *command.app);
    return command.run(context);
  }
  return static_cast<int>(ErrorKind::usage);
}

int run_and_catch(int argc, char** argv) {
  occupy_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit of a file's size fails as on a full disk
  handle_interrupts();
  Context context;
  const auto fail = [&context](ErrorKind kind, const std::string& text) {
    // What fails while the user stops us (a read, a wait) fails because of that.
    context.messages.error(interrupted() ? "interrupted" : text);
    return static_cast<int>(interrupted() ? ErrorKind::interrupted : kind);
  };
  try {
    return run(argc, argv, context);
  } catch (const BrokenPipe&) {
    return 0;
  } catch (const Error& error) {
    return fail(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::unsupported, "not enough memory");
  } catch (const std::system_error& error) {
    // A thread that cannot be started: as memory, a resource that this model needs and this machine lacks.
    if (error.code() == std::errc::resource_unavailable_try_again || error.code() == std::errc::not_enough_memory)
      return fail(ErrorKind::unsupported, std::string("not enough memory or threads: ") + error.code().message());
    return fail(ErrorKind::internal, std::string("internal error: ") + error.what());
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, std::string("internal error: ") + error.what());
  } catch (...) {
    return fail(ErrorKind::internal, "internal error");
  }
}

}  // namespace

}  // namespace resnet::cli

int main(int argc, char** argv) { return resnet::cli::run_and_catch(argc, argv); }
