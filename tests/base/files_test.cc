#include "lib/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "lib/base/temporaries.h"
#include "tests/support/observe.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;
using test::content;
using test::error_of;
using test::names_in;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ReadFile, GivesEveryByte) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  EXPECT_EQ(read_file(folder.write("bytes", bytes), Role::input), bytes);
  EXPECT_EQ(read_file(folder.write("empty", ""), Role::input), "");
}

TEST(ReadFile, NamesTheFileThatIsNotThere) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "none.onnx";
  const auto [kind, line] = error_of([&] { read_file(file, Role::model); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_EQ(line, file.string() + ": cannot be opened: No such file or directory");
}

TEST(ReadFile, RefusesAFolder) {
  const TemporaryFolder folder;
  const auto [kind, line] = error_of([&] { read_file(folder.path(), Role::input); });
  EXPECT_EQ(kind, Fault::unreadable);
  EXPECT_EQ(line, folder.path().string() + ": is a folder, expected a file");
}

TEST(ReadFile, RefusesWhatHasNoEndOrNeverBegins) {
  const TemporaryFolder folder;
  const fs::path fifo = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_file(fifo, Role::argument); }).second, fifo.string() + ": is a FIFO, expected a file");
  EXPECT_EQ(error_of([&] { read_file("/dev/zero", Role::argument, {.expected = "a list"}); }).second,
            "/dev/zero: is a device, expected a list");
  const fs::path loop = folder.path() / "loop";
  fs::create_symlink("loop", loop);
  EXPECT_EQ(error_of([&] { read_file(loop, Role::argument); }).first, Fault::unreadable);
  EXPECT_EQ(error_of([&] { read_file(folder.path() / std::string(300, 'n'), Role::argument); }).first, Fault::unreadable);
  EXPECT_EQ(error_of([&] { read_file(std::string("a\0b", 3), Role::argument); }).first, Fault::unreadable);
}

TEST(ReadFile, RefusesWhatIsTooLarge) {
  const TemporaryFolder folder;
  const std::uintmax_t most = std::uintmax_t{1} << 20;
  const fs::path exact = folder.write("exact", std::string(most, 'x')),
                 larger = folder.write("larger", std::string(most + 1, 'x'));
  EXPECT_EQ(read_file(exact, Role::argument, {.most_bytes = most}).size(), most);
  EXPECT_EQ(error_of([&] { read_file(larger, Role::argument, {.most_bytes = most}); }).second,
            larger.string() + ": has 1048577 bytes, more than the 1 MiB that a file may have");
}

// As a shell's <(...) gives it.
TEST(ReadFile, ReadsAPipe) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{300'000}}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string bytes(size, 'x');
    std::thread writer([&] {
      for (std::size_t done = 0; done < size;) done += static_cast<std::size_t>(write(ends[1], bytes.data() + done, size - done));
      close(ends[1]);
    });
    const std::string name = "/dev/fd/" + std::to_string(ends[0]);
    EXPECT_EQ(read_file(name, Role::argument).size(), size);
    writer.join();
    close(ends[0]);
  }
}

TEST(AtomicFile, AppearsOnlyWhenItIsCommitted) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out.bin";
  {
    AtomicFile output(file);
    output.stream() << "whole";
    output.stream().flush();
    EXPECT_FALSE(fs::exists(file));
    output.commit();
    EXPECT_EQ(content(file), "whole");
  }
  EXPECT_EQ(content(file), "whole");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out.bin"));
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    AtomicFile output(folder.path() / "out.bin");
    output.stream() << "half";
  }
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

TEST(AtomicFile, KeepsTheOldFileWithoutCommit) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("out.bin", "old");
  try {
    AtomicFile output(file);
    output.stream() << "new";
    throw Error(Fault::internal, "stopped half-way");
  } catch (const Error&) {
  }
  EXPECT_EQ(content(file), "old");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out.bin"));
}

TEST(AtomicFile, ReplacesTheOldFileAndKeepsItsPermissions) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("out.bin", "an old file that is longer than the new one");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  AtomicFile output(file);
  output.stream() << "new";
  output.commit();
  EXPECT_EQ(content(file), "new");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
}

TEST(AtomicFile, GivesANewFileThePermissionsOfTheUmask) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out.bin";
  const mode_t before = umask(027);
  {
    AtomicFile output(file);
    output.commit();
  }
  umask(before);
  EXPECT_EQ(static_cast<unsigned>(fs::status(file).permissions()), 0640u);
}

TEST(AtomicFile, WritesThroughALink) {
  const TemporaryFolder folder;
  const fs::path real = folder.write("real.bin", "old");
  const fs::path link = folder.path() / "link.bin";
  fs::create_symlink("real.bin", link);
  AtomicFile output(link);
  output.stream() << "new";
  output.commit();
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(content(real), "new");
}

TEST(AtomicFile, WritesDirectlyToWhatIsNoRegularFile) {
  AtomicFile output("/dev/null");
  output.stream() << "gone";
  output.commit();
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(AtomicFile, RefusesAFolder) {
  const TemporaryFolder folder;
  const auto [kind, line] = error_of([&] { AtomicFile output(folder.path()); });
  EXPECT_EQ(kind, Fault::unwritable);
  EXPECT_EQ(line, folder.path().string() + ": is a folder, expected a file to write");
}

TEST(AtomicFile, NamesTheFileInAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "none" / "out.bin";
  const auto [kind, line] = error_of([&] { AtomicFile output(file); });
  EXPECT_EQ(kind, Fault::unwritable);
  EXPECT_EQ(line, file.string() + ": cannot be written: No such file or directory");
}

TEST(AtomicFile, HasNoNameWhileItIsWritten) {
  const TemporaryFolder folder;
  AtomicFile output(folder.path() / "out.bin");
  output.stream() << std::string(1 << 20, 'x') << std::flush;
  EXPECT_THAT(names_in(folder.path()), IsEmpty());  // what a killed process would leave
  output.commit();
  EXPECT_EQ(fs::file_size(folder.path() / "out.bin"), 1u << 20);
}

TEST(AtomicFile, WorksWhereEveryFileNeedsAName) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out.bin";
  const AtomicFile::Options named{.unnamed = false};
  {
    AtomicFile output(file, named);
    output.stream() << "half";
    const std::set<std::string> names = names_in(folder.path());
    ASSERT_EQ(names.size(), 1u);
    EXPECT_TRUE(is_temporary_name(*names.begin()));
  }
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
  AtomicFile output(file, named);
  output.stream() << "whole";
  output.commit();
  EXPECT_EQ(content(file), "whole");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out.bin"));
}

TEST(AtomicFile, ArrivesAlthoughItsTemporaryNameWasRemoved) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out.bin";
  AtomicFile output(file, {.mode = 0640, .unnamed = false});
  const std::string bytes(3'000'000, 'y');
  output.stream() << bytes << std::flush;
  for (const std::string& name : names_in(folder.path())) fs::remove(folder.path() / name);
  output.commit();
  EXPECT_EQ(content(file), bytes);
  EXPECT_EQ(static_cast<unsigned>(fs::status(file).permissions()), 0640u);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out.bin"));
}

TEST(AtomicFile, SeeksBackToItsBeginning) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out.bin";
  AtomicFile output(file);
  output.stream() << "____ and the rest";
  EXPECT_EQ(output.stream().tellp(), std::streampos(17));
  output.stream().seekp(0) << "head";
  output.commit();
  EXPECT_EQ(content(file), "head and the rest");
}

TEST(AtomicFile, ReplacesALinkItselfWhereItIsAskedTo) {
  const TemporaryFolder folder;
  const fs::path real = folder.write("real.bin", "old"), link = folder.path() / "link.bin";
  fs::create_symlink("real.bin", link);
  AtomicFile output(link, {.mode = 0600, .follow_link = false});
  output.stream() << "new";
  output.commit();
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_EQ(content(link), "new");
  EXPECT_EQ(content(real), "old");
  EXPECT_EQ(static_cast<unsigned>(fs::status(link).permissions()), 0600u);
}

TEST(AtomicFile, WritesThroughALinkToNothing) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "there");
  fs::create_symlink("there/new.bin", folder.path() / "link");
  fs::create_symlink("link", folder.path() / "link of link");
  AtomicFile output(folder.path() / "link of link");
  output.stream() << "new";
  output.commit();
  EXPECT_EQ(content(folder.path() / "there" / "new.bin"), "new");
}

TEST(AtomicFile, RefusesLinksInACircleAndNamesThatAreTooLong) {
  const TemporaryFolder folder;
  const fs::path loop = folder.path() / "loop", name = folder.path() / std::string(300, 'n');
  fs::create_symlink("loop", loop);
  auto [kind, line] = error_of([&] { AtomicFile output(loop); });
  EXPECT_EQ(kind, Fault::unwritable);
  EXPECT_THAT(line, HasSubstr("loop: cannot be written: Too many levels of symbolic links"));
  std::tie(kind, line) = error_of([&] { AtomicFile output(name); });
  EXPECT_EQ(kind, Fault::unwritable);
  EXPECT_THAT(line, HasSubstr("cannot be written: File name too long"));
}

// A name of 255 letters leaves no room for more letters.
TEST(AtomicFile, WritesTheLongestName) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / std::string(255, 'n');
  for (int i = 0; i < 2; ++i) {
    AtomicFile output(file, {.unnamed = i == 0});
    output.stream() << i;
    output.commit();
    EXPECT_EQ(content(file), std::to_string(i));
  }
}

// In a process of its own, which a signal would kill if it were not ignored.
TEST(AtomicFile, TellsOfALimitOfAFilesSize) {
  const TemporaryFolder folder;
  const auto write_much = [&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto [kind, line] = error_of([&] {
      AtomicFile output(folder.path() / "out.bin");
      output.stream() << std::string(1 << 20, 'x');
      output.commit();
    });
    std::fputs(line.c_str(), stderr);
    std::_Exit(kind == Fault::unwritable ? 6 : 1);
  };
  EXPECT_EXIT(write_much(), testing::ExitedWithCode(6), "out.bin: cannot be written: File too large");
  EXPECT_THAT(names_in(folder.path()), IsEmpty());
}

void make_older(const fs::path& file, std::chrono::hours age) {
  fs::last_write_time(file, fs::file_time_type::clock::now() - age);
}

TEST(AtomicFile, RemovesWhatKilledProcessesLeftADayAgo) {
  const TemporaryFolder folder;
  const std::string old_name = temporary_name(), new_name = temporary_name(), link = temporary_name(), inner = temporary_name();
  const std::set<std::string> strangers = {"out.bin.backup",
                                           "out.bin.MyCopy",
                                           "out.bin.202611",
                                           "out.bin.abcdef",
                                           "other.AbCdEf",
                                           ".resnet-cli-tmp.",
                                           ".resnet-cli-tmp.0123456789abcde",
                                           ".resnet-cli-tmp.0123456789abcdeX"};
  for (const std::string& name : strangers) make_older(folder.write(name, "of somebody else"), std::chrono::hours(1000));
  make_older(folder.write(old_name, "left"), std::chrono::hours(25));
  make_older(folder.write("out.bin.AbCdEf", "left by version 0.1.0"), std::chrono::hours(25));
  make_older(folder.write(new_name, "being written"), std::chrono::hours(23));
  fs::create_symlink("out.bin.backup", folder.path() / link);
  fs::create_directory(folder.path() / inner);
  AtomicFile output(folder.path() / "out.bin");
  output.commit();
  std::set<std::string> expected = strangers;
  expected.insert({new_name, link, inner, "out.bin"});
  EXPECT_EQ(names_in(folder.path()), expected);
}

TEST(AtomicFile, TellsOfAFullDisk) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
  const auto [kind, line] = error_of([] {
    AtomicFile output("/dev/full");
    output.stream() << std::string(1 << 20, 'x');
    output.commit();
  });
  EXPECT_EQ(kind, Fault::unwritable);
  EXPECT_THAT(line, HasSubstr("/dev/full: cannot be written: No space left on device"));
}

}  // namespace
}  // namespace resnet
