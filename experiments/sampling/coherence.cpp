// Where the last tokens drift away from the prompt, the nucleus of that step shrinks.
//   every `every` drawn tokens:  top_p - weight * drift,   drift = 1 - cos(f(prompt), f(last `window` tokens))
//   f(u) = the mean over time of the fixed Haar approximation of the embeddings of u, at unit length
// The approximation c_{l+1}[t] = (c_l[t] + c_l[t - 2^l]) / sqrt2 after `levels` levels is, but for a factor, the sum of the
// last 2^levels embeddings, so that its mean over n positions weighs position t by min(2^levels, n - t).
// Cost    the embeddings of the prompt and the window, every `every` tokens
// Source  WaveletLM, wavelet coherence
#include <ATen/ATen.h>

#include <algorithm>

#include "experiments/sampling.h"

namespace subband::sampling::coherence {

struct Config {
  double weight = 0.5;
  int64_t window = 128;
  int64_t levels = 4;
  int64_t every = 16;

  void bind(Binder& b) {
    b.field("weight", weight, {0.0, 100.0}, "what a drift of 1 takes off top_p");
    b.field("window", window, {1, 1e6}, "last tokens that are compared with the prompt");
    b.field("levels", levels, {0, 20}, "of the wavelet; prompt and window need 2^levels tokens");
    b.field("every", every, {1, 1e6}, "drawn tokens between two looks; each counts for one step");
  }
};

class Coherence final : public Sampling {
 public:
  Coherence(const Config& config, const SamplingContext&) : config_(config) {}
  SamplingStage stage() const override { return SamplingStage::coherence; }
  void apply(SamplingStep& step) const override {
    const auto ids = step.ids;
    const int64_t reach = int64_t{1} << config_.levels, last = std::min(config_.window, std::ssize(ids));
    if (step.drawn() == 0 || step.drawn() % config_.every != 0 || !step.embedding_VC.defined()) return;
    if (step.prompt < reach || last < reach) return;
    const at::Tensor begun = fingerprint(step.embedding_VC, ids.first(static_cast<size_t>(step.prompt)));
    const at::Tensor now = fingerprint(step.embedding_VC, ids.last(static_cast<size_t>(last)));
    step.drift = 1 - begun.dot(now).item<double>();
    step.top_p_off = config_.weight * *step.drift;
  }

 private:
  at::Tensor fingerprint(const at::Tensor& embedding_VC, std::span<const int32_t> ids) const {
    const int64_t n = std::ssize(ids), reach = int64_t{1} << config_.levels;
    const at::Tensor rows = at::tensor(at::ArrayRef<int32_t>(ids.data(), ids.size()), at::kLong);
    const at::Tensor u_NC = embedding_VC.index_select(0, rows.to(embedding_VC.device())).to(at::kCPU, at::kDouble);
    const at::Tensor weights_N = at::arange(n, 0, -1, at::kDouble).clamp_max(static_cast<double>(reach));
    const at::Tensor mean_C = weights_N.matmul(u_NC);
    return mean_C / mean_C.norm().clamp_min(1e-12);
  }

  Config config_;
};

void add_to(SamplingRegistry& r) {
  r.add<Coherence, Config>({.name = "coherence",
                            .summary = "shrinks the nucleus where the text drifts away from its prompt",
                            .source = "WaveletLM, wavelet coherence",
                            .cost = "the embeddings of prompt and window, every 16 tokens"});
}

}  // namespace subband::sampling::coherence
