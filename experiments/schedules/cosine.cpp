// Linear warm-up from rate 0, then half a cosine from the peak down to a floor.
//   rate(n) = peak · n / W                                             for n < W
//           = floor + ½ (1 + cos(π min(1, (n − W) / max(1, N − W)))) (peak − floor)
// W = ⌊warmup · N⌋ steps of N. The first step of a warm-up has rate 0: it moves nothing, but fills Adagrad's sums.
// Cost    none
// Source  WaveletLM's training script
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/config/binder.h"
#include "experiments/schedule.h"
#include "experiments/warmup.h"

namespace subband::schedules::cosine {

struct Config {
  double warmup = 0.1;
  double min_lr = 0;

  void bind(Binder& b, const ScheduleContext& c) {
    bind_warmup(b, warmup);
    b.field("min_lr", min_lr, {0.0, 1e3}, "the rate at the end");
    b.check(min_lr <= c.peak, "min_lr", "must be at most optimizer.lr = " + std::to_string(c.peak));
  }
};

class Cosine final : public Schedule {
 public:
  Cosine(const Config& config, const ScheduleContext& context)
      : peak_(context.peak),
        floor_(config.min_lr),
        steps_(context.steps),
        warmup_(warmup_steps(config.warmup, context.steps)) {}

  double rate(int64_t step) const override {
    if (step < warmup_) return warmup_rate(peak_, step, warmup_);
    const double length = static_cast<double>(std::max<int64_t>(1, steps_ - warmup_));
    const double part = std::min(1.0, static_cast<double>(step - warmup_) / length);
    return floor_ + 0.5 * (1.0 + std::cos(std::numbers::pi * part)) * (peak_ - floor_);
  }
  int64_t warmup() const override { return warmup_; }

 private:
  double peak_, floor_;
  int64_t steps_, warmup_;
};

void add_to(ScheduleRegistry& r) {
  r.add<Cosine, Config>({.name = "cosine",
                         .summary = "linear warm-up from 0, then half a cosine down to min_lr",
                         .source = "WaveletLM's training script; SGDR without restarts, arXiv 1608.03983"});
}

}  // namespace subband::schedules::cosine
