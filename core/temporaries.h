// Names for what is not whole yet, and what dead processes left under such names.
#pragma once
#include <filesystem>
#include <string>

namespace subband {

/// A hidden name with its process, random letters and this machine: `.tmp_71_3fa9c1d2_mill`.
std::string temporary_name(const std::string& prefix = ".tmp");
/// Removes from a folder what dead processes left there under temporary names: of this machine, or more than a day old.
/// write_file does so in the folder that it writes to. Never fails.
void sweep_temporaries(const std::filesystem::path& folder);

}  // namespace subband
