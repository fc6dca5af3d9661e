// Linear warm-up from rate 0, then half a cosine from the peak down to a floor.
//   rate(n) = peak · n / W                                             for n < W
//           = floor + ½ (1 + cos(π min(1, (n − W) / max(1, N − W)))) (peak − floor)
// W = ⌊warmup · N⌋ steps of N. The first step of a warm-up has rate 0: it moves nothing, but fills Adagrad's sums.
// Cost    none
// Source  WaveletLM's training script
#include <cmath>
#include <numbers>

#include "experiments/schedules/decay.h"

namespace subband::schedules::cosine {

static double half_cosine(double peak, double floor, double part) {
  return floor + 0.5 * (1.0 + std::cos(std::numbers::pi * part)) * (peak - floor);
}

class Cosine final : public Schedule {
 public:
  Cosine(const DecayConfig& config, const ScheduleContext& context) : decay_(config, context) {}

  double rate(int64_t step) const override { return decay_.rate(step, half_cosine); }
  int64_t warmup() const override { return decay_.warmup(); }

 private:
  Decay decay_;
};

void add_to(ScheduleRegistry& r) {
  r.add<Cosine, DecayConfig>(
      {.name = "cosine",
       .summary = "linear warm-up from 0, then half a cosine down to min_lr",
       .source = "WaveletLM's training script; SGDR without restarts, arXiv 1608.03983"});
}

}  // namespace subband::schedules::cosine
