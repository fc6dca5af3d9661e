// What a cell will cost, from what runs of the store did cost.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runs/index.h"

namespace subband {

struct PlannedCell;

class Forecast {
 public:
  explicit Forecast(const std::vector<RunSummary>& runs);
  /// Sets seconds, peak_mib and basis: from runs with the same identity; else time from the median rate of all runs
  /// (parameters x tokens a second); else unknown. Parameters and tokens of the cell must be set.
  void predict(PlannedCell& cell) const;
  /// Median of parameters x tokens a second over the finished runs.
  std::optional<double> rate() const { return rate_; }

 private:
  struct Cost {
    double seconds = 0, peak_mib = 0;
    int64_t runs = 0, peaks = 0;
  };
  std::map<std::string, Cost> known_;  // by identity
  std::optional<double> rate_;
};

}  // namespace subband
