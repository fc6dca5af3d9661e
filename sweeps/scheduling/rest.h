// A sweep that rests: nobody works on it, though there is more to do, until somebody goes on with it.
//   <sweep>/waiting.txt    why, in one line; there while it rests
#pragma once
#include <filesystem>
#include <string>

namespace subband {

/// Why the sweep with this folder waits; empty where it does not.
std::string rest_of(const std::filesystem::path& sweep_folder);
/// Notes it. What cannot be written is not noted.
void begin_rest(const std::filesystem::path& sweep_folder, const std::string& why);
void end_rest(const std::filesystem::path& sweep_folder);

}  // namespace subband
