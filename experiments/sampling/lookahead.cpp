// Tries the likeliest tokens out and takes the one behind which the net is surest; nothing is drawn.
//   score(c) = ln p'(c) + sum over `depth` greedy steps of max ln p,   p' as the other strategies left it, p the net's own
// Candidates are read together, so that the weights are read `depth` times for every token.
// Cost    candidates * depth more tokens of the net for every token
// Source  WaveletLM, lookahead
#include <algorithm>

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
    const std::vector<int32_t> candidates = likeliest(step.logits, config_.candidates);
    const auto together = static_cast<size_t>(rollout.most());
    std::optional<int32_t> best;
    double best_score = 0;
    for (size_t first = 0; first < candidates.size(); first += together) {
      const std::span<const int32_t> tried =
          std::span(candidates).subspan(first, std::min(together, candidates.size() - first));
      const std::vector<double> behind = scores_behind(tried, rollout);
      for (size_t i = 0; i < tried.size(); ++i) {
        const double score = log_probability(step.logits, tried[i]) + behind[i];
        if (!best || score > best_score) best = tried[i], best_score = score;
      }
    }
    return best;
  }

 private:
  std::vector<double> scores_behind(std::span<const int32_t> candidates, Rollout& rollout) const {
    rollout.restart(std::ssize(candidates));
    std::vector<int32_t> tokens(candidates.begin(), candidates.end());
    std::vector<double> scores(tokens.size());
    for (int64_t step = 0; step < config_.depth; ++step) {
      const std::vector<std::vector<double>> logits = rollout.after(tokens);
      for (size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = likeliest(logits[i]);
        scores[i] += log_probability(logits[i], tokens[i]);
      }
    }
    return scores;
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
