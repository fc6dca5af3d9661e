// A search: points are drawn one after another, each is a run, and a pruner says which runs go on.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/pruner.h"
#include "sweeps/sampler.h"
#include "sweeps/search/draw_ledger.h"
#include "sweeps/search/known_runs.h"

namespace subband {

class SearchQueue final : public CellQueue {
 public:
  /// `plan`, of a spec with `search`, must outlive it. The points of the ledger become cells at once.
  SearchQueue(const SweepPlan& plan, AddCell add, std::shared_ptr<Sampler> sampler,
              std::shared_ptr<Pruner> pruner, DrawLedger ledger);

  std::optional<CellTurn> next() override;
  void ended(size_t cell, const CellResult& result) override { runs_.ended(cell, result); }
  bool decides_later() const override { return true; }
  bool was_cut() const override { return runs_.has_cut(); }
  bool reads_evaluations() const override { return true; }
  bool learns() const override { return true; }

  /// What is known of every drawn point.
  std::vector<SearchTrial> trials() const;

 private:
  void add_trial(const SearchPoint& point);
  /// Makes cells of points of the ledger that have none yet; whether there were any.
  bool take_points();
  std::optional<CellTurn> hand_out(size_t trial);
  /// The turn of a trial that is known: cut off on the way, new, or promoted.
  std::optional<CellTurn> known_turn();
  /// One more trial, where there may be one; whether there is.
  bool draw();
  SearchTrial sampled(size_t trial) const;
  PrunedTrial pruned(size_t trial) const;
  double loss_of(double value) const { return plan_.spec.goal == "max" ? -value : value; }

  const SweepPlan& plan_;
  std::shared_ptr<Sampler> sampler_;
  std::shared_ptr<Pruner> pruner_;
  DrawLedger ledger_;
  KnownRuns runs_;
  std::vector<std::optional<size_t>> cells_;  // of the trials; nothing where a point cannot be bound
  std::map<KnownRuns::Key, size_t> first_trials_;  // of each run: a point may be drawn again
  bool is_exhausted_ = false;
};

}  // namespace subband
