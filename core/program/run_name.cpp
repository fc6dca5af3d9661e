#include "core/program/run_name.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

static constexpr const char* kRecord = "record.jsonl";

std::string identity_in_name(const std::string& folder) {
  const size_t seed = folder.rfind("-s");
  const size_t from = folder.rfind('_', seed);
  if (seed == std::string::npos || from == std::string::npos || !parse_integer(folder.substr(seed + 2)))
    return "";
  const std::string identity = folder.substr(from + 1, seed - from - 1);
  const bool is_hex = identity.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hex && identity.size() >= 8 ? identity : "";
}

std::string recipe_in_name(const std::string& folder) {
  const size_t from = folder.find('_') + 1, to = folder.rfind('_');
  return identity_in_name(folder).empty() || from > to ? "" : folder.substr(from, to - from);
}

std::vector<fs::path> run_folders(const fs::path& store) {
  std::vector<fs::path> folders;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store, none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && !identity_in_name(name).empty()) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  return folders;
}

// What the record's first line calls the run; empty where it has none.
static std::string identity_in_record(const fs::path& folder) {
  std::ifstream stream(folder / kRecord);
  std::string line;
  std::getline(stream, line);
  const auto start = read_json_or_null(line);
  return start.is_object() && start.contains("id") && start["id"].is_string() ? start["id"].get<std::string>() : "";
}

// Whether `run` is the beginning of the identity and seed, `3f2a91bc…-s1337`, of which the folder has a part in its name.
static bool is_named_by(const fs::path& folder, const std::string& run) {
  const std::string name = folder.filename().string(), part = identity_in_name(name);
  const std::string seed = name.substr(name.rfind("-s"));
  if ((part + seed).starts_with(run)) return true;
  if (!run.starts_with(part)) return false;
  const std::string identity = identity_in_record(folder);
  return !identity.empty() && (identity.starts_with(run) || (identity + seed).starts_with(run));
}

fs::path named_run(const fs::path& store, const std::string& run) {
  std::error_code none;
  if (fs::is_regular_file(fs::path(run) / kRecord, none)) return run;
  std::vector<std::string> matches;
  for (const fs::path& folder : run_folders(store)) {
    const std::string name = folder.filename().string();
    if (name == run) return folder;
    if (!run.empty() && (name.starts_with(run) || is_named_by(folder, run))) matches.push_back(name);
  }
  if (matches.size() == 1) return store / matches.front();
  const std::string what = "run = " + run + ": ";
  if (matches.empty())
    throw ConfigError(store.string(), what + "no run has this name or identity; see subband runs list",
                      "unknown_option");
  if (matches.size() > 4) matches.resize(4), matches.emplace_back("...");
  throw ConfigError(store.string(), what + "several runs match: " + join(matches, ", "), "ambiguous");
}

}  // namespace subband
