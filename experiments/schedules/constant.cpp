// The peak rate all the way, after a linear warm-up.
//   rate(n) = peak · n / warmup   for n < warmup, else peak
// Cost    none
// Source  ours, the plainest one
#include "core/config/binder.h"
#include "experiments/schedule.h"
#include "experiments/schedules/warmup.h"

namespace subband::schedules::constant {

struct Config {
  double warmup = 0;

  void bind(Binder& b) { bind_warmup(b, warmup); }
};

class Constant final : public Schedule {
 public:
  Constant(const Config& config, const ScheduleContext& context)
      : peak_(context.peak), warmup_(warmup_steps(config.warmup, context.steps)) {}

  double rate(int64_t step) const override {
    return step < warmup_ ? warmup_rate(peak_, step, warmup_) : peak_;
  }
  int64_t warmup() const override { return warmup_; }

 private:
  double peak_;
  int64_t warmup_;
};

void add_to(ScheduleRegistry& r) {
  r.add<Constant, Config>({.name = "constant",
                           .summary = "the peak rate throughout, after a linear warm-up",
                           .source = "ours, the plainest one"});
}

}  // namespace subband::schedules::constant
