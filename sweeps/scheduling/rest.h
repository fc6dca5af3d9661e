// A sweep that rests: nobody works on it, though there is more to do, until somebody goes on with it.
//   <sweep>/waiting.txt    why, in one line; there while it rests
// A sweep whose cells depend on results has more to do when those that there are have ended, until that is decided.
//   <sweep>/undecided      there while a queue may add cells
#pragma once
#include <filesystem>
#include <string>

namespace subband {

/// Why the sweep with this folder waits; empty where it does not.
std::string rest_of(const std::filesystem::path& sweep_folder);
/// Notes it. What cannot be written is not noted.
void begin_rest(const std::filesystem::path& sweep_folder, const std::string& why);
void end_rest(const std::filesystem::path& sweep_folder);

/// Whether a queue may still add cells to the sweep with this folder.
bool has_decisions(const std::filesystem::path& sweep_folder);
/// Notes that it may; what cannot be written is not noted.
void begin_decisions(const std::filesystem::path& sweep_folder);
void end_decisions(const std::filesystem::path& sweep_folder);

}  // namespace subband
