// Tries the likeliest tokens out and takes the one behind which the net is surest; nothing is drawn.
//   score(c) = ln p'(c) + sum over `depth` greedy steps of max ln p,   p' as the other strategies left it, p the net's own
// Cost    candidates * depth more tokens of the net for every token
// Source  WaveletLM, lookahead
#include "experiments/generation/probabilities.h"
#include "experiments/sampling.h"

namespace subband::sampling::lookahead {

struct Config {
  int64_t candidates = 4;
  int64_t depth = 5;

  void bind(Binder& b) {
    b.field("candidates", candidates, {1, 1000}, "likeliest tokens that are tried out");
    b.field("depth", depth, {1, 1000}, "greedy steps behind each");
  }
};

class Lookahead final : public Sampling {
 public:
  Lookahead(const Config& config, const SamplingContext&) : config_(config) {}
  SamplingStage stage() const override { return SamplingStage::choice; }
  std::optional<int32_t> choose(const SamplingStep& step, Rollout& rollout) const override {
    std::optional<int32_t> best;
    double best_score = 0;
    for (const int32_t candidate : likeliest(step.logits, config_.candidates)) {
      const double score = log_probability(step.logits, candidate) + score_behind(candidate, rollout);
      if (!best || score > best_score) best = candidate, best_score = score;
    }
    return best;
  }

 private:
  double score_behind(int32_t token, Rollout& rollout) const {
    rollout.restart();
    double score = 0;
    for (int64_t step = 0; step < config_.depth; ++step) {
      const std::vector<double> logits = rollout.after(token);
      token = likeliest(logits);
      score += log_probability(logits, token);
    }
    return score;
  }

  Config config_;
};

void add_to(SamplingRegistry& r) {
  r.add<Lookahead, Config>({.name = "lookahead",
                            .summary = "takes the token behind which greedy steps of the net are likeliest",
                            .source = "WaveletLM, lookahead",
                            .cost = "candidates * depth more tokens of the net for every token"});
}

}  // namespace subband::sampling::lookahead
