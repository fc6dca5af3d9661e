#include "core/what_is.h"

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace what_is_test {

using namespace subband;
using Kind = FileLook::Kind;

TEST_CASE("what a file is shows in its first bytes", "[what_is]") {
  struct Case {
    std::string bytes;
    Kind kind;
    std::string name;
  };
  const auto raw = [](const char* text, size_t size) { return std::string(text, size); };
  const Case cases[] = {
      {"", Kind::empty, "an empty file"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", Kind::stand_in, "a Git LFS pointer"},
      {"/annex/objects/SHA256E-s3--00\n", Kind::stand_in, "a git-annex pointer"},
      {"\n  <!DOCTYPE HTML PUBLIC \"-//W3C//DTD\">", Kind::stand_in, "an HTML page"},
      {"\xef\xbb\xbf<html lang=en>", Kind::stand_in, "an HTML page"},
      {"Entry not found", Kind::stand_in, "a server's error message"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", Kind::stand_in,
       "a server's error message"},
      {raw("\x1f\x8b\x08\0", 4), Kind::packed, "a gzip file"},
      {raw("\xfd\x37zXZ\0\0", 7), Kind::packed, "an xz file"},
      {"\x28\xb5\x2f\xfd", Kind::packed, "a Zstandard file"},
      {"BZh91AY&SY", Kind::packed, "a bzip2 file"},
      {"PK\3\4", Kind::packed, "a zip archive"},
      {std::string(257, 'n') + raw("ustar\0", 6), Kind::packed, "a tar archive"},
      {raw("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15), Kind::binary, "a file of PyTorch before 1.6"},
      {"\x80\2}q", Kind::binary, "a pickle"},
      {"\x80\4\x95", Kind::binary, "a pickle"},
      {"PAR1\x15\4", Kind::binary, "a Parquet file"},
      {"\x89HDF\r\n\x1a\n", Kind::binary, "an HDF5 file"},
      {raw("GGUF\3\0\0\0", 8), Kind::binary, "a GGUF file"},
      {raw("\xff\xfe"
           "a\0",
           4),
       Kind::wide_text, "UTF-16 text"},
      {raw("\xfe\xff\0a", 4), Kind::wide_text, "UTF-16 text"},
      {raw("a\0b\0c\0d\0", 8), Kind::wide_text, "UTF-16 text"},
      {raw("\0a\0b\0c\0d", 8), Kind::wide_text, "UTF-16 text"},
      {raw("\xff\xfe\0\0", 4), Kind::wide_text, "UTF-32 text"},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    CHECK(what_is(each.bytes).kind == each.kind);
    CHECK(what_is(each.bytes).name == each.name);
  }
}

TEST_CASE("text that only speaks of such things is text", "[what_is]") {
  for (const char* text : {"version one of the story", "PAR1S is a city", "BZh, he said", "GGUF is a format",
                           "PK", "a page begins with <html>",
                           "Entry not found in the first volume of this long dictionary, "
                           "so he looked in the second, and in the third, and there it stood at last",
                           "<?xml version=\"1.0\"?><mediawiki>", "\xc3\xa4\xc3\xb6", "\x80", "{\"a\": 1}"})
    CHECK_FALSE(what_is(text).is_known());
}

TEST_CASE("a refusal names what was expected and what to do", "[what_is]") {
  CHECK(what_is("\x1f\x8b").is("text to train on") == "is a gzip file, no text to train on; name it .gz");
  CHECK(what_is("").is("JSON") == "is empty, no JSON");
}

TEST_CASE("a file is looked at without reading all of it, and what cannot be read is unknown", "[what_is]") {
  const TestFolder folder;
  write_file(folder / "page", "<html>" + std::string(100'000, 'x'));
  CHECK(what_is_file(folder / "page").name == "an HTML page");
  CHECK_FALSE(what_is_file(folder / "absent").is_known());
  CHECK_FALSE(what_is_file(folder.path()).is_known());
}

}  // namespace what_is_test
