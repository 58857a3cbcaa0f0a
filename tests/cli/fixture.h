// A folder with a model and pictures, and what every test of the program asks of an answer.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/cli/bytes.h"
#include "tests/cli/program.h"
#include "tests/support/temporary_folder.h"

namespace resnet::test {

// "rgb.onnx" has the classes red, green and blue of "rgb.txt": its logits are the means of the channels, 0..255, where photos
// come
// --preprocess raw. "red.png" and "yellow.png" have its size, 4x4.
class CliTest : public testing::Test {
 protected:
  CliTest() {
    write("rgb.onnx", onnx_file(mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0})));
    write("rgb.txt", "red\ngreen\nblue\n");
    write("red.png", png(4, 4, {255, 0, 0}));
    write("yellow.png", png(4, 4, {255, 255, 0}));
  }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const { return folder_.write(name, bytes); }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // In the folder.
  Finished run(const std::vector<std::string>& arguments, RunOptions options = {}) const {
    options.folder = folder();
    return test::run(arguments, options);
  }

  std::string read(const std::string& name) const {
    std::ifstream file(folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  static bool has_browser() { return run_command({"bash", "-c", "command -v chromium"}, {}).exit_code == 0; }
  // The page `name` in headless Chromium, with `script` run after its own: stdout is the document as it is then, stderr holds
  // CONSOLE where a script complained.
  Finished browse(const std::string& name, const std::string& script) const {
    std::string html = read(name);
    const std::size_t end = html.rfind("</body>");
    EXPECT_NE(end, html.npos);
    write("probe.html", html.insert(std::min(end, html.size()), "<script>" + script + "</script>"));
    RunOptions options;
    options.folder = folder();
    return run_command({"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
                        "--user-data-dir=profile", "--virtual-time-budget=2000", "--dump-dom", "probe.html"},
                       options);
  }

  // The paths of a CSV answer, in order.
  static std::vector<std::string> inputs_of(const std::string& csv) {
    std::vector<std::string> inputs;
    for (std::size_t begin = csv.find('\n') + 1; begin < csv.size(); begin = csv.find('\n', begin) + 1) {
      inputs.push_back(csv.substr(begin, csv.find(',', begin) - begin));
    }
    return inputs;
  }

 private:
  TemporaryFolder folder_;
};

// One line on stderr that holds `text`, nothing on stdout.
inline void expect_refused(const Finished& finished, int exit_code, const std::string& text) {
  EXPECT_EQ(finished.exit_code, exit_code);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, testing::StartsWith("resnet-cli: "));
  EXPECT_THAT(finished.err, testing::HasSubstr(text));
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
}

}  // namespace resnet::test
