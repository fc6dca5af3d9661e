// The wavelet path of WaveletLM as a mixer for any net: wavelet, transform, scale mixers and back, with the bypass.
//   m = bypass(x);  z = decompose(pad(x));  z_s += gains_s ⊙ m;  y = T⁻¹ mix(T z);  W_out reconstruct(w_s y_s)
// The net's norm stands before it and its channel mixers after it. The summary of the block before, where that is such a
// mixer too, reaches it through the pass, for the bypass's `cross_layer_mix`. Initial weights are part of the method (Haar
// steps, identities), so that no net draws them anew.
// Shapes  B batch, L length, D width, S = levels + 1 scales
// Cost    linear in L; with the defaults about (12 levels + 4 S + 2) Dp² flops per token, Dp the padded width;
//         decoding state (2^levels - 1) Dp + D values
// Source  WaveletLM (github.com/ramongougis/WaveletLM), April 2026
#include <ATen/core/Tensor.h>

#include "core/tensors/expect.h"
#include "models/layers/padding.h"
#include "models/mixer.h"
#include "models/wavelet/spectral_branch.h"

namespace subband::mixers::wavelet {

struct Config {
  SpectralBranchConfig branch;
  double dropout = 0;

  void bind(Binder& b, const MixerContext& c) {
    branch.surroundings = {.width = c.width, .padded_width = c.width, .layers = c.layers};
    branch.bind(b);
    b.field("dropout", dropout, {0.0, 0.99}, "on the mixed coefficients, in training");
    b.check(c.causal, "type", "has only a causal form: its wavelet looks back");
  }
  BlockContext context(const MixerContext& c) const {
    BlockContext context{.width = c.width,
                         .padded_width = c.width,
                         .levels = branch.levels,
                         .layers = c.layers,
                         .noise = c.noise,
                         .initializer = c.initializer};
    context.padded_width = branch.transform.make(context)->padded_width(c.width);
    return context;
  }
};

class Wavelet final : public Mixer {
 public:
  Wavelet(const Config& config, const MixerContext& context)
      : Wavelet(config, config.context(context), context.layer) {}

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    expect_pass("wavelet", x_BLD, pass, width_);
    expect_right_padding("wavelet", pass.keep_BL, x_BLD);
    const at::Tensor x = masked(x_BLD, pass.keep_BL), summary = branch_.summary(x, pass);
    if (pass.after) pass.after->summary_BLC = summary;
    return branch_.forward(x, {summary, pass.before ? pass.before->summary_BLC : at::Tensor()}, pass);
  }
  bool can_continue() const override { return true; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return costs(length, bytes_per_value).state_bytes();
  }
  double flops(int64_t length) const override { return costs(length, 4).flops(); }

 private:
  Wavelet(const Config& config, const BlockContext& context, int64_t layer)
      : width_(context.width),
        after_another_(layer > 0),
        branch_(*this, config.branch, context, {.mixer_dropout = config.dropout}) {}

  PartCosts costs(int64_t length, int64_t bytes_per_value) const {
    PartCosts costs;
    branch_.add_costs(costs, "", length, bytes_per_value, after_another_);
    return costs;
  }

  int64_t width_;
  bool after_another_;
  SpectralBranch branch_;
};

void add_to(MixerRegistry& r) {
  r.add<Wavelet, Config>({.name = "wavelet",
                          .summary = "the wavelet path of WaveletLM as a mixer for any net",
                          .source = "WaveletLM (github.com/ramongougis/WaveletLM), April 2026",
                          .cost = "about (12 levels + 4 S + 2) L Dp^2 flops; state (2^levels - 1) Dp + D",
                          .version = 4});
}

}  // namespace subband::mixers::wavelet
