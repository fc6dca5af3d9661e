// Spends seeds one after another: the cells of a plan, then, while a claim with an error rate is open, the next seed of
// its row and of the baseline. Seeds that no luck could make unnecessary are handed out side by side.
#pragma once
#include <string>
#include <vector>

#include "sweeps/search/known_runs.h"

namespace subband {

class ClaimsQueue final : public CellQueue {
 public:
  /// `plan` must outlive it.
  ClaimsQueue(const SweepPlan& plan, AddCell add);
  bool decides_later() const override { return true; }
  bool was_cut() const override { return runs_.has_cut(); }
  void ended(size_t cell, const CellResult& result) override { runs_.ended(cell, result); }
  std::optional<CellTurn> next() override;

 private:
  struct OpenClaim {
    size_t claim = 0;           // of the spec
    size_t row = 0, baseline = 0;  // of the plan
  };
  std::optional<CellTurn> fixed_cell();
  /// Seeds of this claim that may be run now; 0 where it needs none any more.
  size_t wanted_seeds(const OpenClaim& open) const;
  int64_t seed_at(size_t number) const;

  const SweepSpec& spec() const { return runs_.plan().spec; }

  KnownRuns runs_;
  std::vector<OpenClaim> open_;
  std::vector<int64_t> seeds_;  // of the spec, sorted
  size_t fixed_ = 0;            // cells of the plan that were there at first
  size_t next_ = 0;
};

}  // namespace subband
