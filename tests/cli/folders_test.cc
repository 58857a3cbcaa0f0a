// Folders and lists as people have them: what tools leave there, what is missing, and what spreadsheets write.
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FoldersTest : public CliTest {
 protected:
  FoldersTest() {
    for (const char* name : {"red", "green", "blue"}) {
      picture(std::string("data/") + name + "/1.png",
              {name[0] == 'r' ? 255 : 0, name[0] == 'g' ? 255 : 0, name[0] == 'b' ? 255 : 0});
    }
  }

  void picture(const std::string& name, std::array<int, 3> color = {0, 0, 255}) const {
    fs::create_directories((folder() / name).parent_path());
    write(name,
          png(4, 4,
              {static_cast<std::uint8_t>(color[0]), static_cast<std::uint8_t>(color[1]), static_cast<std::uint8_t>(color[2])}));
  }
  Finished evaluate(const std::string& data, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"evaluate",     "rgb.onnx", data,       "--labels", "rgb.txt",
                                      "--preprocess", "raw",      "--format", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Finished predict(std::vector<std::string> words) const {
    words.insert(words.begin(), {"predict", "rgb.onnx", "--preprocess", "raw", "--topk", "1", "--format", "csv"});
    return run(words);
  }
  static json count_of(const Finished& finished) { return json::parse(finished.out, nullptr, false).value("count", json()); }
};

const std::vector<std::string> tool_folders = {
    ".git",         ".ipynb_checkpoints", "@eaDir",     "__MACOSX",    ".thumbnails",
    "$RECYCLE.BIN", "#recycle",           "lost+found", ".Trash-1000", "System Volume Information"};

TEST_F(FoldersTest, WhatToolsLeaveIsNoClassAndNoPhoto) {
  for (const std::string& name : tool_folders) {
    picture("data/" + name + "/x.png");
    picture("data/red/" + name + "/x.png");
  }
  for (const char* name : {"._1.png", ".hidden.png", "Thumbs.db", ".DS_Store", "desktop.ini"})
    write("data/red/" + std::string(name), "x");
  const Finished evaluated = evaluate("data");
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_EQ(count_of(evaluated), 3);
  EXPECT_THAT(evaluated.err, Not(HasSubstr("not picture")));

  const Finished predicted = predict({"data", "-r"});
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_THAT(inputs_of(predicted.out), ElementsAre("data/blue/1.png", "data/green/1.png", "data/red/1.png"));
  // A folder that is named itself is what was meant.
  EXPECT_THAT(inputs_of(predict({"data/red/@eaDir"}).out), ElementsAre("data/red/@eaDir/x.png"));
}

TEST_F(FoldersTest, FoldersOfOtherNamesAreCountedWithoutThoseOfTools) {
  for (const auto& [from, to] : {std::pair{"red", "x"}, {"green", "y"}, {"blue", "z"}})
    fs::rename(folder() / "data" / from, folder() / "data" / to);
  picture("data/.git/x.png");
  const Finished three = evaluate("data");
  EXPECT_EQ(three.exit_code, 0) << three.err;
  EXPECT_THAT(three.err, HasSubstr("are taken in their order"));
  fs::remove_all(folder() / "data/z");
  expect_refused(evaluate("data", {"-q"}), 2, "data/x: is not a class of the model by its name");
}

TEST_F(FoldersTest, ClassesWithoutPhotosAreNamed) {
  fs::remove(folder() / "data/red/1.png");
  const Finished empty = evaluate("data");
  EXPECT_EQ(empty.exit_code, 5);
  EXPECT_EQ(count_of(empty), 2);
  EXPECT_THAT(empty.err, HasSubstr("resnet-cli: data/red: holds no photos\n"));

  write("data/green/1.png", "");
  fs::remove(folder() / "data/green/1.png");
  write("data/green/notes.txt", "x");
  const Finished two = evaluate("data");
  EXPECT_EQ(two.exit_code, 5);
  EXPECT_THAT(two.err, HasSubstr("data: 2 class folders hold no photos: green, red\n"));
  EXPECT_THAT(two.err, HasSubstr("1 file is not a picture (.txt 1) and was left out\n"));

  fs::remove_all(folder() / "data/red");
  fs::remove_all(folder() / "data/green");
  const Finished missing = evaluate("data");
  EXPECT_EQ(missing.exit_code, 5);
  EXPECT_EQ(count_of(missing), 1);
  EXPECT_THAT(missing.err, HasSubstr("data: 2 of 3 classes have no folder: red, green\n"));
  expect_refused(evaluate("data", {"-q", "--fail-fast"}), 5, "have no folder: red, green");
}

TEST_F(FoldersTest, AnUnreadableClassIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every folder";
  fs::permissions(folder() / "data/red", fs::perms::none);
  const Finished finished = evaluate("data");
  fs::permissions(folder() / "data/red", fs::perms::owner_all);
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(count_of(finished), 2);
  EXPECT_THAT(finished.err, HasSubstr("data/red: cannot be read: Permission denied\n"));
}

TEST_F(FoldersTest, FilesThatAreNoPicturesAreCountedInOneLine) {
  for (int i = 0; i < 10; ++i) write("data/red/" + std::to_string(i) + ".TXT", "x");
  for (const char* name : {"a.xml", "b.xml", "README"}) write("data/blue/" + std::string(name), "x");
  const std::string line = "resnet-cli: 13 files are not pictures (.txt 10, .xml 2, without an ending 1) and were left out\n";
  for (const Finished& finished : {evaluate("data"), predict({"data", "-r"})}) {
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(line));
    EXPECT_EQ(finished.err.find("not pictures"), finished.err.rfind("not pictures"));
  }
}

TEST_F(FoldersTest, AFifoIsNamedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder() / "data/red/odd.png").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder() / "data/red/odd.npy").c_str(), 0600), 0);
  const Finished evaluated = evaluate("data");
  EXPECT_EQ(evaluated.exit_code, 5);
  EXPECT_EQ(count_of(evaluated), 3);
  EXPECT_THAT(evaluated.err, HasSubstr("data/red/odd.png: is a FIFO, expected an image\n"));
  const Finished predicted = predict({"data/red", "data/red/odd.png", "-q"});
  EXPECT_EQ(predicted.exit_code, 5);
  EXPECT_THAT(inputs_of(predicted.out), ElementsAre("data/red/1.png"));
  EXPECT_EQ(std::count(predicted.err.begin(), predicted.err.end(), '\n'), 3) << predicted.err;
}

TEST_F(FoldersTest, BmpAndPnmAreFoundInFolders) {
  write(
      "data/red/2.PPM", "P3 4 4 255 " + [] {
        std::string pixels;
        for (int i = 0; i < 16; ++i) pixels += "255 0 0 ";
        return pixels;
      }());
  const Finished finished = evaluate("data");
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(count_of(finished), 4);
  EXPECT_EQ(json::parse(finished.out)["top1"], 100.0);
}

TEST_F(FoldersTest, OrientationsThatAreNotHeededAreToldOnce) {
  const fs::path formats = testdata() / "images" / "formats";
  fs::create_directory(folder() / "turned");
  for (const char* name : {"exif1.jpg", "exif3.jpg", "exif6.jpg"}) fs::copy_file(formats / name, folder() / "turned" / name);
  const std::string note = "2 photos carry an EXIF orientation that is not heeded; --exif heeds it\n";
  const std::vector<std::string> sized = {"turned", "--resize", "4", "--crop-size", "4"};
  const Finished finished = predict(sized);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr(note));
  std::vector<std::string> heeded = sized;
  heeded.push_back("--exif");
  EXPECT_THAT(predict(heeded).err, Not(HasSubstr("orientation")));
  write("turned.csv", "turned/exif1.jpg,0\nturned/exif3.jpg,0\nturned/exif6.jpg,0\n");
  EXPECT_THAT(evaluate("turned.csv", {"--resize", "4", "--crop-size", "4", "--crop", "center,ten"}).err, HasSubstr(note));
}

TEST_F(FoldersTest, ListsAsSpreadsheetsWriteThem) {
  const std::string mark = "\xef\xbb\xbf";
  for (const std::string& text : {std::string("red.png,red\n"), std::string("file,label\nred.png,red\n"), mark + "red.png,red\n",
                                  mark + "file,label\r\nred.png,red\r\n", mark + "\"red.png\",\"red\"\r\n",
                                  std::string("\"red.png\" , 0"), std::string(300, 'f') + ",label\nred.png,red\n"}) {
    write("list.csv", text);
    const Finished finished = evaluate("list.csv");
    EXPECT_EQ(finished.exit_code, 0) << text << finished.err;
    EXPECT_EQ(count_of(finished), 1) << text;
  }
  picture("a \"b\", c.png");
  write("list.csv", "\"a \"\"b\"\", c.png\",blue\n");
  EXPECT_EQ(evaluate("list.csv").exit_code, 0);
}

TEST_F(FoldersTest, MistakesOfListsAreOneLine) {
  fs::create_symlink("loop.png", folder() / "loop.png");
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {std::string(10'000, 'f') + ",label\nred.png,red\n", "list.csv: line 1: 'label' is not a class"},
      {"file,label\nfile,label\nred.png,0\n", "list.csv: line 2: 'label' is not a class"},
      {"red.png;red\n", "list.csv: line 1: expected a file and its class parted by a comma"},
      {"loop.png,label\nred.png,0\n", "list.csv: line 1: 'label' is not a class"},
      {std::string("\xff\xfer\0", 4), "list.csv: is UTF-16, expected UTF-8"},
      {png(4, 4, {1, 2, 3}), "list.csv: is a PNG, expected a list of files and classes"}};
  for (const auto& [text, line] : mistakes) {
    write("list.csv", text);
    expect_refused(evaluate("list.csv", {"-q"}), 2, line);
  }
  expect_refused(evaluate("/dev/zero", {"-q"}), 2, "/dev/zero: is a device, expected a list of files and classes");
  expect_refused(evaluate("loop.png", {"-q"}), 2, "loop.png: ");
  expect_refused(evaluate(std::string(300, 'n'), {"-q"}), 2, "there is no such file or folder");
}

TEST_F(FoldersTest, ListsOptionsAndLabelsHaveABound) {
  ASSERT_EQ(mkfifo((folder() / "fifo").c_str(), 0600), 0);
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--labels", "/dev/zero"}), 2, "/dev/zero: is a device");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--labels", "fifo"}), 2, "fifo: is a FIFO");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--config", "/dev/zero"}), 2, "/dev/zero: is not a regular file");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--config", "fifo"}), 2, "fifo: is not a regular file");
  expect_refused(run({"predict", "rgb.onnx", "@/dev/zero", "-q"}), 5, "@/dev/zero: is a device, expected a list of paths");
  write("large.txt", std::string((16 << 20) + 1, 'x'));
  expect_refused(run({"predict", "rgb.onnx", "red.png", "-q", "--labels", "large.txt"}), 2, "more than the 16 MiB");
}

TEST_F(FoldersTest, WhatIsNoListOfPathsIsNamed) {
  RunOptions options;
  options.folder = folder();
  options.input = png(40, 40, {1, 2, 3});
  expect_refused(run({"predict", "rgb.onnx", "-", "-q"}, options), 2,
                 "standard input is not a list of paths (it looks like a PNG)");
  options.input = std::string("red.png\0", 8);
  expect_refused(run({"predict", "rgb.onnx", "-", "-q"}, options), 2, "it holds NULs; -0 reads what find -print0 writes");
  expect_refused(run({"predict", "rgb.onnx", "@red.png", "-q"}), 5, "@red.png: is not a list of paths (it looks like a PNG)");
}

TEST_F(FoldersTest, TrainTakesTheSameFolders) {
#ifdef RESNET_THREADS_ARE_WATCHED
  GTEST_SKIP() << "oneDNN's threads are OpenMP's, which the thread sanitizer does not understand";
#endif
  for (const std::string& name : tool_folders) picture("data/" + name + "/x.png");
  picture("data/red/@eaDir/x.png");
  write("data/red/notes.txt", "x");
  const std::vector<std::string> words = {"train", "resnet8", "data", "-o", "out.onnx", "--iterations", "1", "--batch-size", "2"};
  const Finished finished = run(words);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("3 pictures of 3 classes"));
  EXPECT_THAT(finished.err, HasSubstr("1 file is not a picture (.txt 1) and was left out"));
  fs::create_directory(folder() / "data/yellow");
  const Finished empty = run(words);
  EXPECT_EQ(empty.exit_code, 5);
  EXPECT_THAT(empty.err, HasSubstr("data/yellow: holds no p"));
}

}  // namespace
}  // namespace resnet::test
