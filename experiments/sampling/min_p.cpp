// Draws from the tokens that have at least a share of the likeliest one's probability.
//   p[v] >= share * max p,   that is   l[v] >= max l + ln share
// Cost    V comparisons
// Source  Nguyen et al. 2024, arXiv 2407.01082
#include <algorithm>
#include <cmath>

#include "experiments/generation/probabilities.h"
#include "experiments/sampling.h"

namespace subband::sampling::min_p {

struct Config {
  double share = 0.05;

  void bind(Binder& b) {
    b.field("share", share, {0.0, 1.0, true}, "of the likeliest token's probability that another one needs");
  }
};

class MinP final : public Sampling {
 public:
  MinP(const Config& config, const SamplingContext&) : log_share_(std::log(config.share)) {}
  SamplingStage stage() const override { return SamplingStage::min_p; }
  void apply(SamplingStep& step) const override {
    const double least = *std::ranges::max_element(step.logits) + log_share_;
    for (double& logit : step.logits)
      if (logit < least) logit = kExcluded;
  }

 private:
  double log_share_;
};

void add_to(SamplingRegistry& r) {
  r.add<MinP, Config>({.name = "min_p",
                       .summary = "draws from tokens with at least a share of the likeliest one's probability",
                       .source = "Nguyen et al. 2024, arXiv 2407.01082",
                       .cost = "V comparisons"});
}

}  // namespace subband::sampling::min_p
