// What time and memory of a run are made of, as laws that runs teach.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runs/record/record_line.h"

namespace subband {

/// What a cost is made of.
struct CostTraits {
  std::string net;           ///< type of the net, as in the config
  std::string structure;     ///< the net without its numbers, and what it runs on
  std::string measured;      ///< what final measurements read
  double steps = 0;          ///< optimiser steps
  double flops = 0;          ///< of all steps, forward and backward, in units of 10⁹
  double values = 0;         ///< of all steps: one for each position, layer and channel, in units of 10⁶
  double positions = 0;      ///< of all steps
  double estimated = 0;      ///< positions that estimates read while it trains
  double parameters = 0;     ///< MiB of weights
  double activations = 0;    ///< MiB of one value for each position, layer and channel of what is computed at once
};

/// Of a resolved config with so many parameters and so many flops in one pass over one sequence.
CostTraits cost_traits(const RecordJson& config, int64_t parameters, double flops);

/// The middle one, or of an even number the upper of both in the middle; there must be one.
double median_of(std::vector<double> values);

/// Seconds of all optimiser steps: a sum of three terms (the steps, their values, their operations) with weights that are not
/// negative, times a factor for each structure; fitted to relative errors. What runs that are much alike cannot tell apart is
/// as it usually is.
class StepTime {
 public:
  void add(const CostTraits& traits, double seconds);
  void fit();
  /// Nothing before the first run; of a structure that has not run by the median factor of the others.
  std::optional<double> predict(const CostTraits& traits) const;

 private:
  static constexpr size_t kTerms = 3;
  using Terms = std::array<double, kTerms>;
  struct Seen {
    Terms terms;
    double seconds;
    std::string structure;
  };
  static Terms terms_of(const CostTraits& traits);
  double sum(const Terms& terms) const;
  void begin_weights();
  void fit_weights();
  void fit_factors();

  std::vector<Seen> seen_;
  Terms weights_{};
  std::map<std::string, double> factors_;  // medians, by structure; "" of all
};

/// Seconds of a run beside its steps: a start, and positions that are read forward only.
class RestTime {
 public:
  void add(const CostTraits& traits, double steps_seconds, double rest_seconds);
  double predict(const CostTraits& traits, double steps_seconds) const;

 private:
  std::map<std::string, std::vector<double>> positions_;  // of final measurements, by what they read; "" of all
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

}  // namespace subband
