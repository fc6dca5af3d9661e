// WERSA: random-feature attention whose queries and keys pass through gated Haar bands along the tokens first.
//   q̃ = haar(GELU(W_q x), γ(x)),  k̃ likewise;   y = W_out norm( φ(q̃)ᵀ S / (φ(q̃)·z + ε) ),  S = Σ φ(k̃) vᵀ, z = Σ φ(k̃)
// The sums run over all real tokens, or where causal over the past. Then the wavelet is the undecimated one-sided Haar
// and the gates see the token alone or a convolution of the past: block Haar and pooled gates, which the original has,
// show each token its future. `unsafe_block_haar` brings that leak back, to be shown.
// Shapes  B batch, L length, D model width, H heads, G key heads, K, V head widths, m features, S = levels + 1 bands
// Cost    4 L D H (K + V) + 2 L m (H + G) K + 4 L H m (V + 1) flops and the wavelet; decoding state G m (V + 1),
//         (2^levels - 1) (H + G) K values
// Source  Dentamaro 2025, arXiv 2507.08637; what the paper leaves open as in the module WERSAAttention of matformer
#include <ATen/ATen.h>

#include <limits>

#include "core/ops/recurrence/weighted_mean.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/attention/kernel_sums.h"
#include "models/layers/norms/layer_norm.h"
#include "models/layers/padding.h"
#include "models/layers/spectral/band_gates.h"
#include "models/layers/spectral/haar_bands.h"
#include "models/layers/spectral/spectral_features.h"
#include "models/mixer.h"

namespace subband::mixers::wersa {

struct Config {
  AttentionFields attention;
  int64_t levels = 2;
  BandGateFields gates;
  SpectralFeatureFields features;
  std::string activation = "gelu";
  bool head_norm = true;
  double epsilon = 1e-6;
  int64_t chunk = 128;
  bool unsafe_block_haar = false;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("levels", levels, {0, 16}, "of the Haar wavelet; 0: none (README model: 4)");
    b.field("unsafe_block_haar", unsafe_block_haar,
            "where causal: the original's block wavelet all the same, through which a token sees up to "
            "2^levels - 1 later ones");
    gates.bind(b, c.causal && !unsafe_block_haar);
    features.bind(b);
    b.choice("activation", activation, {"gelu", "none"}, "of queries and keys before the wavelet");
    b.field("head_norm", head_norm, "layer norm of every head's output, one gain and bias for all heads");
    b.field("epsilon", epsilon, {0, 1}, "ε, added to the sum of weights; the softmax kernel needs none");
    b.field("chunk", chunk, {1, 65536}, "where causal, tokens whose products are computed at once");
    int64_t padded = 1;
    while (padded < c.length) padded *= 2;
    b.check((int64_t{1} << levels) <= padded || (c.causal && !unsafe_block_haar), "levels",
            "must be at most log2 of the longest window, " + std::to_string(c.length));
  }
};

class Wersa final : public Mixer {
 public:
  Wersa(const Config& config, const MixerContext& context)
      : config_(config),
        causal_(context.causal),
        one_sided_(context.causal && !config.unsafe_block_haar),
        heads_(*this, config.attention, context),
        gates_(*this, config.gates, config.levels + 1, context),
        features_(*this, config.features, heads_.head_width(), *context.initializer) {
    if (config.head_norm)
      norm_ = register_module("head_norm",
                              std::make_shared<LayerNorm>(*context.initializer, heads_.value_width()));
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    if (!can_continue()) refuse_state("wersa", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    expect_pass("wersa", x_BLD, pass);
    expect_right_padding("wersa", keep_BL, x_BLD);
    const at::Tensor x = masked(x_BLD, keep_BL);
    const Heads heads = heads_.split("wersa", x, pass);
    const at::Tensor gains =
        features_.narrowed(gates_.gains(x, pass, is_training()));  // the wavelet is linear in them
    LayerState* memory = pass.memory();
    const BandActivation f = config_.activation == "gelu" ? BandActivation::gelu : BandActivation::none;
    const auto filtered = [&](const at::Tensor& x_BLHK, const char* name) {
      if (one_sided_) return haar_bands::causal(x_BLHK, gains, memory ? &memory->part(name) : nullptr, f);
      return haar_bands::block(masked(x_BLHK, keep_BL), gains, f);
    };
    const at::Tensor q = features_.of_queries(filtered(heads.q_BLHK, "q"));
    at::Tensor peak = memory ? memory->value("peak") : at::Tensor();
    const StabilizedKeys keys = causal_ ? features_.of_keys_so_far(filtered(heads.k_BLGK, "k"), keep_BL, peak)
                                        : features_.of_keys(filtered(heads.k_BLGK, "k"), keep_BL);
    if (memory && peak.defined()) memory->put("peak", peak);
    const KernelFeatures features{q, keys.features_BLGM, heads.v_BLGV, keys.log_decay_BLG};
    if (!causal_) return finished(kernel_sums(features), x);
    at::Tensor state = memory ? memory->value("sums") : at::Tensor();
    const at::Tensor sums = causal_kernel_sums(features, config_.chunk, state);
    if (memory) memory->put("sums", state);
    return finished(sums, x);
  }
  bool can_continue() const override { return one_sided_ && !gates_.looks_ahead(); }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    const int64_t sums = heads_.groups() * config_.features.features * (heads_.value_width() + 1);
    return (sums + (features_.has_peak() ? heads_.groups() : 0)) * sum_bytes(bytes_per_value) +
           (haar_bands::causal_state(length, config_.levels, filtered_width()) + gates_.state_values(length)) *
               bytes_per_value;
  }
  double flops(int64_t length) const override {
    const int64_t H = heads_.heads();
    const KernelSizes sizes{H, heads_.groups(), config_.features.features, heads_.value_width()};
    const double wavelet = one_sided_ ? haar_bands::causal_flops(length, config_.levels, filtered_width())
                                      : haar_bands::block_flops(length, config_.levels, filtered_width());
    const double sums =
        causal_ ? causal_kernel_sums_flops(sizes, length, config_.chunk) : kernel_sums_flops(sizes, length);
    return heads_.maps_flops(length) + gates_.flops(length) + wavelet +
           features_.flops(length * (H + heads_.groups())) + sums;
  }
  std::string path() const override { return causal_ ? "chunked" : "plain"; }

 private:
  at::Tensor finished(const at::Tensor& sums_BLHV, const at::Tensor& x) const {
    const at::Tensor y = weighted_mean(sums_BLHV, floor()).to(x.scalar_type());
    return heads_.merge(norm_ ? norm_->forward(y) : y);
  }
  // Positive features never vanish, but far from a query they are small beside any fixed ε.
  WeightFloor floor() const {
    if (features_.has_peak()) return {.least = static_cast<double>(std::numeric_limits<float>::min())};
    return {.epsilon = config_.epsilon};
  }
  int64_t filtered_width() const { return (heads_.heads() + heads_.groups()) * heads_.head_width(); }

  Config config_;
  bool causal_, one_sided_;
  AttentionHeads heads_;
  BandGates gates_;
  SpectralFeatures features_;
  std::shared_ptr<LayerNorm> norm_;
};

void add_to(MixerRegistry& r) {
  r.add<Wersa, Config>(
      {.name = "wersa",
       .summary = "random-feature attention over gated Haar bands of queries and keys",
       .source = "Dentamaro 2025, arXiv 2507.08637",
       .cost = "8 L D^2 + 8 L m D flops, linear in L; state G m (V + 1) + (2^levels - 1) 2 D",
       .version = 3});
}

}  // namespace subband::mixers::wersa
