// Where predict's images come from: files, folders, patterns and lists.
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class PredictInputsTest : public CliTest {
 protected:
  Finished predict(std::vector<std::string> words, const RunOptions& options = {}) const {
    words.insert(words.begin(),
                 {"predict", "--model", "rgb.onnx", "--preprocess", "raw", "-q", "--topk", "1", "--format", "csv"});
    return run(words, options);
  }
  void picture(const std::string& name) const { write(name, png(4, 4, {0, 0, 255})); }
};

TEST_F(PredictInputsTest, AFolderInNaturalOrderWithoutWhatIsNoImage) {
  for (const char* name :
       {"f/img10.png", "f/img2.png", "f/IMG3.PNG", "f/img02.png", "f/img1.png", "f/.hidden.png", "f/deep/x.png"})
    picture(name);
  write("f/labels.csv", "img1.png,3\n");
  const Finished finished = predict({"f"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(inputs_of(finished.out), ElementsAre("f/img1.png", "f/img02.png", "f/img2.png", "f/IMG3.PNG", "f/img10.png"));
}

TEST_F(PredictInputsTest, RecursionIsSafeAgainstLoops) {
  for (const char* name : {"f/b.png", "f/a/2.png", "f/a/10.png", "f/c/1.png"}) picture(name);
  fs::create_directory_symlink("..", folder() / "f/a/up");
  fs::create_directory_symlink("../c", folder() / "f/a/across");
  fs::create_symlink("nowhere", folder() / "f/dangling.txt");
  const Finished finished = predict({"f", "--recursive"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const std::vector<std::string> inputs = inputs_of(finished.out);
  EXPECT_EQ(inputs.size(), 4u) << finished.out;  // each picture once
  EXPECT_THAT(inputs, testing::IsSupersetOf({"f/a/2.png", "f/a/10.png", "f/b.png"}));
}

TEST_F(PredictInputsTest, AFolderWithoutImagesIsAFailedInput) {
  fs::create_directories(folder() / "empty");
  picture("outer/inner/x.png");
  expect_refused(run({"predict", "rgb.onnx", "empty", "-q"}), 5, "empty: the folder holds no images");
}

TEST_F(PredictInputsTest, FailuresStandInTheirPlaces) {
  picture("outer/inner/x.png");
  const Finished finished = run({"predict", "rgb.onnx", "red.png", "outer", "no*.png", "@none.txt", "yellow.png", "-q", "--topk",
                                 "1", "--format", "jsonl", "--preprocess", "raw"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(finished.out,
            R"({"input":"red.png","predictions":[{"rank":1,"index":0,"label":null,"probability":1.0,"logit":255.0}]})"
            "\n"
            R"x({"input":"outer","error":"the folder itself holds no images (--recursive looks into those within)"})x"
            "\n"
            R"({"input":"no*.png","error":"no file matches"})"
            "\n"
            R"({"input":"@none.txt","error":"cannot be opened: No such file or directory"})"
            "\n"
            R"({"input":"yellow.png","predictions":[{"rank":1,"index":0,"label":null,"probability":0.5,"logit":255.0}]})"
            "\n");
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 3) << finished.err;
}

TEST_F(PredictInputsTest, PatternsThatTheShellLeft) {
  for (const char* name : {"p10.png", "p9.png", "q1.png"}) picture(name);
  EXPECT_THAT(inputs_of(predict({"p*.png", "q?.png"}).out), ElementsAre("p9.png", "p10.png", "q1.png"));
  // What tools leave is not meant by a pattern.
  for (const char* name : {"many/1.png", "many/@eaDir/1.png"}) picture(name);
  write("many/Thumbs.db", "x");
  EXPECT_THAT(inputs_of(predict({"many/*"}).out), ElementsAre("many/1.png"));
  // A file whose name is a pattern, or is in brackets, is that file.
  picture("p*.png");
  EXPECT_THAT(inputs_of(predict({"p*.png"}).out), ElementsAre("p*.png"));
  picture("[a]");
  EXPECT_THAT(inputs_of(predict({"[a]"}).out), ElementsAre("./[a]"));
}

TEST_F(PredictInputsTest, AListFile) {
  picture("f/1.png");
  picture("with space.png");
  write("list.txt", "\xef\xbb\xbfred.png\r\n\r\nwith space.png\r\nf\r\n");
  EXPECT_THAT(inputs_of(predict({"@list.txt", "yellow.png"}).out),
              ElementsAre("red.png", "with space.png", "f/1.png", "yellow.png"));
  write("list.txt", "\n\n");
  expect_refused(run({"predict", "rgb.onnx", "@list.txt", "-q"}), 5, "@list.txt: the list names no files");
}

TEST_F(PredictInputsTest, AListOnStdin) {
  RunOptions options;
  options.input = "red.png\nmissing.png\nyellow.png";
  const Finished finished = predict({"yellow.png", "-"}, options);
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(inputs_of(finished.out), ElementsAre("yellow.png", "red.png", "yellow.png"));
  EXPECT_EQ(finished.err, "resnet-cli: missing.png: cannot be opened: No such file or directory\n");
}

TEST_F(PredictInputsTest, AByteOrderMarkIsNoPartOfAPath) {
  RunOptions options;
  options.input = "\xef\xbb\xbfred.png\r\nyellow.png\r\n";
  EXPECT_THAT(inputs_of(predict({"-"}, options).out), ElementsAre("red.png", "yellow.png"));
  write("list.txt", options.input);
  EXPECT_THAT(inputs_of(predict({"@list.txt"}).out), ElementsAre("red.png", "yellow.png"));
}

TEST_F(PredictInputsTest, AListOnStdinWithNulsHoldsAnyName) {
  picture("two\nlines.png");
  RunOptions options;
  options.input = std::string("red.png\0two\nlines.png\0", 22);
  const Finished finished = predict({"-0", "-"}, options);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("\"two\nlines.png\",1,2"));
}

TEST_F(PredictInputsTest, AnEmptyListOnStdinIsNoFailure) {
  const Finished finished = predict({"-"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.out, "input,rank,index,label,probability,logit\n");
}

TEST_F(PredictInputsTest, AListOnStdinIsAnsweredAsItComes) {
  RunOptions options;
  options.folder = folder();
  Running running({program(), "predict", "rgb.onnx", "-", "-q", "--topk", "1", "--preprocess", "raw"}, options);
  running.write("red.png\n");
  std::string out;
  while (out.find('%') == std::string::npos) {
    const std::string more = running.read_out();
    ASSERT_NE(more, "");
    out += more;
  }
  EXPECT_EQ(out, "red.png\n  100.00 %  0\n");
  running.write("yellow.png\n");
  EXPECT_EQ(running.wait().out, "red.png\n  100.00 %  0\nyellow.png\n   50.00 %  0\n");
}

// What folders of photos hold: each is answered or reported in its place, and nothing stops the others.
TEST_F(PredictInputsTest, OddPhotosAmongOthers) {
  const fs::path odd = folder() / "odd", formats = testdata() / "images" / "formats";
  fs::create_directories(odd / "loop");
  const std::string good = png(8, 8, {255, 0, 0});
  const auto add = [&](const std::string& name, const std::string& bytes) { write("odd/" + name, bytes); };
  add("01_empty.png", "");
  add("02_truncated.png", good.substr(0, good.size() / 2));
  add("03_one.png", png(1, 1, {255, 0, 0}));
  add("04_strip.png", png(20'000, 10, {255, 0, 0}));
  fs::copy_file(formats / "animated.gif", odd / "05_animated.gif");
  fs::copy_file(formats / "cmyk.jpg", odd / "06_cmyk.jpg");
  fs::copy_file(formats / "rgb16.png", odd / "07_16bit.png");
  add("08_bomb.png", png(600, 600, {255, 0, 0}));
  fs::create_symlink("nowhere.png", odd / "09_unreadable.png");
  fs::create_directory_symlink(odd, odd / "loop" / "again");
  add("10_new\nline.png", good);
  add("11_latin\xe9.png", good);
  add("12_last.png", good);
  for (const char* crop : {"center", "ten"}) {
    SCOPED_TRACE(crop);
    const Finished finished = run({"predict", "rgb.onnx", "odd", "-r", "--preprocess", "raw", "--resize", "4", "--crop-size", "4",
                                   "--crop", crop, "--max-pixels", "350000", "--format", "jsonl", "-q"});
    EXPECT_EQ(finished.exit_code, 5);
    std::istringstream lines(finished.out);
    std::vector<std::string> answered, failed;
    for (std::string line; std::getline(lines, line);) {
      const auto answer = nlohmann::json::parse(line);
      const std::string name = fs::path(answer["input"].get<std::string>()).filename().string().substr(0, 2);
      (answer.contains("error") ? failed : answered).push_back(name);
      if (name == "11") {
        EXPECT_TRUE(answer.contains("input_base64"));
      }
    }
    EXPECT_THAT(answered, testing::ElementsAre("03", "04", "05", "06", "07", "10", "11", "12"));
    EXPECT_THAT(failed, testing::ElementsAre("01", "02", "08", "09"));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 4) << finished.err;
    EXPECT_THAT(finished.err, testing::HasSubstr("08_bomb.png: has 600x600 pixels, more than the 350000"));
  }
}

TEST_F(PredictInputsTest, StdinIsOneList) {
  expect_refused(run({"predict", "rgb.onnx", "-", "-", "-q"}), 2,
                 "-: is given twice, but the list on standard input is read once");
  write("-", "");  // whatever is there
  expect_refused(run({"predict", "-", "-", "-q"}), 2, "-: is given twice");
  std::filesystem::remove(folder() / "-");
  EXPECT_THAT(run({"predict", "rgb.onnx", "@-", "-q"}).err,
              testing::HasSubstr("@-: cannot be opened: No such file or directory; - reads a list"));
}

}  // namespace
}  // namespace resnet::test
