// The wavelet path of WaveletLM as a mixer for any net: wavelet, transform, scale mixers and back, with the bypass.
//   m = bypass(x);  z = decompose(pad(x));  z_s += gains_s ⊙ m;  y = T⁻¹ mix(T z);  W_out reconstruct(w_s y_s)
// The net's norm stands before it and its channel mixers after it. A mixer does not know the block before, so the
// bypass's `cross_layer_mix` rests. Initial weights are part of the method (Haar steps, identities): no net redraws
// them.
// Shapes  B batch, L length, D width, S = levels + 1 scales
// Cost    linear in L; with the defaults about (12 levels + 4 S + 2) Dp² flops per token, Dp the padded width;
//         decoding state (2^levels - 1) Dp + D values
// Source  WaveletLM (github.com/ramongougis/WaveletLM), April 2026
#include <ATen/core/Tensor.h>

#include "core/tensors/expect.h"
#include "models/layers/history.h"
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
  Wavelet(const Config& config, const MixerContext& context) : Wavelet(config, config.context(context)) {}

  at::Tensor forward(const at::Tensor& x_BLD, const at::Tensor& keep_BL) override {
    expect_shape("wavelet", "x", x_BLD, {kAny, kAny, width_});
    expect_right_padding("wavelet", keep_BL, x_BLD);
    const at::Tensor x = silenced(x_BLD, keep_BL);
    return branch_.forward(x, branch_.summary(x), {});
  }
  bool has_step() const override { return branch_.can_continue(); }
  at::Tensor step(const at::Tensor& x_BD, MixerState& state) override {
    if (!has_step()) return Mixer::step(x_BD, state);
    const at::Tensor x = x_BD.unsqueeze(1);
    expect_shape("wavelet", "x", x, {batch_of(state), 1, width_});
    const at::Tensor y = branch_.step(x, x, state);
    ++state.position;
    return y.squeeze(1);
  }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return costs(length, bytes_per_value).state_bytes();
  }
  double flops(int64_t length) const override { return costs(length, 4).flops(); }
  void train(bool on = true) override {
    torch::nn::Module::train(on);
    branch_.train(on);
  }

 private:
  Wavelet(const Config& config, const BlockContext& context)
      : width_(context.width), branch_(*this, config.branch, context, {.mixer_dropout = config.dropout}) {
    branch_.add_projection(*this, context);
  }
  PartCosts costs(int64_t length, int64_t bytes_per_value) const {
    PartCosts costs;
    branch_.add_costs(costs, "", length, bytes_per_value, false);
    return costs;
  }

  int64_t width_;
  SpectralBranch branch_;
};

void add_to(MixerRegistry& r) {
  r.add<Wavelet, Config>({.name = "wavelet",
                          .summary = "the wavelet path of WaveletLM as a mixer for any net",
                          .source = "WaveletLM (github.com/ramongougis/WaveletLM), April 2026",
                          .cost = "about (12 levels + 4 S + 2) L Dp^2 flops; state (2^levels - 1) Dp + D",
                          .version = 2});
}

}  // namespace subband::mixers::wavelet
