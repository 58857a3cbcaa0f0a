// `--report`, `--cam`, `--output-type` and `--min-probability`.
#include <cmath>
#include <cstring>
#include <fstream>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class ReportTest : public CliTest {
 protected:
  ReportTest() {
    write("list.csv", "red.png,red\nyellow.png,green\nmissing.png,blue\n");
    write("list.txt", (folder() / "red.png").string() + "\n" + (folder() / "yellow.png").string() + "\n");
  }
  Finished predict(std::vector<std::string> words) const {
    std::vector<std::string> all = {"predict", "rgb.onnx", "@list.txt", "--preprocess", "raw", "--labels", "rgb.txt", "-q"};
    all.insert(all.end(), words.begin(), words.end());
    return run(all);
  }
};

TEST_F(ReportTest, ThePageInChromium) {
  if (!has_browser()) GTEST_SKIP() << "no chromium";
  ASSERT_EQ(run({"evaluate", "rgb.onnx", "list.csv", "--preprocess", "raw", "--labels", "rgb.txt", "--report", "page.html",
                 "--cam", "maps"})
                .exit_code,
            5);
  // What each filter leaves, told in the title.
  const Finished browser =
      browse("page.html",
             "const left = f => { document.querySelector(`[data-filter=${f}]`).click();"
             "return f + ' ' + document.querySelectorAll('figure').length; };"
             "document.title = ['all', 'right', 'wrong', 'uncertain', 'failed'].map(left).join(', ') + ', pictures ' +"
             "(left('all'), document.querySelectorAll('img').length);");
  ASSERT_EQ(browser.exit_code, 0) << browser.err;
  // Yellow is red and green alike: the first of them, at one half.
  EXPECT_THAT(browser.out, HasSubstr("<title>all 3, right 1, wrong 1, uncertain 0, failed 1, pictures 4</title>"));
  EXPECT_THAT(browser.err, Not(HasSubstr("CONSOLE")));
}

TEST_F(ReportTest, NothingInANameEndsThePagesData) {
  write("</script><b>.png", png(4, 4, {255, 0, 0}));
  ASSERT_EQ(
      run({"predict", "rgb.onnx", (folder() / "</script><b>.png").string(), "--preprocess", "raw", "--report", "page.html", "-q"})
          .exit_code,
      0);
  EXPECT_THAT(read("page.html"), Not(HasSubstr("</script><b>")));
}

TEST_F(ReportTest, MapsAreWrittenForEachPhoto) {
  ASSERT_EQ(predict({"--cam", "maps"}).exit_code, 0);
  EXPECT_THAT(read("maps/000001_red.png"), testing::StartsWith("\x89PNG"));
  EXPECT_TRUE(fs::exists(folder() / "maps" / "000002_yellow.png"));
  expect_refused(predict({"--cam", "maps", "--crop", "ten"}), 2, "--cam is of one network and one view");
}

TEST_F(ReportTest, FeaturesAreRowsOfAnArray) {
  ASSERT_EQ(run({"predict", "rgb.onnx", "missing.png", "red.png", "yellow.png", "--preprocess", "raw", "--output-type",
                 "features", "-o", "f.npy", "-q"})
                .exit_code,
            5);
  const std::string bytes = read("f.npy");
  EXPECT_THAT(bytes, HasSubstr("'shape': (3, 3), }"));
  ASSERT_EQ(bytes.size(), 192u + 9 * sizeof(float));
  float values[9];
  std::memcpy(values, bytes.data() + 192, sizeof values);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[3], 255);
  EXPECT_EQ(values[4], 0);
  EXPECT_EQ(values[7], 255);
  expect_refused(predict({"--output-type", "features"}), 2, "expected --output FILE.npy");
}

TEST_F(ReportTest, LogitsAndALeastProbability) {
  EXPECT_THAT(predict({"--output-type", "logit", "-k", "1"}).out, HasSubstr("255.0000  0  red"));
  EXPECT_THAT(predict({"--min-probability", "0.4"}).out, Not(HasSubstr("blue")));
  EXPECT_THAT(predict({"--min-probability", "0.4"}).out, HasSubstr("green"));
  EXPECT_EQ(predict({"--min-probability", "2"}).exit_code, 2);
}

}  // namespace
}  // namespace resnet::test
