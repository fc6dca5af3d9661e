#include "experiments/data/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <string_view>

#include "core/error.h"
#include "core/files.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

struct EndReading {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, EndReading>;

bool is_compressed(const fs::path& file) {
  const fs::path ending = file.extension();
  return ending == ".xz" || ending == ".gz" || ending == ".bz2" || ending == ".zst";
}

bool is_archive(const fs::path& file) {
  return file.extension() == ".zip" || file.extension() == ".tar" ||
         (is_compressed(file) && file.stem().extension() == ".tar");
}

[[noreturn]] void fail(const fs::path& file, const std::string& reason) {
  throw Error(file.string(), "cannot be unpacked: " + reason);
}

[[noreturn]] void fail(const fs::path& file, archive* reader) {
  const char* reason = archive_error_string(reader);
  fail(file, reason ? reason : "damaged");
}

Reader open(const fs::path& file, const MappedFile& packed) {
  Reader reader(archive_read_new());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_zstd(reader.get());
  if (is_archive(file)) {
    archive_read_support_format_zip(reader.get());
    archive_read_support_format_tar(reader.get());
  } else {
    archive_read_support_format_raw(reader.get());
    archive_read_support_format_empty(reader.get());
  }
  const auto bytes = packed.bytes();
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    fail(file, reader.get());
  return reader;
}

void append_content(archive* reader, const fs::path& file, std::string& content) {
  char buffer[1 << 16];
  while (const la_ssize_t got = archive_read_data(reader, buffer, sizeof buffer)) {
    if (got < 0) fail(file, reader);
    content.append(buffer, static_cast<size_t>(got));
  }
}

// `member` empty: the only file of the archive.
std::string read_member(archive* reader, const fs::path& file, std::string_view member) {
  std::string content, only;
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(reader, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string name = archive_entry_pathname(entry);
    if (!member.empty() && name != member) continue;
    if (!only.empty())
      fail(file, "holds several files; name one, as in " + file.filename().string() + "#" + only);
    only = name;
    append_content(reader, file, content);
    if (!member.empty()) return content;
  }
  if (status != ARCHIVE_EOF) fail(file, reader);
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
  const Reader reader = open(file, packed);
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string name = archive_entry_pathname(entry);
    std::string content;
    append_content(reader.get(), file, content);
    take(name, content);
  }
  if (status != ARCHIVE_EOF) fail(file, reader.get());
}

std::string read_unpacked(const fs::path& path) {
  const fs::path file = packed_file(path);
  if (!is_archive(file) && !is_compressed(file)) return read_file(file);
  const MappedFile packed(file);
  const Reader reader = open(file, packed);
  if (is_archive(file)) {
    const std::string member = file == path ? "" : path.string().substr(file.string().size() + 1);
    return read_member(reader.get(), file, member);
  }
  archive_entry* entry = nullptr;
  if (packed.bytes().empty()) fail(file, "empty file");
  const int status = archive_read_next_header(reader.get(), &entry);
  if (status != ARCHIVE_OK && status != ARCHIVE_EOF) fail(file, reader.get());
  // Raw reading hands unrecognised bytes through; that would be a damaged file taken for text.
  if (archive_filter_code(reader.get(), 0) == ARCHIVE_FILTER_NONE)
    fail(file, "is no " + file.extension().string() + " file");
  std::string content;
  if (status == ARCHIVE_OK) append_content(reader.get(), file, content);
  return content;
}

}  // namespace subband
