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
