// Cells as waves of job arrays: which tasks were handed to Slurm under which comment, so that what is still there is found
// again from the comments alone.
//   <sweep>/slurm/wave-3.tasks     one line an element: task file, tab, step to pause at or nothing
//   <sweep>/slurm/wave-3.tasks.ended/7      of line 7: its turn is over, with this exit code
//   <sweep>/slurm/wave-3.tasks.submitted    all arrays of the wave are with Slurm, or were
//   comment of a job array         subband:<digits of the sweep's folder>:3:<lines of the wave before this array's>
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sweeps/slurm/client.h"
#include "sweeps/slurm/settings.h"

namespace subband::slurm {

/// One turn of a cell.
struct WaveItem {
  std::filesystem::path task;
  std::optional<int64_t> until;
  TaskNeeds needs;
};

/// The elements of one `sbatch`: those that ask for the same, no more than an array may have.
struct WaveArray {
  std::vector<std::string> options;  ///< of resources
  size_t first = 0, count = 0;       ///< lines of the wave
};

/// Puts items that ask for the same side by side (they are sorted) and cuts them into arrays.
std::vector<WaveArray> wave_arrays(std::vector<WaveItem>& items, const Settings& settings,
                                   int64_t max_elements);

/// What Slurm knows of a sweep.
struct KnownElements {
  std::map<std::filesystem::path, Element> of_tasks;  ///< by their files; of several for one task the one that still goes on
  std::set<std::string> arrays;                       ///< comments of arrays of which it knows any element
};

class Waves {
 public:
  /// `folder`: the sweep's own in the store.
  explicit Waves(std::filesystem::path folder);
  /// Writes the wave's tasks and submits its arrays, one after the other where no more than `jobs` may run. The ids.
  /// What of a wave could not be submitted is not there when the same is asked again.
  std::vector<std::string> submit(std::vector<WaveItem> items, const Settings& settings, ScriptPlace place);
  /// An element that has said itself that its turn is over (settings.h) counts as ended, though its job goes on. One that was
  /// cancelled while it waited is not known to Slurm at all.
  KnownElements known() const;
  std::filesystem::path log_of(const Element& element) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::string comment_;
};

/// Whether Slurm has jobs of the sweep with this folder that have not ended; false where it cannot be asked.
bool has_jobs(const std::filesystem::path& sweep_folder);

}  // namespace subband::slurm
