// The store: a folder of runs.   <date>_<recipe>_<id8>-s<seed>/ record.jsonl config.yaml log.txt checkpoints/
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "core/error.h"
#include "runs/record/record_writer.h"

namespace subband {

inline constexpr const char* kRecordName = "record.jsonl";

/// A run's folder, opened for writing.
struct OpenRun {
  std::filesystem::path folder;
  RecordWriter record;
  bool is_new = false;
};

/// A folder whose record has no whole first line.
struct UnreadableRun {
  std::filesystem::path folder;
  Problem problem;
};

class Store {
 public:
  /// `root` need not exist: the first run makes it.
  explicit Store(std::filesystem::path root) : root_(std::move(root)) {}
  const std::filesystem::path& root() const { return root_; }

  /// Every run's folder, by name; none where the store does not exist.
  std::vector<std::filesystem::path> folders() const;
  /// The folder of the run with this identity and seed.
  std::optional<std::filesystem::path> find(const std::string& id, int64_t seed) const;
  /// Folders that are this run's by their names, but whose records do not say whose they are.
  std::vector<UnreadableRun> unreadable(const std::string& id, int64_t seed) const;
  /// The folder a person means: its path, its name, or the start of its name or identity (four characters or
  /// more, with `-s<seed>` where several seeds share it). ConfigError when it is none or several.
  std::filesystem::path resolve(const std::string& run) const;

  /// Opens the run of this identity and seed, or makes its folder with the record's first line and config.yaml.
  /// A folder gets its final name when both are there. Error when another process writes it or the disk refuses.
  OpenRun open_or_create(const RunStart& start, const config::Node& resolved,
                         const LeaseTerms& terms = {}) const;
  /// Deletes a run: at once under its name, then from the disk. Error when another process writes it.
  void remove(const std::filesystem::path& folder) const;
  /// Moves a run out of the way, to `replaced/`; nothing is deleted. Error when another process writes it.
  std::filesystem::path set_aside(const std::filesystem::path& folder) const;

 private:
  std::vector<std::filesystem::path> named_like(const std::string& id, int64_t seed) const;
  std::optional<OpenRun> create(const RunStart& start, const config::Node& resolved, const LeaseTerms& terms,
                                bool has_lock) const;

  std::filesystem::path root_;
};

/// The folders of a store as they are now, for many questions.
class RunFolders {
 public:
  explicit RunFolders(const Store& store);
  /// As Store::find.
  std::optional<std::filesystem::path> find(const std::string& id, int64_t seed) const;

 private:
  std::multimap<std::string, std::filesystem::path> by_key_;
};

}  // namespace subband
