// Whole files, unpacked on the way: .xz, .gz, .bz2, .zst and members of .zip and .tar.*.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace subband {

/// The bytes of `path`, unpacked as its ending says; any other ending is read as it is.
/// `archive.zip#inner/name` and `archive.tar.xz#inner/name` are one member; without `#` an archive must hold
/// exactly one file. Error `FILE: cannot be unpacked: <reason>` for damaged or cut files, `FILE: cannot be
/// read: <reason>` for missing ones.
std::string read_unpacked(const std::filesystem::path& path);

/// Every file of an archive (.zip, .tar, .tar.xz, …), in the archive's order. Errors as from read_unpacked.
void read_members(const std::filesystem::path& archive,
                  const std::function<void(const std::string& name, const std::string& content)>& take);

/// The file on the disk that `path` names: what stands before `#`.
std::filesystem::path packed_file(const std::filesystem::path& path);

}  // namespace subband
