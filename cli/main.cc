// resnet-cli: the tree of options, one catch for every error, and the exit codes.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/written_files.h"
#include "cli/terminal/help.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "lib/base/error.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace {

// Set by signals.
std::atomic<bool> stop_requested = false;

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

// CLI11 takes a word in brackets apart; as a path it means the same with ./ before it.
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
    context.messages.error("no command given; see resnet-cli --help");
    return exit_codes::usage;
  }
  const std::vector<std::string> words = words_of(argc, argv);
  try {
    program.parse(std::vector<std::string>(words));
  } catch (const CLI::CallForHelp&) {
    const auto parsed = program.get_subcommands();
    write_text((parsed.empty() ? &program : parsed.front())->help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    write_text("resnet-cli " RESNET_VERSION "\n");
    return 0;
  } catch (const CLI::ParseError& error) {
    context.messages.error(describe_mistake(program, words, error));
    return exit_codes::usage;
  }
  const CommonOptions& options = context.options;
  context.messages.configure(options.quiet, options.verbosity, options.progress);
  if (options.isa) kernels::cap_instruction_set(options.isa);  // before anything is planned
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    check_config(program, *command.app);
    return command.run(context);
  }
  return exit_codes::usage;
}

// The table: what is wrong, and of which file.
int exit_code_of(Fault fault, Role role) {
  switch (fault) {
    case Fault::failed: return exit_codes::check_failed;
    case Fault::invalid: return exit_codes::usage;
    case Fault::unsupported: return role == Role::input ? exit_codes::inputs_failed : exit_codes::cannot_run;
    case Fault::exhausted: return exit_codes::cannot_run;
    case Fault::unwritable: return exit_codes::output_unwritable;
    case Fault::interrupted: return exit_codes::interrupted;
    case Fault::internal: return exit_codes::internal_error;
    case Fault::malformed:
    case Fault::mismatch:
    case Fault::unreadable: break;
  }
  switch (role) {
    case Role::argument: return exit_codes::usage;
    case Role::input: return exit_codes::inputs_failed;
    case Role::output: return exit_codes::output_unwritable;
    case Role::none:  // a model that was made here
    case Role::model: break;
  }
  return exit_codes::model_unreadable;
}

int run_and_catch(int argc, char** argv) {
  occupy_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit of a file's size fails as on a full disk
  handle_interrupts(stop_requested);
  Context context{Stop(stop_requested)};
  const auto fail = [&context](int code, const std::string& text) {
    // What fails while the user stops us (a read, a wait) fails because of that.
    if (!stop_requested) {
      context.messages.error(text);
      return code;
    }
    keep_promise();
    if (tells_interruption()) context.messages.error("interrupted");
    return exit_codes::interrupted;
  };
  try {
    return run(argc, argv, context);
  } catch (const BrokenPipe&) {
    return 0;
  } catch (const Error& error) {
    return fail(exit_code_of(error.fault(), error.role()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(exit_codes::cannot_run, "not enough memory");
  } catch (const std::system_error& error) {
    // A thread that cannot be started: as memory, a resource that this model needs and this machine lacks.
    if (error.code() == std::errc::resource_unavailable_try_again || error.code() == std::errc::not_enough_memory)
      return fail(exit_codes::cannot_run, std::string("not enough memory or threads: ") + error.code().message());
    return fail(exit_codes::internal_error, std::string("internal error: ") + error.what());
  } catch (const std::exception& error) {
    return fail(exit_codes::internal_error, std::string("internal error: ") + error.what());
  } catch (...) {
    return fail(exit_codes::internal_error, "internal error");
  }
}

}  // namespace

}  // namespace resnet::cli

int main(int argc, char** argv) { return resnet::cli::run_and_catch(argc, argv); }
