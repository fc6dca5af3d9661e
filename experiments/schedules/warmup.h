// The warm-up that all schedules share: the rate rises in a straight line from 0.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/config/binder.h"

namespace subband {

inline void bind_warmup(Binder& b, double& warmup) {
  b.field("warmup", warmup, {0.0, 1e9},
          "steps of linear warm-up from rate 0; below 1: that fraction of the run");
  b.check(warmup < 1 || warmup == std::floor(warmup), "warmup", "must be below 1 or a whole number of steps");
}

/// ⌊warmup · steps⌋ for a fraction, else `warmup` itself.
inline int64_t warmup_steps(double warmup, int64_t steps) {
  return static_cast<int64_t>(warmup < 1 ? std::floor(warmup * static_cast<double>(steps)) : warmup);
}

/// Rate of step `step` < `warmup`.
inline double warmup_rate(double peak, int64_t step, int64_t warmup) {
  return peak * static_cast<double>(step) / static_cast<double>(warmup);
}

}  // namespace subband
