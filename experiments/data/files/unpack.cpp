#include "experiments/data/files/unpack.h"

#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/what_is.h"
#include "experiments/data/files/archive_reader.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

bool is_compressed(const fs::path& file) {
  const fs::path ending = file.extension();
  return ending == ".xz" || ending == ".gz" || ending == ".bz2" || ending == ".zst";
}

bool is_archive(const fs::path& file) {
  return file.extension() == ".zip" || file.extension() == ".tar" ||
         (is_compressed(file) && file.stem().extension() == ".tar");
}

}  // namespace

bool is_packed(const fs::path& path) { return is_compressed(path) || is_archive(path); }

namespace {

[[noreturn]] void fail(const fs::path& file, const std::string& reason) {
  throw Error(file.string(), "cannot be unpacked: " + reason);
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// What the ending of a packed file promises, by the words of what_is.
std::string_view promised(const fs::path& file) {
  const fs::path ending = file.extension();
  return ending == ".xz"    ? "an xz file"
         : ending == ".gz"  ? "a gzip file"
         : ending == ".bz2" ? "a bzip2 file"
         : ending == ".zst" ? "a Zstandard file"
         : ending == ".zip" ? "a zip archive"
                            : "a tar archive";
}

void check_packing(const fs::path& file, std::string_view bytes) {
  if (bytes.empty()) fail(file, "empty file");
  const FileLook look = what_is(bytes.substr(0, kLookBytes));
  if (look.name == promised(file)) return;
  const std::string ending = file.extension().string();
  if (look.is_known()) fail(file, look.is(ending + " file"));
  if (is_compressed(file)) fail(file, "is no " + ending + " file");  // the library would hand it through as text
}

// `member` empty: the only file of the archive.
std::string read_member(const fs::path& file, std::string_view bytes, std::string_view member) {
  ArchiveReader reader(file, bytes, /*is_archive=*/true);
  std::string content, only;
  while (reader.next()) {
    const std::string name = reader.name();
    if (!member.empty() && name != member) continue;
    if (!only.empty())
      fail(file, "holds several files; name one, as in " + file.filename().string() + "#" + only);
    only = name;
    content = reader.content();
    if (!member.empty()) return content;
  }
  if (only.empty()) fail(file, member.empty() ? "holds no file" : "holds no file " + std::string(member));
  return content;
}

}  // namespace

fs::path packed_file(const fs::path& path) {
  const std::string text = path.string();
  const size_t mark = text.rfind('#');
  if (mark == std::string::npos || !is_archive(text.substr(0, mark))) return path;
  return text.substr(0, mark);
}

void read_members(const fs::path& file,
                  const std::function<void(const std::string& name, const std::string& content)>& take) {
  if (!is_archive(file)) fail(file, "is no archive");
  const MappedFile packed(file);
  check_packing(file, text_of(packed));
  ArchiveReader reader(file, text_of(packed), /*is_archive=*/true);
  while (reader.next()) {
    const std::string name = reader.name();
    take(name, reader.content());
  }
}

std::string read_unpacked(const fs::path& path) {
  const fs::path file = packed_file(path);
  if (!is_archive(file) && !is_compressed(file)) return read_file(file);
  const MappedFile packed(file);
  check_packing(file, text_of(packed));
  if (is_archive(file)) {
    const std::string member = file == path ? "" : path.string().substr(file.string().size() + 1);
    return read_member(file, text_of(packed), member);
  }
  ArchiveReader reader(file, text_of(packed), /*is_archive=*/false);
  return reader.next() ? reader.content() : "";
}

void refuse_stand_in(const fs::path& file) {
  std::error_code none;
  if (fs::is_other(file, none)) throw Error(file.string(), "is a device or a pipe, no data; give a file");
  const FileLook look = what_is_file(file);
  if (look.kind == FileLook::Kind::stand_in) throw Error(file.string(), look.is("data"));
}

void refuse_file_as_text(const std::string& place, const fs::path& file) {
  if (is_archive(packed_file(file)) || is_compressed(file)) return;
  const FileLook look = what_is_file(file);
  if (look.is_known() && look.kind != FileLook::Kind::empty)
    throw Error(place, file.string() + ": " + look.is("text to train on"));
}

void refuse_as_text(const std::string& place, const std::string& file, std::string_view content) {
  const FileLook look = what_is(content.substr(0, kLookBytes));
  if (look.is_known() && look.kind != FileLook::Kind::empty)
    throw Error(place, file + ": " + look.is("text to train on"));
}

}  // namespace subband
