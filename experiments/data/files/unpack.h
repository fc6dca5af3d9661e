// Whole files, unpacked on the way: .xz, .gz, .bz2, .zst and members of .zip and .tar.*.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace subband {

/// The bytes of `path`, unpacked as its ending says; any other ending is read as it is.
/// `archive.zip#inner/name` and `archive.tar.xz#inner/name` are one member; without `#` an archive must hold
/// exactly one file. Error `FILE: cannot be unpacked: <reason>` for damaged or cut files, `FILE: cannot be
/// read: <reason>` for missing ones.
std::string read_unpacked(const std::filesystem::path& path);

/// Whether its ending says that there is something to unpack.
bool is_packed(const std::filesystem::path& path);

/// Every file of an archive (.zip, .tar, .tar.xz, …), in the archive's order. Errors as from read_unpacked.
void read_members(const std::filesystem::path& archive,
                  const std::function<void(const std::string& name, const std::string& content)>& take);

/// Error `FILE: is a Git LFS pointer, no data; …` for a file that stands there in place of the data that were meant: a
/// pointer, an HTML page, a server's error message; and for a device or a pipe, which cannot be read again.
void refuse_stand_in(const std::filesystem::path& file);

/// Error `PLACE: FILE: is a Parquet file, no text to train on; …` for content that what_is knows to be no text.
void refuse_as_text(const std::string& place, const std::string& file, std::string_view content);
/// The same by the first bytes of a file, before any of it is read; a packed file is judged when it is unpacked.
void refuse_file_as_text(const std::string& place, const std::filesystem::path& file);

/// The file on the disk that `path` names: what stands before `#`.
std::filesystem::path packed_file(const std::filesystem::path& path);

}  // namespace subband
