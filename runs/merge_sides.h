// What lies beside a sweep's manifest and only grows: claims as they were written down (claim_register.h), points that a
// search has drawn (sweeps/search/draw_ledger.h). Of two stores both histories count.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace subband {

/// Brings the side files of the sweep `name` from one store into another. Claims of both are put in the order of time. Points
/// go on where ours are the beginning of theirs; where they differ ours stay. Notices: what was left out. Error where ours
/// cannot be written.
std::vector<std::string> merge_sides(const std::filesystem::path& into, const std::filesystem::path& from,
                                     const std::string& name);

}  // namespace subband
