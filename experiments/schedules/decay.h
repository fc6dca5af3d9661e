// What schedules that fall from a peak to a floor share: a warm-up from rate 0, then one way down.
#pragma once
#include <algorithm>
#include <string>

#include "experiments/schedule.h"
#include "experiments/schedules/warmup.h"

namespace subband {

struct DecayConfig {
  double warmup = 0.1;
  double min_lr = 0;

  void bind(Binder& b, const ScheduleContext& c) {
    bind_warmup(b, warmup);
    b.field("min_lr", min_lr, {0.0, 1e3}, "the rate at the end");
    b.check(min_lr <= c.peak, "min_lr", "must be at most optimizer.lr = " + std::to_string(c.peak));
  }
};

/// The rate after the part `part` (0 to 1) of the way from `peak` to `floor`.
using Fall = double (*)(double peak, double floor, double part);

class Decay {
 public:
  Decay(const DecayConfig& config, const ScheduleContext& context)
      : peak_(context.peak),
        floor_(config.min_lr),
        steps_(context.steps),
        warmup_(warmup_steps(config.warmup, context.steps)) {}

  double rate(int64_t step, Fall fall) const {
    if (step < warmup_) return warmup_rate(peak_, step, warmup_);
    const double length = static_cast<double>(std::max<int64_t>(1, steps_ - warmup_));
    return fall(peak_, floor_, std::min(1.0, static_cast<double>(step - warmup_) / length));
  }
  int64_t warmup() const { return warmup_; }

 private:
  double peak_, floor_;
  int64_t steps_, warmup_;
};

}  // namespace subband
