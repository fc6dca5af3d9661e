// What a cell will cost, from what runs of the store did cost.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runs/index.h"
#include "sweeps/planning/costs.h"

namespace subband {

struct PlannedCell;

class Forecast {
 public:
  explicit Forecast(const std::vector<RunSummary>& runs);
  /// Sets seconds, peak_mib and basis: from runs with the same identity; else from the fitted models; else time from
  /// the median rate of all runs (parameters x tokens a second); else unknown. Parameters, tokens and traits of the cell
  /// must be set, these where they are wanted.
  void predict(PlannedCell& cell) const;
  bool wants_traits(const std::string& id) const { return is_taught_ && !known_.contains(id); }
  /// Median of parameters x tokens a second over the newest finished runs.
  std::optional<double> rate() const { return rate_; }

 private:
  struct Cost {
    std::vector<double> seconds, steps_seconds, peak_mib, tensors_mib;
    CostTraits traits;
  };
  std::map<std::string, Cost> known_;  // by identity
  std::optional<double> rate_;
  bool is_taught_ = false;
  StepTime steps_;
  RestTime rest_;
  MemoryModel memory_;
};

}  // namespace subband
