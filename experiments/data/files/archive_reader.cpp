#include "experiments/data/files/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/what_is.h"

namespace subband {

namespace {

// The library spells names in the locale's letters. It gets one that has them all, on this thread and for this long.
class Utf8Names {
 public:
  Utf8Names() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_, before_ = nullptr;
};

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

// One gzip member, from the start of `bytes`; returns how many bytes it takes.
size_t inflate_member(std::string_view bytes, std::string& out,
                      const std::function<void(const std::string&)>& fail) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    fail("zlib cannot begin");  // 16: a gzip frame, with its checks
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ends(&stream, inflateEnd);
  size_t given = 0;
  char buffer[1 << 16];
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      const size_t piece = std::min<size_t>(bytes.size() - given, 1 << 30);
      if (piece == 0) fail("the gzip data end in the middle");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + given));
      stream.avail_in = static_cast<uInt>(piece);
      given += piece;
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      fail(std::string("damaged gzip data: ") + (stream.msg ? stream.msg : "no reason given"));
    out.append(buffer, sizeof buffer - stream.avail_out);
  }
  return given - stream.avail_in;
}

}  // namespace

std::string gunzip(std::string_view bytes, const std::function<void(const std::string&)>& fail) {
  std::string out;
  while (true) {
    bytes.remove_prefix(inflate_member(bytes, out, fail));
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return out;
    if (!is_gzip(bytes)) fail("bytes behind the end of the gzip data");
  }
}

ArchiveReader::ArchiveReader(const std::filesystem::path& file, std::string_view bytes, bool is_archive,
                             Words words)
    : file_(file),
      words_(std::move(words)),
      is_archive_(is_archive),
      is_inflated_(is_gzip(bytes)),
      reader_(archive_read_new(), archive_read_free) {
  if (is_inflated_) {
    inflated_ = gunzip(bytes, [this](const std::string& reason) { fail(reason); });
    bytes = inflated_;
  } else {
    archive_read_support_filter_xz(reader_.get());
    archive_read_support_filter_bzip2(reader_.get());
    archive_read_support_filter_zstd(reader_.get());
  }
  if (is_archive) {
    archive_read_support_format_zip_seekable(reader_.get());  // by its directory, so that a cut one is seen
    archive_read_support_format_tar(reader_.get());
  } else {
    archive_read_support_format_raw(reader_.get());
    archive_read_support_format_empty(reader_.get());
  }
  given_ = bytes;
  if (archive_read_open_memory(reader_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) fail_as_library();
}

bool ArchiveReader::next() {
  const Utf8Names utf8;
  while (true) {
    const int status = archive_read_next_header(reader_.get(), &entry_);
    if (status == ARCHIVE_EOF) return false;
    // A warning is about a name or a time, and no reason to pass the content over.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_as_library();
    if (!is_archive_ && !is_inflated_ && archive_filter_code(reader_.get(), 0) == ARCHIVE_FILTER_NONE)
      fail("the compressed data end in the middle");  // too short to be known as packed
    if (archive_entry_filetype(entry_) == AE_IFREG) return true;
  }
}

std::string ArchiveReader::name() const {
  const Utf8Names utf8;
  if (const char* name = archive_entry_pathname_utf8(entry_)) return name;
  if (const char* name = archive_entry_pathname(entry_)) return name;
  fail("a member has a name that cannot be read");
}

int64_t ArchiveReader::size() const {
  return archive_entry_size_is_set(entry_) ? static_cast<int64_t>(archive_entry_size(entry_)) : -1;
}

void ArchiveReader::append(const std::function<void(std::string_view)>& take) {
  char buffer[1 << 16];
  while (true) {  // to the very end: the checksum stands behind the last byte
    const la_ssize_t got = archive_read_data(reader_.get(), buffer, sizeof buffer);
    if (got < 0) fail_as_library();
    if (got == 0) return is_archive_ ? void() : expect_end();
    take({buffer, static_cast<size_t>(got)});
  }
}

// The library ends at the end of a bzip2 stream, whatever stands behind it.
void ArchiveReader::expect_end() const {
  const auto read = static_cast<size_t>(archive_filter_bytes(reader_.get(), -1));
  const std::string_view rest = given_.substr(std::min(read, given_.size()));
  if (rest.find_first_not_of('\0') != std::string_view::npos)
    fail("bytes behind the end of the compressed data");
}

std::string ArchiveReader::content() {
  std::string content;
  append([&](std::string_view piece) { content += piece; });
  return content;
}

void ArchiveReader::read_into(char* out, int64_t size) {
  const auto wanted = static_cast<size_t>(size);
  size_t done = 0;
  append([&](std::string_view piece) {
    if (piece.size() > wanted - done) fail(name() + " is longer than it says");
    std::memcpy(out + done, piece.data(), piece.size());
    done += piece.size();
  });
  if (done != wanted) fail(name() + " is shorter than it says");
}

void ArchiveReader::fail(const std::string& reason) const {
  throw Error(file_.string(), words_.trouble + reason + words_.advice);
}

void ArchiveReader::fail_as_library() const {
  const char* reason = archive_error_string(reader_.get());
  fail(reason ? reason : "damaged");
}

}  // namespace subband
