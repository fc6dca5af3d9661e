#include "core/what_is.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace subband {

namespace {

using LookKind = FileLook::Kind;
using namespace std::string_view_literals;

struct Mark {
  std::string_view bytes;
  FileLook look;
  size_t at = 0;
};

constexpr std::string_view kPull = "git lfs pull fetches the file itself";
constexpr std::string_view kGet = "git annex get fetches the file itself";
constexpr std::string_view kSaveAgain =
    "load it in PyTorch and save it again, which makes a zip archive of it";
constexpr std::string_view kFetchAgain = "it was fetched from a wrong address, or needs a login";
constexpr std::string_view kConvert = "iconv -t utf-8 converts it";

// The longer marks first where one begins another.
constexpr std::array kMarks = {
    Mark{"version https://git-lfs.github.com/spec/"sv, {LookKind::stand_in, "a Git LFS pointer", kPull}},
    Mark{"version https://hawser.github.com/spec/"sv, {LookKind::stand_in, "a Git LFS pointer", kPull}},
    Mark{"/annex/objects/"sv, {LookKind::stand_in, "a git-annex pointer", kGet}},
    Mark{"\x1f\x8b"sv, {LookKind::packed, "a gzip file", "name it .gz"}},
    Mark{"\xfd"sv
         "7zXZ\0"sv,
         {LookKind::packed, "an xz file", "name it .xz"}},
    Mark{"\x28\xb5\x2f\xfd"sv, {LookKind::packed, "a Zstandard file", "name it .zst"}},
    Mark{"1AY&SY"sv, {LookKind::packed, "a bzip2 file", "name it .bz2"}, 4},
    Mark{"\x17rE8P\x90"sv, {LookKind::packed, "a bzip2 file", "name it .bz2"}, 4},  // of nothing
    Mark{"PK\3\4"sv, {LookKind::packed, "a zip archive", "name it .zip, or unpack it"}},
    Mark{"PK\5\6"sv, {LookKind::packed, "an empty zip archive", ""}},
    Mark{"7z\xbc\xaf\x27\x1c"sv, {LookKind::packed, "a 7z archive", "unpack it"}},
    Mark{"Rar!\x1a\7"sv, {LookKind::packed, "a RAR archive", "unpack it"}},
    Mark{"ustar\0"sv, {LookKind::packed, "a tar archive", "name it .tar, or unpack it"}, 257},
    Mark{"ustar  \0"sv, {LookKind::packed, "a tar archive", "name it .tar, or unpack it"}, 257},
    Mark{"\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19"sv,
         {LookKind::binary, "a file of PyTorch before 1.6", kSaveAgain}},
    Mark{"\x80\2"sv, {LookKind::binary, "a pickle", kSaveAgain}},
    Mark{"\x80\3"sv, {LookKind::binary, "a pickle", kSaveAgain}},
    Mark{"\x80\4\x95"sv, {LookKind::binary, "a pickle", kSaveAgain}},
    Mark{"\x80\5\x95"sv, {LookKind::binary, "a pickle", kSaveAgain}},
    Mark{"PAR1\x15"sv,
         {LookKind::binary, "a Parquet file",
          "python3 -c \"import pandas, sys; pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], "
          "orient='records', "
          "lines=True)\" FILE FILE.jsonl converts it"}},
    Mark{"ARROW1\0\0"sv, {LookKind::binary, "an Arrow file", ""}},
    Mark{"\x89HDF\r\n\x1a\n"sv, {LookKind::binary, "an HDF5 file", ""}},
    Mark{"\x93NUMPY"sv, {LookKind::binary, "a NumPy array", ""}},
    Mark{"GGUF\2\0\0\0"sv, {LookKind::binary, "a GGUF file", ""}},
    Mark{"GGUF\3\0\0\0"sv, {LookKind::binary, "a GGUF file", ""}},
    Mark{"SQLite format 3\0"sv, {LookKind::binary, "an SQLite database", ""}},
    Mark{"%PDF-"sv, {LookKind::binary, "a PDF document", ""}},
    Mark{"\x89PNG\r\n\x1a\n"sv, {LookKind::binary, "a PNG picture", ""}},
    Mark{"\xff\xd8\xff"sv, {LookKind::binary, "a JPEG picture", ""}},
    Mark{"\x7f"sv
         "ELF"sv,
         {LookKind::binary, "a program", ""}},
    Mark{"\xff\xfe\0\0"sv, {LookKind::wide_text, "UTF-32 text", kConvert}},
    Mark{"\0\0\xfe\xff"sv, {LookKind::wide_text, "UTF-32 text", kConvert}},
    Mark{"\xff\xfe"sv, {LookKind::wide_text, "UTF-16 text", kConvert}},
    Mark{"\xfe\xff"sv, {LookKind::wide_text, "UTF-16 text", kConvert}},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }

bool begins_with(std::string_view text, std::string_view lower_word) {
  return text.size() >= lower_word.size() &&
         std::ranges::equal(text.substr(0, lower_word.size()), lower_word, {}, lower);
}

// What servers answer in place of a file.
FileLook look_of_answer(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  for (const std::string_view start : {"<!doctype html", "<html", "<head>", "<head ", "<body"})
    if (begins_with(bytes, start)) return {LookKind::stand_in, "an HTML page", kFetchAgain};
  if (bytes.starts_with("<?xml") && bytes.find("<Error>") != std::string_view::npos)
    return {LookKind::stand_in, "a server's error message", kFetchAgain};
  for (const std::string_view answer : {"Entry not found", "404: Not Found", "Invalid username or password.",
                                        "Invalid credentials in Authorization header"})
    if (bytes.starts_with(answer) && bytes.size() < answer.size() + 80)
      return {LookKind::stand_in, "a server's error message", kFetchAgain};
  return {};
}

// ASCII written as UTF-16 without a mark: every second byte is zero.
bool is_wide_text(std::string_view bytes) {
  if (bytes.size() < 8) return false;
  const size_t pairs = std::min<size_t>(bytes.size(), 64) / 2;
  size_t first = 0, second = 0;
  for (size_t i = 0; i < pairs; ++i) {
    const auto is_plain = [](char c) {
      return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c < '\x7f');
    };
    first += bytes[2 * i] == 0 && is_plain(bytes[2 * i + 1]);
    second += bytes[2 * i + 1] == 0 && is_plain(bytes[2 * i]);
  }
  return first == pairs || second == pairs;
}

}  // namespace

std::string FileLook::is(std::string_view expected) const {
  std::string text = kind == LookKind::empty ? "is empty" : "is " + std::string(name);
  text += ", no " + std::string(expected);
  return remedy.empty() ? text : text + "; " + std::string(remedy);
}

FileLook what_is(std::string_view bytes) {
  if (bytes.empty()) return {LookKind::empty, "an empty file", ""};
  for (const Mark& mark : kMarks)
    if (bytes.size() > mark.at && bytes.substr(mark.at).starts_with(mark.bytes)) return mark.look;
  if (const FileLook answer = look_of_answer(bytes.substr(0, kLookBytes)); answer.is_known()) return answer;
  if (is_wide_text(bytes)) return {LookKind::wide_text, "UTF-16 text", kConvert};
  return {};
}

FileLook what_is_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string start(kLookBytes, '\0');
  if (!stream) return {};
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(stream.gcount()));
  return stream.bad() ? FileLook{} : what_is(start);
}

}  // namespace subband
