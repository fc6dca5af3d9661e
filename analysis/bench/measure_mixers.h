// Measures mixers as the sequence grows.
#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <functional>
#include <string>
#include <vector>

#include "analysis/bench/mixer_bench.h"
#include "core/registry.h"

namespace subband {

struct MixerBenchPlan {
  std::vector<std::string> mixers;  ///< empty: all
  std::vector<int64_t> lengths;     ///< ascending
  int64_t width = 64, batch = 1;
  bool causal = true;  ///< where a mixer has such a form; the other form else
  bool backward = false;
  c10::Device device = c10::kCPU;
  c10::ScalarType type = c10::kFloat;
  double budget_s = 540;     ///< for everything
  double pass_limit_s = 12;  ///< for one pass, predicted
  double memory_mib = 4096;  ///< for one pass, predicted
  uint64_t seed = 1337;
  bool peers = false;  ///< PyTorch's forms too, of those that have one, where a Python with torch is found
};

/// Told before every step: seconds gone of the budget, which is spent at most, and what comes next.
using BenchProgress = std::function<void(double seconds, double budget, const std::string& note)>;

/// At every length all mixers run in turn, in an order shuffled anew every round, beside the yardsticks `copy` (of the
/// input) and softmax_attention. A mixer whose pass is predicted, from its previous length, to take too long or to hold
/// too much is skipped, with the figure. ConfigError for an unknown mixer.
MixerBench measure_mixers(const Registry& registry, const MixerBenchPlan& plan,
                          const BenchProgress& progress);

}  // namespace subband
