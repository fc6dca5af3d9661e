// A temperature that falls as the distribution gets flatter: what is certain is drawn freely, what is uncertain is not.
//   t = highest - (H / ln V) (highest - lowest),   H = -sum p ln(p + 1e-12) behind the penalty;   l / max(1e-8, t)
// Cost    V divisions
// Source  WaveletLM, entropy-adaptive temperature
#include <algorithm>
#include <cmath>

#include "experiments/sampling.h"

namespace subband::sampling::adaptive_temperature {

struct Config {
  double lowest = 0.3;
  double highest = 1.5;

  void bind(Binder& b) {
    b.field("lowest", lowest, {0.0, 100.0}, "temperature where every token is as likely as the others");
    b.field("highest", highest, {0.0, 100.0}, "temperature where one token is certain");
    b.check(lowest <= highest, "lowest", "must be at most highest");
  }
};

class AdaptiveTemperature final : public Sampling {
 public:
  AdaptiveTemperature(const Config& config, const SamplingContext&) : config_(config) {}
  SamplingStage stage() const override { return SamplingStage::temperature; }
  void apply(SamplingStep& step) const override {
    const double flatness = step.entropy / std::log(static_cast<double>(step.logits.size()));
    const double value = config_.highest - flatness * (config_.highest - config_.lowest);
    for (double& logit : step.logits) logit /= std::max(1e-8, value);
  }

 private:
  Config config_;
};

void add_to(SamplingRegistry& r) {
  r.add<AdaptiveTemperature, Config>({.name = "adaptive_temperature",
                                      .summary = "a temperature that falls as the distribution gets flatter",
                                      .source = "WaveletLM, entropy-adaptive temperature",
                                      .cost = "V divisions"});
}

}  // namespace subband::sampling::adaptive_temperature
