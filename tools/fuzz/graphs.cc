// Random graphs through the executor until one is answered wrong: see tools/fuzz/graphs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "tests/random/exchange.h"
#include "tests/random/search.h"

namespace {

struct Options {
  std::uint64_t seed = 0, graphs = UINT64_MAX;
  double seconds = 0;
  std::size_t threads = 0;
  bool keep_going = false, no_shrink = false;
  std::string write, judge;  // folders
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: resnet_fuzz_graphs [--seed N] [--graphs N] [--seconds N] [--threads N] [--keep-going] [--no-shrink]\n"
      "       resnet_fuzz_graphs --write|--judge FOLDER --graphs N [--seed N]\n",
      stderr);
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--keep-going") {
      options.keep_going = true;
      continue;
    }
    if (option == "--no-shrink") {
      options.no_shrink = true;
      continue;
    }
    if (i + 1 == argc) usage();
    if (option == "--write" || option == "--judge") {
      (option == "--write" ? options.write : options.judge) = argv[++i];
      continue;
    }
    char* end = nullptr;
    const double value = std::strtod(argv[++i], &end);
    if (end == argv[i] || *end != '\0' || value < 0) usage();
    if (option == "--seed") {
      options.seed = static_cast<std::uint64_t>(value);
    } else if (option == "--graphs") {
      options.graphs = static_cast<std::uint64_t>(value);
    } else if (option == "--threads") {
      options.threads = static_cast<std::size_t>(value);
    } else if (option == "--seconds") {
      options.seconds = value;
    } else {
      usage();
    }
  }
  return options;
}

// For another program to run, and what it answered: see tools/interop/check.
int exchange(const Options& options) {
  if (!options.write.empty()) resnet::random::write_graphs(options.write, options.seed, options.graphs);
  if (options.judge.empty()) return 0;
  const resnet::random::Verdict verdict = resnet::random::judge_answers(options.judge, options.seed, options.graphs);
  std::printf("%llu agree, %llu cannot be run, %llu failed\n", static_cast<unsigned long long>(verdict.right),
              static_cast<unsigned long long>(verdict.not_run), static_cast<unsigned long long>(verdict.wrong));
  // What cannot be run is an exception: a handful of old operators in new types.
  return verdict.wrong > 0 || verdict.not_run * 20 > options.graphs ? 1 : 0;
}

int run(int argc, char** argv) {
  using namespace resnet::random;
  const Options options = parse(argc, argv);
  if (!options.write.empty() || !options.judge.empty()) return exchange(options);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  SearchOptions search_options{
      .first_seed = options.seed, .graphs = options.graphs, .shrink = !options.no_shrink, .threads = options.threads};
  std::uint64_t seen = 0, wrong = 0;
  search_options.go_on = [&] { return options.seconds == 0 || seconds() < options.seconds; };
  while (true) {
    search_options.graphs = options.graphs - seen;
    const SearchResult result = search(search_options);
    seen += result.graphs;
    if (!result.finding) break;
    ++wrong;
    const Finding& finding = *result.finding;
    std::printf("seed %llu: %s\nsmaller: %s\n%s\n\n", static_cast<unsigned long long>(finding.seed), finding.problem.c_str(),
                finding.settings.c_str(), finding.text.c_str());
    std::fflush(stdout);
    if (!options.keep_going) break;
    search_options.first_seed = finding.seed + 1;
  }
  std::printf("%llu graphs, %llu wrong, %.0f s\n", static_cast<unsigned long long>(seen), static_cast<unsigned long long>(wrong),
              seconds());
  return wrong > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "graphs: %s\n", error.what());
    return 2;
  }
}
