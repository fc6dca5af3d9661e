// Linear warm-up from rate 0, then a straight line from the peak down to a floor.
//   rate(n) = peak · n / W   for n < W,   else peak + (floor − peak) · min(1, (n − W) / max(1, N − W))
// Cost    none
// Source  the usual one of BERT, arXiv 1810.04805

#include "experiments/schedules/decay.h"

namespace subband::schedules::linear {

static double straight_line(double peak, double floor, double part) { return peak + (floor - peak) * part; }

class Linear final : public Schedule {
 public:
  Linear(const DecayConfig& config, const ScheduleContext& context) : decay_(config, context) {}

  double rate(int64_t step) const override { return decay_.rate(step, straight_line); }
  int64_t warmup() const override { return decay_.warmup(); }

 private:
  Decay decay_;
};

void add_to(ScheduleRegistry& r) {
  r.add<Linear, DecayConfig>({.name = "linear",
                              .summary = "linear warm-up from 0, then a straight line down to min_lr",
                              .source = "BERT, arXiv 1810.04805"});
}

}  // namespace subband::schedules::linear
