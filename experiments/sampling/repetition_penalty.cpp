// Tokens that stand in the text already become less likely.
//   l[v] / penalty where l[v] > 0, else l[v] * penalty, of every v in the prompt or drawn since
// Cost    one visit of each distinct token
// Source  CTRL, Keskar et al. 2019, arXiv 1909.05858, section 4.1; as WaveletLM has it
#include <set>

#include "experiments/sampling.h"

namespace subband::sampling::repetition_penalty {

struct Config {
  double penalty = 1.1;

  void bind(Binder& b) {
    b.field("penalty", penalty, {0.0, 100.0, true}, "positive logits are divided by it, others multiplied; 1: nothing");
  }
};

class RepetitionPenalty final : public Sampling {
 public:
  RepetitionPenalty(const Config& config, const SamplingContext&) : penalty_(config.penalty) {}
  SamplingStage stage() const override { return SamplingStage::penalty; }
  void apply(SamplingStep& step) const override {
    for (const int32_t id : std::set<int32_t>(step.ids.begin(), step.ids.end())) {
      double& logit = step.logits[static_cast<size_t>(id)];
      logit = logit > 0 ? logit / penalty_ : logit * penalty_;
    }
  }

 private:
  double penalty_;
};

void add_to(SamplingRegistry& r) {
  r.add<RepetitionPenalty, Config>({.name = "repetition_penalty",
                                    .summary = "tokens of the text so far become less likely",
                                    .source = "CTRL, arXiv 1909.05858, section 4.1",
                                    .cost = "one visit of each distinct token"});
}

}  // namespace subband::sampling::repetition_penalty
