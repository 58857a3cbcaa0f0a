#include "formats/hub/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet::hub {
namespace {

namespace fs = std::filesystem;

const std::string commit = "0123456789abcdef0123456789abcdef01234567";
const std::string etag(64, 'a');

class CacheTest : public testing::Test {
 protected:
  fs::path top() const { return folder_.path() / "hub"; }
  fs::path tree() const { return top() / "models--timm--resnet18.a1_in1k"; }
  Repository repository() const { return {top(), "timm/resnet18.a1_in1k"}; }
  static void put(const fs::path& file, const std::string& bytes) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
  const fs::path& outside() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(CacheTest, WhatIsWrittenIsFound) {
  const Repository mine = repository();
  EXPECT_FALSE(mine.commit_of(""));
  put(mine.blob(etag), "bytes");
  mine.add(commit, "onnx/model.onnx", etag);
  mine.set_missing(commit, "preprocessor_config.json");
  mine.set_commit("", commit);
  mine.set_commit("refs/pr/1", commit);
  const auto found = mine.find(commit, "onnx/model.onnx");
  ASSERT_TRUE(found);
  EXPECT_EQ(test::content(*found), "bytes");
  EXPECT_EQ(fs::read_symlink(*found), "../../../blobs/" + etag);
  EXPECT_EQ(test::content(tree() / "refs/main"), commit);
  EXPECT_EQ(mine.commit_of("main"), commit);
  EXPECT_EQ(mine.commit_of("refs/pr/1"), commit);
  EXPECT_EQ(mine.commit_of(commit), commit);
  EXPECT_TRUE(mine.is_known_missing(commit, "preprocessor_config.json"));
  EXPECT_FALSE(mine.is_known_missing(commit, "onnx/model.onnx"));
  EXPECT_EQ(mine.lock(etag), top() / ".locks/models--timm--resnet18.a1_in1k" / (etag + ".lock"));
  EXPECT_THAT(test::content(top() / "CACHEDIR.TAG"), testing::StartsWith("Signature: 8a477f597d28d172789f06886806bc55"));
  EXPECT_THAT(cached_repositories(top()), testing::ElementsAre("timm/resnet18.a1_in1k"));
}

TEST_F(CacheTest, AnotherBlobTakesThePlace) {
  const Repository mine = repository();
  put(mine.blob(etag), "old");
  put(mine.blob("b" + etag), "new");
  mine.add(commit, "config.json", etag);
  mine.add(commit, "config.json", "b" + etag);
  EXPECT_EQ(test::content(*mine.find(commit, "config.json")), "new");
  EXPECT_EQ(test::names_in(tree() / "snapshots" / commit).size(), 1U);
}

TEST_F(CacheTest, PlainFilesInPlaceOfLinksAreRead) {
  put(tree() / "snapshots" / commit / "config.json", "{}");
  EXPECT_TRUE(repository().find(commit, "config.json"));
}

TEST_F(CacheTest, WithoutABranchTheOnlyCommitIsMeant) {
  put(tree() / "snapshots" / commit / "config.json", "{}");
  EXPECT_EQ(repository().commit_of(""), commit);
  EXPECT_FALSE(repository().commit_of("dev"));
  put(tree() / "snapshots" / std::string(40, 'b') / "config.json", "{}");
  EXPECT_FALSE(repository().commit_of(""));
}

TEST_F(CacheTest, NamesThatClimbOutAreNotThere) {
  put(outside() / "secret", "x");
  fs::create_directories(tree() / "snapshots" / commit);
  EXPECT_FALSE(repository().find(commit, "../../../../secret"));
  EXPECT_FALSE(repository().find("../../..", "secret"));
  EXPECT_FALSE(repository().commit_of("../../../secret"));
}

TEST_F(CacheTest, LinksThatLeadOutAreRefused) {
  put(outside() / "secret", "x");
  fs::create_directories(tree() / "snapshots" / commit);
  fs::create_symlink(outside() / "secret", tree() / "snapshots" / commit / "config.json");
  const auto [fault, line] = test::error_of([&] { repository().find(commit, "config.json"); });
  EXPECT_EQ(fault, Fault::malformed);
  EXPECT_THAT(line, testing::HasSubstr("leads out of the cache"));
}

TEST_F(CacheTest, NothingIsWrittenOutsideOfTheCache) {
  fs::create_directories(tree());
  fs::create_directories(outside() / "elsewhere");
  fs::create_directory_symlink(outside() / "elsewhere", tree() / "blobs");
  fs::create_directory_symlink(outside() / "elsewhere", tree() / "snapshots");
  fs::create_directory_symlink(outside() / "elsewhere", tree() / "refs");
  for (const auto& work : std::vector<std::function<void()>>{[&] { repository().blob(etag); },
                                                             [&] { repository().add(commit, "config.json", etag); },
                                                             [&] { repository().set_commit("", commit); }}) {
    const auto [fault, line] = test::error_of(work);
    EXPECT_EQ(fault, Fault::unwritable);
    EXPECT_THAT(line, testing::HasSubstr("leads out of the cache"));
  }
  EXPECT_TRUE(test::names_in(outside() / "elsewhere").empty());
}

TEST_F(CacheTest, HostileTreesAreNotWaitedForNorBelieved) {
  fs::create_directories(tree() / "refs");
  fs::create_directories(tree() / "snapshots" / commit);
  ASSERT_EQ(mkfifo((tree() / "refs/main").c_str(), 0600), 0);
  EXPECT_FALSE(repository().commit_of(""));
  put(tree() / "refs/dev", std::string(1 << 20, 'a'));
  EXPECT_FALSE(repository().commit_of("dev"));
  put(tree() / "refs/up", "../../../../../../../../../etc/x/yyyyyyyy");
  EXPECT_FALSE(repository().commit_of("up"));
  ASSERT_EQ(mkfifo((tree() / "snapshots" / commit / "config.json").c_str(), 0600), 0);
  EXPECT_EQ(test::error_of([&] { repository().find(commit, "config.json"); }).first, Fault::malformed);
  fs::create_symlink("round", tree() / "snapshots" / commit / "round");
  EXPECT_FALSE(repository().find(commit, "round"));
}

TEST_F(CacheTest, AFolderThatCannotBeMade) {
  put(top(), "a file");
  const auto [fault, line] = test::error_of([&] { repository().blob(etag); });
  EXPECT_EQ(fault, Fault::unwritable);
  EXPECT_THAT(line, testing::HasSubstr("cannot be made"));
}

}  // namespace
}  // namespace resnet::hub
