#include "runs/merge.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/temporaries.h"
#include "runs/merge_sides.h"
#include "runs/sweep_manifest.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

void copy_folder(const fs::path& from, const fs::path& to, const fs::path& root) {
  const fs::path unfinished = root / temporary_name(".new");
  std::error_code failed;
  fs::copy(from, unfinished, fs::copy_options::recursive, failed);
  if (!failed) fs::rename(unfinished, to, failed);
  if (!failed) return;
  std::error_code none;
  fs::remove_all(unfinished, none);
  throw Error(to.string(), "cannot be copied from " + from.string() + ": " + failed.message());
}

// Of quantities that no two machines share nothing is said.
bool is_measured_alike(const std::string& name) { return !name.starts_with("train."); }

std::string difference(const RunRecord& ours, const RunRecord& theirs) {
  for (const auto& [name, value] : theirs.metrics) {
    const auto own = ours.metrics.find(name);
    const bool is_same =
        own != ours.metrics.end() && (own->second == value || (std::isnan(value) && std::isnan(own->second)));
    if (own != ours.metrics.end() && !is_same && is_measured_alike(name)) return name;
  }
  return ours.status == theirs.status ? "" : "status";
}

class Merge {
 public:
  Merge(const Store& into, const Store& from) : into_(into), from_(from), present_(into) {}

  MergeResult run() {
    std::error_code failed;
    fs::create_directories(into_.root(), failed);
    if (failed) throw Error(into_.root().string(), "store cannot be made: " + failed.message());
    for (const fs::path& folder : from_.folders()) take(folder);
    take_manifests();
    return std::move(result_);
  }

 private:
  // One run that cannot be read, on either side, keeps no other from being brought.
  void take(const fs::path& folder) {
    const std::string name = folder.filename().string();
    const auto theirs = record_in(folder, name, "");
    if (!theirs) return;
    if (theirs->id.empty()) return leave_out(name, "has no whole record");
    const auto present = present_.find(theirs->id, theirs->seed);
    if (!present) {
      std::error_code none;
      if (fs::exists(into_.root() / name, none))
        return leave_out(name, "ours of this name holds another run, or none that can be read");
      copy_folder(folder, into_.root() / name, into_.root());
      ++result_.copied;
      return;
    }
    const auto ours = record_in(*present, name, "ours ");
    if (!ours) return;
    ++result_.known;
    if (is_settled(ours->status)) {
      const std::string what = is_settled(theirs->status) ? difference(*ours, *theirs) : "";
      if (!what.empty())
        result_.notices.push_back(name + ": " + what + " differs between the stores; ours stays");
    } else if (is_settled(theirs->status)) {
      replace(folder, *present);
    }
  }

  // A record that nobody writes; otherwise the run is left out.
  std::optional<RunRecord> record_in(const fs::path& folder, const std::string& name, const std::string& whose) {
    try {
      const bool is_written = is_being_written(folder / kRecordName);
      if (!is_written || !whose.empty()) return read_record(folder / kRecordName);
      leave_out(name, "is being written");
    } catch (const Error& error) {
      leave_out(name, whose + error.first().message);
    }
    return std::nullopt;
  }

  void replace(const fs::path& theirs, const fs::path& ours) {
    if (is_being_written(ours / kRecordName))
      return leave_out(theirs.filename().string(), "ours is being written");
    into_.set_aside(ours);
    copy_folder(theirs, ours, into_.root());
    --result_.known;
    ++result_.replaced;
  }

  void leave_out(const std::string& name, const std::string& why) {
    result_.notices.push_back(name + ": " + why + "; left out");
  }

  void take_manifests() {
    const ManifestReading theirs = read_sweep_manifests(from_.root()),
                          ours = read_sweep_manifests(into_.root());
    for (const SweepManifest& each : theirs.sweeps) {
      if (std::ranges::find(ours.sweeps, each.name, &SweepManifest::name) == ours.sweeps.end()) {
        write_sweep_manifest(into_.root(), each);
        ++result_.sweeps;
      }
      const auto notices = merge_sides(into_.root(), from_.root(), each.name);
      result_.notices.insert(result_.notices.end(), notices.begin(), notices.end());
    }
    result_.notices.insert(result_.notices.end(), theirs.notices.begin(), theirs.notices.end());
  }

  const Store& into_;
  const Store& from_;
  const RunFolders present_;
  MergeResult result_;
};

}  // namespace

MergeResult merge_store(const Store& into, const Store& from) {
  std::error_code none;
  if (fs::equivalent(into.root(), from.root(), none))
    throw ConfigError(from.root().string(), "store: is this very store; name another one", "bad_value");
  if (!fs::is_directory(from.root(), none)) throw Error(from.root().string(), "store: does not exist");
  return Merge(into, from).run();
}

}  // namespace subband
