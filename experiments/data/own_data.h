// The user's own texts: `data=/texts/own.txt` on a command line, and `subband data add`.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/yaml.h"

namespace subband {

/// `data=PATH` as `{type: own_text, …}`: a file, a folder, a glob or a `.jsonl`, relative to the working folder. Says in
/// `warnings` how the splits are cut. Nothing for a word that is no path; ConfigError for a path where nothing lies.
std::optional<config::Node> own_data_option(const std::string& option, config::Warnings& warnings);

/// The spec of an own text, its paths absolute. ConfigError for a path where nothing lies.
config::Node own_data_spec(const std::string& name, const std::vector<std::string>& paths);

/// The files that an absolute name of an own text stands for, sorted: itself, the text files of a folder at any depth, or what
/// a glob matches. Error at `place` where there is none, or one is no text.
std::vector<std::filesystem::path> own_files(const std::string& place, const std::string& name);

/// Whether a file, packed or not, is lines of JSON by its ending.
bool is_lines_of_json(const std::filesystem::path& file);

}  // namespace subband
