// Draws from the k likeliest tokens, of equals those with the smaller ids.
// Cost    V log k comparisons
// Source  Fan, Lewis and Dauphin 2018, arXiv 1805.04833
#include "experiments/generation/probabilities.h"
#include "experiments/sampling.h"

namespace subband::sampling::top_k {

struct Config {
  int64_t k = 40;

  void bind(Binder& b) { b.field("k", k, {1, 1e9}, "tokens that are drawn from"); }
};

class TopK final : public Sampling {
 public:
  TopK(const Config& config, const SamplingContext&) : k_(config.k) {}
  SamplingStage stage() const override { return SamplingStage::top_k; }
  void apply(SamplingStep& step) const override {
    if (k_ < std::ssize(step.logits)) keep_only(step.logits, likeliest(step.logits, k_));
  }

 private:
  int64_t k_;
};

void add_to(SamplingRegistry& r) {
  r.add<TopK, Config>({.name = "top_k",
                       .summary = "draws from the k likeliest tokens",
                       .source = "Fan, Lewis and Dauphin 2018, arXiv 1805.04833",
                       .cost = "V log k comparisons"});
}

}  // namespace subband::sampling::top_k
