// Measures the operations of core/ops: every fast path of the CPU beside its reference and beside what the machine could do.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/report.h"

namespace subband {

struct OpBenchPlan {
  std::vector<std::string> ops;             ///< empty: all
  int64_t batch = 8, length = 256;          ///< of sequences
  int64_t width = 64;                       ///< a power of two
  int rounds = 20;
  uint64_t seed = 1337;
};

/// A row an operation, forward and, where it is trained through, with its way back: milliseconds, the reference's time over
/// it, and how much of its time the bound is: its products at the rate of the largest product of this run, or its tensors
/// once at the rate of a copy. All run in turn, in an order shuffled every round; medians, ratios of each round first.
/// ConfigError for an unknown operation; Error where a fast path is not its reference, before anything is timed.
Report measure_ops(const OpBenchPlan& plan, const std::function<void(const std::string&)>& tell);

}  // namespace subband
