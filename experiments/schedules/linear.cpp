// Linear warm-up from rate 0, then a straight line from the peak down to a floor.
//   rate(n) = peak · n / W   for n < W,   else peak + (floor − peak) · min(1, (n − W) / max(1, N − W))
// Cost    none
// Source  the usual one of BERT, arXiv 1810.04805
#include <algorithm>

#include "core/config/binder.h"
#include "experiments/schedule.h"
#include "experiments/warmup.h"

namespace subband::schedules::linear {

struct Config {
  double warmup = 0.1;
  double min_lr = 0;

  void bind(Binder& b, const ScheduleContext& c) {
    bind_warmup(b, warmup);
    b.field("min_lr", min_lr, {0.0, 1e3}, "the rate at the end");
    b.check(min_lr <= c.peak, "min_lr", "must be at most optimizer.lr = " + std::to_string(c.peak));
  }
};

class Linear final : public Schedule {
 public:
  Linear(const Config& config, const ScheduleContext& context)
      : peak_(context.peak),
        floor_(config.min_lr),
        steps_(context.steps),
        warmup_(warmup_steps(config.warmup, context.steps)) {}

  double rate(int64_t step) const override {
    if (step < warmup_) return warmup_rate(peak_, step, warmup_);
    const double length = static_cast<double>(std::max<int64_t>(1, steps_ - warmup_));
    return peak_ + (floor_ - peak_) * std::min(1.0, static_cast<double>(step - warmup_) / length);
  }
  int64_t warmup() const override { return warmup_; }

 private:
  double peak_, floor_;
  int64_t steps_, warmup_;
};

void add_to(ScheduleRegistry& r) {
  r.add<Linear, Config>({.name = "linear",
                         .summary = "linear warm-up from 0, then a straight line down to min_lr",
                         .source = "BERT, arXiv 1810.04805"});
}

}  // namespace subband::schedules::linear
