// Which checkpoint the words of a command line mean.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace subband {

/// A file or a folder as it is; else the run of the store that has this name or the beginning of this identity, as
/// `subband runs show` takes them. What looks like a path stays one, so that its reader says what is wrong with it.
std::filesystem::path named_checkpoint(const std::filesystem::path& store, const std::string& word);

/// The file that read_checkpoint would read. Errors as from there. `say`: a line for each damaged one that is newer.
std::filesystem::path checkpoint_file(const std::filesystem::path& path,
                                      const std::function<void(const std::string&)>& say = {});

}  // namespace subband
