// Measures a whole sweep beside what people would use instead: Hydra's joblib launcher with PyTorch.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "analysis/report.h"
#include "core/registry.h"

namespace subband {

struct SweepBenchPlan {
  std::string sweep = "quickstart";
  std::vector<std::string> overrides;
  int jobs = 2;           ///< workers, of either side, a thread each
  bool compiled = false;  ///< by torch.compile too
  std::string program;    ///< whose `sweep` is measured; empty: this one
};

/// Seconds of `subband sweep` into a fresh store, then of the same cells by Hydra (analysis/peers/sweep.py): the same
/// recipes and initial weights, whose first losses are compared before a cell trains; start-up, estimates on the way, the
/// final evaluation and a checkpoint counted on both sides. Its figures: `subband/eager`, `subband/compiled`, our seconds over
/// theirs. Where no Python has what it needs, the notes say so. Error where either side fails.
Report measure_sweep(const Registry& registry, const SweepBenchPlan& plan,
                     const std::function<void(const std::string&)>& tell);

}  // namespace subband
