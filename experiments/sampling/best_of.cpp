// Several texts are drawn from each prompt, and the one with the highest mean log-probability is kept.
// Cost    `texts` times the tokens
// Source  WaveletLM, best of n
#include "experiments/sampling.h"

namespace subband::sampling::best_of {

struct Config {
  int64_t texts = 4;

  void bind(Binder& b) { b.field("texts", texts, {1, 10000}, "drawn from each prompt"); }
};

class BestOf final : public Sampling {
 public:
  BestOf(const Config& config, const SamplingContext&) : texts_(config.texts) {}
  SamplingStage stage() const override { return SamplingStage::attempts; }
  int64_t attempts() const override { return texts_; }

 private:
  int64_t texts_;
};

void add_to(SamplingRegistry& r) {
  r.add<BestOf, Config>({.name = "best_of",
                         .summary = "keeps the likeliest of several texts",
                         .source = "WaveletLM, best of n",
                         .cost = "so many times the tokens"});
}

}  // namespace subband::sampling::best_of
