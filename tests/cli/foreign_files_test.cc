// Arguments that are neither models nor photos: no other network answers in their place.
#include <utility>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ForeignFilesTest : public CliTest {};

std::string zip_of(const std::string& first) {
  std::string bytes = "PK\3\4" + std::string(22, '\0');
  bytes += static_cast<char>(first.size());
  return bytes + std::string(3, '\0') + first + "data";
}

TEST_F(ForeignFilesTest, ByContent) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"\x89HDF\r\n\x1a\n....", "is an HDF5 file (Keras), not a model that can be read here"},
      {std::string("\x1c\0\0\0TFL3....", 12), "is a TensorFlow Lite model"},
      {zip_of("photos/1.jpg"), "is a ZIP archive, neither a model nor a photo; unpack it"},
      {read("rgb.onnx"), "is an ONNX model by its first bytes: --model reads one of any name"}};
  for (const auto& [bytes, text] : files) {
    write("file", bytes);
    for (const auto& arguments : {std::vector<std::string>{"file", "red.png"}, {"red.png", "file"}, {"file"}}) {
      std::vector<std::string> words = {"predict", "-q"};
      words.insert(words.end(), arguments.begin(), arguments.end());
      expect_refused(run(words), 3, "file: " + text);
    }
  }
}

// Weights without a graph are models; what is wrong in them is what their readers say.
TEST_F(ForeignFilesTest, DamagedWeights) {
  for (const auto& [bytes, text] :
       {std::pair{zip_of("resnet/data.pkl"), "is a damaged zip archive"},
        {std::string("\x80\2\x8a\x0al\xfc\x9c"), ""},
        {std::string("\x40\0\0\0\0\0\0\0{\"a\":{}}", 16), "is cut short: 8 bytes after the header's length, expected 64"}}) {
    write("file", bytes);
    for (const auto& arguments : {std::vector<std::string>{"file", "red.png"}, {"red.png", "file"}}) {
      std::vector<std::string> words = {"predict", "-q"};
      words.insert(words.end(), arguments.begin(), arguments.end());
      expect_refused(run(words), 3, std::string("file: ") + text);
    }
    expect_refused(run({"predict", "file", "-q"}), 2, "no images given");
  }
}

TEST_F(ForeignFilesTest, ByNameWhereTheContentSaysNothing) {
  for (const auto& [name, what] :
       {std::pair{"w.h5", "an HDF5 file (Keras)"}, {"w.engine", "a TensorRT engine"}, {"w.PB", "a TensorFlow graph"}}) {
    write(name, "");
    expect_refused(run({"predict", name, "red.png", "-q"}), 3,
                   std::string(name) + ": is " + what + ", not a model that can be read");
  }
  write("w.pth", "");
  expect_refused(run({"predict", "w.pth", "red.png", "-q"}), 3, "w.pth: is empty, expected a PyTorch checkpoint");
  fs::create_directory(folder() / "saved");
  write("saved/saved_model.pb", "x");
  expect_refused(run({"predict", "saved", "red.png", "-q"}), 3, "saved: is a TensorFlow SavedModel");
  // A picture is one whatever its name.
  write("photo.pth", read("red.png"));
  EXPECT_EQ(run({"predict", "photo.pth", "-q"}).exit_code, 0);
}

// Where a model would stand.
TEST_F(ForeignFilesTest, WhatIsNeitherBeforeThePhotos) {
  write("notes.txt", "some notes\nof mine\n");
  write("empty", "");
  write("paper.pdf", "%PDF-1.4\n");
  expect_refused(run({"predict", "notes.txt", "red.png", "-q"}), 3,
                 "notes.txt: is neither a model nor a photo, expected one of them; @notes.txt reads a list of photos");
  expect_refused(run({"predict", "empty", "red.png", "-q"}), 3, "empty: is empty, neither a model nor a photo");
  expect_refused(run({"predict", "paper.pdf", "red.png", "-q"}), 3, "paper.pdf: is a PDF document, neither a model nor a photo");
  // Alone it is an input that cannot be read.
  for (const char* name : {"notes.txt", "empty", "paper.pdf"})
    expect_refused(run({"predict", name, "-q"}), 5, std::string(name) + ": is ");
  // A damaged photo is one input's error, and so is what follows a photo.
  write("damaged.png", "no picture");
  EXPECT_EQ(run({"predict", "damaged.png", "red.png", "-q"}).exit_code, 5);
  EXPECT_EQ(run({"predict", "red.png", "notes.txt", "-q"}).exit_code, 5);
  write("list.txt", "red.png\n");
  EXPECT_EQ(run({"predict", "@list.txt", "-q"}).exit_code, 0);
}

TEST_F(ForeignFilesTest, WhatCannotBeLookedIntoIsNotAnsweredByAnotherNetwork) {
  write("red.png", png(32, 32, {255, 0, 0}));
  fs::create_symlink("nowhere", folder() / "dangling");
  fs::create_directory(folder() / "nothing");
  expect_refused(run({"predict", "dangling", "red.png", "-q"}), 3, "dangling: is a link to nowhere, which is not there");
  expect_refused(run({"predict", "nothing", "red.png", "-q"}), 3, "nothing: is an empty folder, expected a model or photos");
}

TEST_F(ForeignFilesTest, AConfigurationIsOfItsFolder) {
  write("photos/red.png", png(32, 32, {255, 0, 0}));
  write("photos/config.json", "{}");
  EXPECT_EQ(run({"predict", "photos", "-q"}).exit_code, 0);
  const std::string text = "photos/config.json: is the configuration of a network and not a model, expected the folder";
  expect_refused(run({"predict", "photos/config.json", "photos/red.png", "-q"}), 3, text);
  expect_refused(run({"predict", "--model", "photos/config.json", "photos/red.png", "-q"}), 3, text);
}

TEST_F(ForeignFilesTest, WhatDoesNotExist) {
  for (const char* name : {"somebody/resnet50", "nosuch.pth", "folder/"})
    expect_refused(run({"predict", name, "red.png", "-q"}), 2, std::string(name) + ": no such model or photo");
  // Photos that are missing are reported, and the others answered.
  const Finished photo = run({"predict", "missing.jpg", "red.png", "-q"});
  EXPECT_EQ(photo.exit_code, 5);
  EXPECT_THAT(photo.out, testing::StartsWith("red.png\n"));
  const Finished named = run({"predict", "rgb.onnx", "timm/resnet50", "red.png", "-q", "--preprocess", "raw"});
  EXPECT_EQ(named.exit_code, 5);
  EXPECT_THAT(named.err, HasSubstr("timm/resnet50: cannot be opened"));
}

TEST_F(ForeignFilesTest, NamedAsAModelOrAPhoto) {
  write("w.pth", zip_of("resnet/data.pkl"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"predict", "--model", "w.pth", "red.png"},
                                                {"inspect", "w.pth"},
                                                {"convert", "w.pth", "-o", "x.onnx"},
                                                {"evaluate", "w.pth", "data"}}) {
    std::vector<std::string> quiet = words;
    quiet.push_back("-q");
    expect_refused(run(quiet), 3, "w.pth: is a damaged zip archive");
  }
  expect_refused(run({"inspect", "red.png", "-q"}), 3, "red.png: is a PNG, not a model");
  expect_refused(run({"predict", "rgb.onnx", "w.pth", "-q"}), 5, "is not an image that can be read (it is a PyTorch checkpoint)");
}

}  // namespace
}  // namespace resnet::test
