// Draws from the smallest set of likeliest tokens that has a given probability.
//   in falling order, a token stays unless the tokens before it have more than top_p
// Where coherence has found the text drifting, top_p is lowered for that step, never under 0.3.
// Cost    a sort of the tokens whose probability is at least (1 - top_p) / V; the others cannot belong to the set
// Source  Holtzman et al. 2020, arXiv 1904.09751
#include <algorithm>

#include "experiments/generation/probabilities.h"
#include "experiments/sampling.h"

namespace subband::sampling::nucleus {

constexpr double kLeastLowered = 0.3;

struct Config {
  double top_p = 0.95;

  void bind(Binder& b) {
    b.field("top_p", top_p, {0.0, 1.0, true}, "probability that the tokens drawn from have together; 1: all tokens");
  }
};

class Nucleus final : public Sampling {
 public:
  Nucleus(const Config& config, const SamplingContext&) : top_p_(config.top_p) {}
  SamplingStage stage() const override { return SamplingStage::nucleus; }
  void apply(SamplingStep& step) const override {
    const double top_p = step.top_p_off > 0 ? std::max(kLeastLowered, top_p_ - step.top_p_off) : top_p_;
    if (top_p >= 1) return;
    const std::vector<double> p = probabilities(step.logits);
    const double least = (1 - top_p) / static_cast<double>(p.size());
    std::vector<int32_t> order;
    for (size_t i = 0; i < p.size(); ++i)
      if (p[i] >= least) order.push_back(static_cast<int32_t>(i));
    const auto of = [&](int32_t id) { return p[static_cast<size_t>(id)]; };
    std::ranges::stable_sort(order, [&](int32_t a, int32_t b) { return of(a) > of(b); });
    size_t kept = 0;
    for (double before = 0; kept < order.size() && before <= top_p; ++kept) before += of(order[kept]);
    order.resize(kept);
    keep_only(step.logits, order);
  }

 private:
  double top_p_;
};

void add_to(SamplingRegistry& r) {
  r.add<Nucleus, Config>({.name = "nucleus",
                          .summary = "draws from the smallest set of likeliest tokens that has probability top_p",
                          .source = "Holtzman et al. 2020, arXiv 1904.09751",
                          .cost = "a sort of the likelier tokens"});
}

}  // namespace subband::sampling::nucleus
