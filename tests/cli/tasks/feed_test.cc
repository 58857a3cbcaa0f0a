// Files, folders, patterns and lists: one path after the other, in a fixed order.
#include "cli/tasks/feed/inputs.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FeedTaskTest : public TaskTest {
 protected:
  // Their names within the folder; "error" with what is wrong.
  std::vector<std::string> names_of(const std::vector<std::string>& arguments, const cli::InputOptions& options = {}) {
    cli::Inputs inputs(arguments, options, Stop(stop));
    EXPECT_TRUE(inputs.total());
    std::vector<std::string> names;
    while (const auto input = inputs.next())
      names.push_back(std::filesystem::path(input->path).lexically_relative(path("")).string() +
                      (input->error.empty() ? "" : " error: " + input->error));
    EXPECT_EQ(inputs.total(), names.size());
    note = inputs.take_note();
    return names;
  }
  std::string note;
};

TEST_F(FeedTaskTest, FoldersInNaturalOrderWithoutWhatIsNotAPhoto) {
  make_folder("photos/within");
  for (const char* name : {"photos/a10.png", "photos/a2.png", "photos/within/b.png"}) picture(name, {1, 2, 3});
  write("photos/notes.txt", "text");
  EXPECT_THAT(names_of({path("photos")}), ElementsAre("photos/a2.png", "photos/a10.png"));
  EXPECT_THAT(note, HasSubstr(".txt"));
  EXPECT_THAT(names_of({path("photos")}, {.recursive = true}),
              ElementsAre("photos/a2.png", "photos/a10.png", "photos/within/b.png"));
}

TEST_F(FeedTaskTest, PatternsAndListsGiveTheirPaths) {
  for (const char* name : {"a1.png", "a2.png", "b.png"}) picture(name, {1, 2, 3});
  const std::string list = write("list.txt", path("b.png") + "\n" + path("nowhere.png") + "\n");
  EXPECT_THAT(names_of({path("a*.png"), "@" + list}), ElementsAre("a1.png", "a2.png", "b.png", "nowhere.png"));
}

// Of what ends as a photo does the file system is not asked; all else may be a folder.
TEST_F(FeedTaskTest, ListsOfPhotosFoldersAndEmptyLines) {
  make_folder("folder.png");
  for (const char* name : {"folder.png/x.png", "photos/1.png", "photos/2.png"}) {
    make_folder("photos");
    picture(name, {1, 2, 3});
  }
  for (const std::string& separator : {std::string("\n"), std::string("\r\n"), std::string(1, '\0')}) {
    std::string text;
    for (const char* line : {"", "a.png", "", "b.JPG", "photos", "", "folder.png", "c.npy", "photos/1.png", "d", ""})
      text += (*line == '\0' ? "" : path(line)) + separator;
    const std::string list = write("list", text);
    const auto names = ElementsAre("a.png", "b.JPG", "photos/1.png", "photos/2.png", "folder.png", "c.npy", "photos/1.png", "d");
    EXPECT_THAT(names_of({"@" + list}), names);
    write("list", text.substr(0, text.size() - 2 * separator.size()));
    EXPECT_THAT(names_of({"@" + list}), names);
    cli::Inputs inputs({"@" + list}, {}, Stop(stop));
    std::size_t seen = 0;
    EXPECT_TRUE(inputs.all([&](const auto& file) { return ++seen, !file.empty(); }));
    EXPECT_EQ(seen, 8U);
    EXPECT_FALSE(inputs.all([](const auto& file) { return file.filename() != "c.npy"; }));
    EXPECT_EQ(inputs.total(), 8U);
  }
}

TEST_F(FeedTaskTest, WhatGivesNoneSaysSo) {
  make_folder("empty");
  EXPECT_THAT(names_of({path("empty"), path("x*.png")}),
              ElementsAre("empty error: the folder holds no images", "x*.png error: no file matches"));
}

TEST_F(FeedTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { names_of({path("empty")}); }).first, Fault::interrupted);
}

}  // namespace
}  // namespace resnet::test
