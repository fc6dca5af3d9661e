// What a cell will cost, from what runs of the store did cost.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runs/index.h"

namespace subband {

struct PlannedCell;

/// What a cost is made of: seconds and MiB are sums of these with weights that runs of the store teach.
struct CostTraits {
  double steps = 0;         ///< optimiser steps
  double flops = 0;         ///< of all steps, forward and backward, in units of 10⁹
  double parameters = 0;    ///< MiB of weights
  double activations = 0;   ///< MiB of one value for each position, layer and channel of a micro-batch
  double logits = 0;        ///< MiB of one value for each position and word of a micro-batch
};

/// Of a resolved config with so many parameters and so many flops in one pass over one sequence.
CostTraits cost_traits(const RecordJson& config, int64_t parameters, double flops);

/// A sum with weights that are not negative, fitted to relative errors.
class CostModel {
 public:
  static constexpr size_t kTerms = 4;
  using Terms = std::array<double, kTerms>;
  void add(const Terms& terms, double cost) { terms_.push_back(terms), costs_.push_back(cost); }
  /// False where there are fewer kinds of runs than weights.
  bool fit();
  double predict(const Terms& terms) const;

 private:
  std::vector<Terms> terms_;
  std::vector<double> costs_;
  Terms weights_{};
};

class Forecast {
 public:
  explicit Forecast(const std::vector<RunSummary>& runs);
  /// Sets seconds, peak_mib, disk_mib and basis: from runs with the same identity; else from the fitted sums; else time from
  /// the median rate of all runs (parameters x tokens a second); else unknown. Parameters, tokens and traits of the cell
  /// must be set.
  void predict(PlannedCell& cell) const;
  /// Median of parameters x tokens a second over the finished runs.
  std::optional<double> rate() const { return rate_; }

 private:
  struct Cost {
    double seconds = 0, peak_mib = 0;
    int64_t runs = 0, peaks = 0;
    CostTraits traits;
  };
  std::map<std::string, Cost> known_;  // by identity
  std::optional<double> rate_;
  std::optional<CostModel> time_, memory_;
};

}  // namespace subband
