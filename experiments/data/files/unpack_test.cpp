#include "experiments/data/files/unpack.h"

#include <fstream>

#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/testing/corpora.h"
#include "experiments/testing/pack.h"

namespace unpack_test {
using namespace subband;
using testing::pack;

TEST_CASE("every kind of packing gives the same bytes back", "[unpack]") {
  const testing::TemporaryFolder folder;
  std::string content = "first line\n";
  for (int i = 0; i < 100000; ++i) content += static_cast<char>(i * 7919 >> 3);
  for (const char* name : {"a.xz", "a.gz", "a.bz2", "a.zst", "a.zip", "a.tar.xz", "a.tar.gz", "a.tar.bz2"}) {
    pack(folder / name, {{"inner/a.txt", content}});
    INFO(name);
    CHECK(read_unpacked(folder / name) == content);
  }
  write_file(folder / "plain.txt", content);
  CHECK(read_unpacked(folder / "plain.txt") == content);
}

TEST_CASE("one member of an archive is named after a number sign", "[unpack]") {
  const testing::TemporaryFolder folder;
  pack(folder / "two.zip", {{"a.txt", "A"}, {"inner/b.txt", "B"}});
  CHECK(read_unpacked(folder / "two.zip#inner/b.txt") == "B");
  CHECK(packed_file(folder / "two.zip#inner/b.txt") == folder / "two.zip");
  const std::string file = (folder / "two.zip").string();
  CHECK_THROWS_WITH(read_unpacked(file),
                    file + ": cannot be unpacked: holds several files; name one, as in two.zip#a.txt");
  CHECK_THROWS_WITH(read_unpacked(file + "#c"), file + ": cannot be unpacked: holds no file c");
}

TEST_CASE("an empty text is empty when packed too, and an empty file is no packed text", "[unpack]") {
  const testing::TemporaryFolder folder;
  for (const char* name : {"none.xz", "none.gz", "none.bz2", "none.zst"}) {
    pack(folder / name, {{"none", ""}});
    INFO(name);
    CHECK(read_unpacked(folder / name).empty());
  }
  write_file(folder / "zero.xz", "");
  CHECK_THROWS_WITH(read_unpacked(folder / "zero.xz"),
                    (folder / "zero.xz").string() + ": cannot be unpacked: empty file");
}

TEST_CASE("a packed file that was cut anywhere is refused", "[unpack]") {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.xz", "a.gz", "a.bz2", "a.zst", "a.zip"}) {
    pack(folder / name, {{"a", std::string(1000, 'a') + "b"}});
    const std::string whole = read_file(folder / name);
    for (size_t size = 0; size < whole.size(); ++size) {
      std::ofstream(folder / name) << whole.substr(0, size);
      INFO(name << " cut to " << size << " of " << whole.size());
      CHECK_THROWS_AS(read_unpacked(folder / name), Error);
    }
  }
}

TEST_CASE("a flipped bit anywhere in what gzip holds, or behind it, is refused", "[unpack]") {
  const testing::TemporaryFolder folder;
  std::string content;
  for (int i = 0; i < 300; ++i) content += static_cast<char>('a' + i * i % 23);
  pack(folder / "a.gz", {{"a", content}});
  const std::string whole = read_file(folder / "a.gz");
  int read = 0;
  for (size_t bit = 8 * 10; bit < 8 * whole.size(); ++bit) {  // behind the header, whose time means nothing
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_file(folder / "b.gz", damaged);
    try {
      const std::string unpacked = read_unpacked(folder / "b.gz");
      CHECK(unpacked == content);  // a bit that pads the last byte
      ++read;
    } catch (const Error&) {
    }
  }
  CHECK(read < 8);
  write_file(folder / "two.gz", whole + whole);
  CHECK(read_unpacked(folder / "two.gz") == content + content);
  write_file(folder / "padded.gz", whole + std::string(100, '\0'));
  CHECK(read_unpacked(folder / "padded.gz") == content);
  write_file(folder / "more.gz", whole + "more");
  CHECK_THROWS_WITH(
      read_unpacked(folder / "more.gz"),
      (folder / "more.gz").string() + ": cannot be unpacked: bytes behind the end of the gzip data");
}

TEST_CASE("several streams behind one another are read as one, and nothing else may stand behind them",
          "[unpack]") {
  const testing::TemporaryFolder folder;
  const std::string content(100000, 'a');
  for (const std::string name : {"a.gz", "a.bz2", "a.xz", "a.zst"}) {
    pack(folder / name, {{"a", content}});
    const std::string whole = read_file(folder / name), other = "two" + name;
    const auto with = [&](const std::string& more) {
      write_file(folder / other, whole + more);
      return read_unpacked(folder / other);
    };
    INFO(name);
    CHECK(with(whole) == content + content);
    CHECK_THROWS_AS(with("more"), Error);
    CHECK_THROWS_AS(with(whole.substr(0, whole.size() / 2)), Error);
    if (name == "a.bz2") CHECK(with(std::string(100, '\0')) == content);
    if (name == "a.bz2")
      CHECK_THROWS_WITH(
          with(whole + "x"),
          (folder / other).string() + ": cannot be unpacked: bytes behind the end of the compressed data");
  }
}

TEST_CASE("a flipped bit in what xz or a zip archive holds is refused", "[unpack]") {
  const testing::TemporaryFolder folder;
  std::string content;
  for (int i = 0; i < 300; ++i) content += static_cast<char>('a' + i * i % 23);
  for (const std::string name : {"a.xz", "a.zip", "a.tar.gz"}) {
    pack(folder / name, {{"a", content}});
    const std::string whole = read_file(folder / name);
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 4);
      write_file(folder / ("b" + name), damaged);
      INFO(name << " byte " << at);
      try {
        const std::string unpacked = read_unpacked(folder / ("b" + name));
        CHECK(unpacked == content);  // a time, a name
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE("members may have any name, whatever the locale", "[unpack]") {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.zip", "a.tar.gz", "a.tar.xz"}) {
    pack(folder / name, {{"daten/gr\xc3\xbc\xc3\x9f"
                          "e.txt",
                          "A"},
                         {"\xe6\x96\x87.txt", "B"}});
    INFO(name);
    CHECK(read_unpacked((folder / name).string() + "#\xe6\x96\x87.txt") == "B");
    std::vector<std::string> names;
    read_members(folder / name,
                 [&](const std::string& member, const std::string&) { names.push_back(member); });
    CHECK(names == std::vector<std::string>{"daten/gr\xc3\xbc\xc3\x9f"
                                            "e.txt",
                                            "\xe6\x96\x87.txt"});
  }
}

TEST_CASE("a pointer, a page and a file under another packer's name are called by their names", "[unpack]") {
  const testing::TemporaryFolder folder;
  const auto said = [&](const std::string& name, const std::string& content) {
    write_file(folder / name, content);
    try {
      read_unpacked(folder / name);
    } catch (const Error& error) {
      return error.first().message;
    }
    return std::string("accepted");
  };
  CHECK(said("a.gz", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n") ==
        "cannot be unpacked: is a Git LFS pointer, no .gz file; git lfs pull fetches the file itself");
  CHECK(said("a.zip", "<!doctype html>") ==
        "cannot be unpacked: is an HTML page, no .zip file; it was fetched from a wrong address, or needs a "
        "login");
  pack(folder / "b.gz", {{"b", "text"}});
  CHECK(said("b.xz", read_file(folder / "b.gz")) ==
        "cannot be unpacked: is a gzip file, no .xz file; name it .gz");
}

TEST_CASE("a file that is not what its ending says is refused", "[unpack]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "text.xz", "just text");
  CHECK_THROWS_WITH(read_unpacked(folder / "text.xz"),
                    (folder / "text.xz").string() + ": cannot be unpacked: is no .xz file");
  CHECK_THROWS_WITH(read_unpacked(folder / "absent.xz"),
                    (folder / "absent.xz").string() + ": cannot be read: No such file or directory");
}

}  // namespace unpack_test
