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
  std::string net;         ///< type of the net, as in the config
  double steps = 0;        ///< optimiser steps
  double flops = 0;        ///< of all steps, forward and backward, in units of 10⁹
  double parameters = 0;   ///< MiB of weights
  double activations = 0;  ///< MiB of one value for each position, layer and channel of a micro-batch
};

/// Of a resolved config with so many parameters and so many flops in one pass over one sequence.
CostTraits cost_traits(const RecordJson& config, int64_t parameters, double flops);

/// A sum with weights that are not negative, fitted to relative errors.
class CostModel {
 public:
  static constexpr size_t kTerms = 3;
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

/// Memory of a process: what it has without any tensor, three times the weights (gradients and one state beside them), and
/// so many values for each position, layer and channel, learned for each type of net.
class MemoryModel {
 public:
  /// `peak_mib`: of the process or the device; `tensors_mib`: of all tensors at once.
  void add(const CostTraits& traits, double peak_mib, double tensors_mib);
  /// Nothing before the first run.
  std::optional<double> predict(const CostTraits& traits) const;

 private:
  std::vector<double> without_tensors_;
  std::map<std::string, std::vector<double>> values_;  // by net; "" of all
};

class Forecast {
 public:
  explicit Forecast(const std::vector<RunSummary>& runs);
  /// Sets seconds, peak_mib, disk_mib and basis: from runs with the same identity; else from the fitted models; else time from
  /// the median rate of all runs (parameters x tokens a second); else unknown. Parameters, tokens and traits of the cell
  /// must be set.
  void predict(PlannedCell& cell) const;
  /// Median of parameters x tokens a second over the finished runs.
  std::optional<double> rate() const { return rate_; }

 private:
  struct Cost {
    double seconds = 0, peak_mib = 0, tensors_mib = 0;
    int64_t runs = 0, peaks = 0;
    CostTraits traits;
  };
  std::map<std::string, Cost> known_;  // by identity
  std::optional<double> rate_;
  std::optional<CostModel> time_;
  MemoryModel memory_;
};

}  // namespace subband
