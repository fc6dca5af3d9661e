// Archives and compressed files for tests of what reads them.
#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace subband::testing {

/// `members` name -> content, packed as `file` ends: the members of an archive, or the one stream of a compressed file.
/// `options`: of the format, as libarchive spells them.
inline void pack(const std::filesystem::path& file,
                 const std::vector<std::pair<std::string, std::string>>& members,
                 const char* options = nullptr) {
  archive* writer = archive_write_new();
  const std::string ending = file.extension();
  if (ending == ".xz") archive_write_add_filter_xz(writer);
  if (ending == ".gz") archive_write_add_filter_gzip(writer);
  if (ending == ".bz2") archive_write_add_filter_bzip2(writer);
  if (ending == ".zst") archive_write_add_filter_zstd(writer);
  if (ending == ".zip" || ending == ".pt")
    archive_write_set_format_zip(writer);
  else if (file.stem().extension() == ".tar")
    archive_write_set_format_pax_restricted(writer);
  else
    archive_write_set_format_raw(writer);
  if (options != nullptr) archive_write_set_options(writer, options);
  archive_write_open_filename(writer, file.c_str());
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

}  // namespace subband::testing
