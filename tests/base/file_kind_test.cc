#include "lib/base/file_kind.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

std::string name_of(const std::optional<FileKind>& kind) { return kind ? std::string(kind->name) : ""; }

std::string zip_of(const std::string& first) {
  std::string bytes = "PK\3\4" + std::string(22, '\0');
  bytes += static_cast<char>(first.size());
  bytes += std::string(3, '\0');
  return bytes + first + "data";
}

TEST(FileKind, ByContent) {
  EXPECT_EQ(name_of(kind_of_content(zip_of("archive/data.pkl"))), "a PyTorch checkpoint");
  EXPECT_EQ(name_of(kind_of_content(zip_of("config.json"))), "a Keras model");
  EXPECT_EQ(name_of(kind_of_content(zip_of("photos/1.jpg"))), "a ZIP archive");
  EXPECT_EQ(name_of(kind_of_content(std::string("\x80\2\x8a\x0al\xfc\x9c"))), "a Python pickle (PyTorch, scikit-learn)");
  EXPECT_EQ(name_of(kind_of_content("\x89HDF\r\n\x1a\n....")), "an HDF5 file (Keras)");
  EXPECT_EQ(name_of(kind_of_content(std::string("\x1c\0\0\0TFL3....", 12))), "a TensorFlow Lite model");
  EXPECT_EQ(name_of(kind_of_content(std::string("\x40\0\0\0\0\0\0\0{\"a\":{}}", 16))), "a safetensors file of weights");
  EXPECT_EQ(kind_of_content(std::string("\x08\x08\x12\x07pytorch\x1a\x05") + "2.1.0")->group, FileGroup::onnx);
  EXPECT_EQ(name_of(kind_of_content("\n<!DOCTYPE HTML>\n<html>")), "a web page");
  EXPECT_EQ(name_of(kind_of_content("<html lang=en>")), "a web page");
  EXPECT_EQ(name_of(kind_of_content(R"({"error":"Repository not found"})")), "a server's error message, saved as a file");
  EXPECT_EQ(name_of(kind_of_content("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>")),
            "a server's error message, saved as a file");
  EXPECT_EQ(name_of(kind_of_content("# xet version 0\nfilesize = 9\n")), "a Xet pointer");
  EXPECT_EQ(name_of(kind_of_content("PYTORCH1........")), "a checkpoint of PyTorch 1.0's preview release");
  const std::string tar = std::string(257, '\0') + "ustar";
  EXPECT_EQ(name_of(kind_of_content("storages" + tar.substr(8))), "a checkpoint of PyTorch 0.1");
  EXPECT_EQ(name_of(kind_of_content("photos/1" + tar.substr(8))), "a tar archive");
  EXPECT_EQ(kind_of_content("\xff\xd8\xff\xe0 JFIF")->group, FileGroup::picture);
  EXPECT_EQ(kind_of_content("P6\n1 1\n255\nabc")->group, FileGroup::picture);
  EXPECT_EQ(kind_of_content("\x93NUMPY\1")->group, FileGroup::array);
}

TEST(FileKind, TextAndFewBytesAreNothing) {
  const std::string jpeg = "\xff\xd8\xff\xe0", pickle = "\x80\2}q";
  for (const std::string& text :
       {std::string(), std::string("photos/1.jpg\nphotos/2.jpg\n"), std::string("PK"), std::string("BMW.jpg\nP.jpg\n"),
        std::string("P6.jpg\n"), std::string("P1\nP2\n"), std::string("file,label\n"), std::string("{\"0\": \"cat\"}")}) {
    EXPECT_EQ(name_of(kind_of_content(text)), "") << text;
  }
  for (std::size_t size = 0; size < 3; ++size) {
    EXPECT_EQ(kind_of_content(jpeg.substr(0, size)), std::nullopt);
    EXPECT_EQ(kind_of_content(pickle.substr(0, size)), std::nullopt);
  }
}

TEST(FileKind, ByEnding) {
  EXPECT_EQ(name_of(kind_of_ending("a/W.PTH")), "a PyTorch checkpoint");
  EXPECT_EQ(name_of(kind_of_ending("model.tflite")), "a TensorFlow Lite model");
  EXPECT_EQ(kind_of_ending("photos.zip")->group, FileGroup::archive);
  for (const char* other : {"photo.jpg", "model.onnx", "x.resnet", "labels.csv", "pth", ".pth"})
    EXPECT_EQ(name_of(kind_of_ending(other)), "") << other;
}

TEST(FileKind, OfAFileThatIsNeverWaitedFor) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(name_of(kind_of_file(folder.write("w.jpg", zip_of("a/data.pkl")))), "a PyTorch checkpoint");
  EXPECT_EQ(name_of(kind_of_file(folder.path() / "none")), "");
  const std::filesystem::path fifo = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(name_of(kind_of_file(fifo)), "");
}

}  // namespace
}  // namespace resnet
