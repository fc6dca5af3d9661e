// Logits over a fixed temperature.
//   l / max(1e-8, value);   value 0: only the largest is left, the first of equals
// Cost    V divisions
// Source  the usual one; Ackley, Hinton and Sejnowski 1985
#include <algorithm>

#include "experiments/generation/probabilities.h"
#include "experiments/sampling.h"

namespace subband::sampling::temperature {

struct Config {
  double value = 1.0;

  void bind(Binder& b) {
    b.field("value", value, {0.0, 100.0}, "logits are divided by it; 0: always the likeliest token");
  }
};

class Temperature final : public Sampling {
 public:
  Temperature(const Config& config, const SamplingContext&) : value_(config.value) {}
  SamplingStage stage() const override { return SamplingStage::temperature; }
  void apply(SamplingStep& step) const override {
    if (value_ == 0) return keep_only(step.logits, std::vector<int32_t>{likeliest(step.logits)});
    for (double& logit : step.logits) logit /= std::max(1e-8, value_);
  }

 private:
  double value_;
};

void add_to(SamplingRegistry& r) {
  r.add<Temperature, Config>({.name = "temperature",
                              .summary = "logits over a fixed temperature; 0 takes the likeliest token",
                              .source = "Ackley, Hinton and Sejnowski 1985",
                              .cost = "V divisions"});
}

}  // namespace subband::sampling::temperature
