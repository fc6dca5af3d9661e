// What a scheduler knows of its cells: their runs in a store.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runs/store.h"
#include "sweeps/planning/plan.h"
#include "sweeps/scheduling/scheduler.h"

namespace subband {

class StoreBook final : public CellBook {
 public:
  /// Must be outlived by both; cells that the plan gets later are known too.
  StoreBook(const Store& store, const SweepPlan& plan) : store_(store), plan_(plan) {}

  std::optional<CellResult> settled(size_t cell) override;
  bool is_held(size_t cell) override;
  /// Writes the end of a run whose workers died without a report into its record.
  CellResult result(size_t cell, const CellOutcome& outcome) override;
  SlotNeeds needs(size_t cell) override;

  /// The result that the store has of a run that is settled; nothing where there is none.
  std::optional<CellResult> in_store(size_t cell);
  /// How a cell stands in the store: as its record says, `interrupted` without an end, `fresh` without a record.
  CellResult look(size_t cell);
  /// What was seen of claims of other processes; workers inherit it.
  LeaseSights& sights() { return sights_; }

 private:
  struct Known {
    std::optional<std::filesystem::path> folder;
    bool was_asked = false;   // whether it is held
    bool is_settled = false;  // ended here as another cell's run
  };
  using Key = std::pair<std::string, int64_t>;
  Known& known(size_t cell);
  std::optional<std::filesystem::path> folder_of(size_t cell);

  const Store& store_;
  const SweepPlan& plan_;
  std::map<Key, Known> known_;
  LeaseSights sights_;
};

/// What a record says, as a queue hears it.
CellResult cell_result(const RunRecord& run, const CellOutcome& outcome);

/// Writes the end of a run whose workers died without a report into its record. Nothing where it has none.
void record_crash(const Store& store, const std::string& id, int64_t seed, const CellOutcome& outcome);

}  // namespace subband
