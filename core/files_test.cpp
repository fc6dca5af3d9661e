#include "core/files.h"

#include <sys/resource.h>

#include <csignal>

#include "core/error.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

using namespace subband;

TEST_CASE("a file is written and read back, folders made on the way", "[files]") {
  const TestFolder folder;
  write_file(folder / "a/b/file", "one\0two");
  write_file(folder / "a/b/file", std::string_view("one\0two", 7));
  CHECK(read_file(folder / "a/b/file") == std::string("one\0two", 7));
  CHECK(MappedFile(folder / "a/b/file").bytes().size() == 7);
}

TEST_CASE("a failing producer leaves the old file and nothing else", "[files]") {
  const TestFolder folder;
  write_file(folder / "file", "old");
  CHECK_THROWS(write_file(folder / "file", [](const Sink& sink) {
    sink(std::as_bytes(std::span("new")));
    throw Error("producer", "gave up");
  }));
  CHECK(read_file(folder / "file") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a disk that is full is one line, and the old file stays", "[files]") {
  const TestFolder folder;
  write_file(folder / "file", "old");
  // A limit on file size acts as a full disk does.
  testing::Process child = testing::Process::of([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(folder / "file", std::string(5000, 'x'));
    } catch (const Error& error) {
      const bool told = error.what() == (folder / "file").string() + ": cannot be written: File too large";
      return told && read_file(folder / "file") == "old" ? 7 : 1;
    }
    return 2;
  });
  CHECK(child.wait() == 7);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a name as long as a folder may hold is written", "[files]") {
  const TestFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "text");
  CHECK(read_file(folder / name) == "text");
}

TEST_CASE("a missing file and a folder are refused by name", "[files]") {
  const TestFolder folder;
  CHECK_THROWS_WITH(read_file(folder / "none"),
                    (folder / "none").string() + ": cannot be read: No such file or directory");
  CHECK_THROWS_WITH(read_file(folder.path()), folder.path().string() + ": cannot be read: Is a directory");
}

TEST_CASE("a link that leads nowhere lies there, and reading it says where it leads", "[files]") {
  const TestFolder folder;
  std::filesystem::create_symlink("../blobs/0a1b", folder / "link");
  const std::string line = (folder / "link").string() + ": cannot be read: is a link to ../blobs/0a1b, where nothing lies";
  CHECK(lies_there(folder / "link"));
  CHECK_FALSE(lies_there(folder / "absent"));
  CHECK_THROWS_WITH(read_file(folder / "link"), line);
  CHECK_THROWS_WITH(MappedFile(folder / "link"), line);
  CHECK_THROWS_WITH(MappedFile(folder.path()), folder.path().string() + ": cannot be read: Is a directory");
}
