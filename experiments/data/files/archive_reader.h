// Archives and compressed files, read to their ends: sizes and checksums of every container are checked.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct archive;
struct archive_entry;

namespace subband {

/// One pass over the regular files of an archive (.zip, .tar, .tar.*) or over one compressed stream. Every failure is
/// Error `FILE: <trouble><reason><advice>`.
class ArchiveReader {
 public:
  struct Words {
    std::string trouble = "cannot be unpacked: ";
    std::string advice = "";
  };
  /// `bytes` must outlive the reader; `is_archive`: members, else the one stream.
  ArchiveReader(const std::filesystem::path& file, std::string_view bytes, bool is_archive, Words words);
  ArchiveReader(const std::filesystem::path& file, std::string_view bytes, bool is_archive)
      : ArchiveReader(file, bytes, is_archive, Words()) {}

  bool next();                              ///< the next regular file; false behind the last one
  std::string name() const;                 ///< UTF-8 where the archive says so, else its bytes
  int64_t size() const;                     ///< as the archive says; -1 where it does not
  std::string content();                    ///< all of it, checked
  void read_into(char* out, int64_t size);  ///< exactly so many bytes, all of it, checked

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  void append(const std::function<void(std::string_view)>& take);
  void expect_end() const;
  [[noreturn]] void fail_as_library() const;

  std::filesystem::path file_;
  Words words_;
  bool is_archive_, is_inflated_;
  std::string inflated_;    // where that is so: the outermost layer is gzip
  std::string_view given_;  // what the library reads
  std::unique_ptr<archive, int (*)(archive*)> reader_;
  archive_entry* entry_ = nullptr;
};

/// What gzip holds, of one or several members: CRCs and lengths checked, nothing but zeros behind the last member.
/// `fail` is called with the reason and must throw.
std::string gunzip(std::string_view bytes, const std::function<void(const std::string&)>& fail);

}  // namespace subband
