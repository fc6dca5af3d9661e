// What a training step costs, beside others of the same net: the results.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "analysis/report.h"

namespace subband {

/// One contender: this program, the same with an operation's fast path off, or somebody else's net.
struct StepRow {
  std::string name;
  std::string short_name = {};   ///< in figures; empty: the name
  std::string skipped;           ///< why it was not measured; empty: it was
  double loss = 0;               ///< of the first batch, before any step
  std::vector<double> times_ms;  ///< of a step, round by round
  std::vector<double> ratios = {};  ///< its time over this program's, in the same round
  double peak_mib = 0;   ///< of tensors in a step besides those that stay; 0: not known
  double compile_s = 0;  ///< before the first step
  std::vector<std::string> ops = {};
};

struct StepBench {
  std::string recipe, machine;
  int64_t threads = 1, tokens = 0;
  double products_ms = 0;     ///< a step's products alone, at the rate of the largest product of this run
  double product_gflops = 0;  ///< that rate
  double copy_gib_per_s = 0;  ///< of 64 MiB, read and written
  std::vector<StepRow> rows;  ///< this program first

  Report report() const;
  nlohmann::ordered_json json() const;  ///< with the figures
  /// A row's time over the first row's, median and quantiles: `eager/subband`, `eager/subband p10`, `eager/subband p90`.
  nlohmann::ordered_json figures() const;
};

}  // namespace subband
