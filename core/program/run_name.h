// How people name a run: by its folder, its folder's name, or the beginning of either the name or its identity.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace subband {

/// The part of a run folder's name, `2026-01-01_wavelet_1a2b3c4d-s1337`, that is the beginning of the run's identity;
/// empty where it is no run's.
std::string identity_in_name(const std::string& folder);

/// And the part that is its recipe's name, `wavelet`.
std::string recipe_in_name(const std::string& folder);

/// Every run's folder in a store, by name; none where the store does not exist.
std::vector<std::filesystem::path> run_folders(const std::filesystem::path& store);

/// The folder that a person means: its path, its name, or the start of its name or identity (with `-s<seed>` where several
/// seeds share it). ConfigError when it is none or several.
std::filesystem::path named_run(const std::filesystem::path& store, const std::string& run);

}  // namespace subband
