// One block of WaveletLM: wavelet, transform, scale mixer and back, then the channel mixers.
//   m = bypass(x);  x += γ ⊙ E;  z = decompose(pad(LN1(x)));  z_s += bias_s(m, previous)
//   y = T⁻¹ mix(T z);  x = a_sp x + W_out reconstruct(w_s dropout(y_s));  x = a_mlp x + Σ α_k mixer_k(LN2(x))
// Shapes  B batch, L length, C width, Cp padded width, S scales
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "core/ops/norms/residual_norm.h"
#include "core/slot.h"
#include "models/channel_mixer.h"
#include "models/layers/norms/layer_norm.h"
#include "models/module.h"
#include "models/part_cost.h"
#include "models/wavelet/spectral_branch.h"

namespace subband {

/// `surroundings` is set by the net before bind.
struct WaveletBlockConfig : SpectralBranchConfig {
  Slots<ChannelMixer> channel_mixers{"mlp"};
  bool learned_residual = true;
  bool per_layer_embedding = false;

  void bind(Binder& b);
};

/// What a net hands to one of its blocks besides the context.
struct WaveletBlockOptions : SpectralBranchOptions {
  double projection_dropout = 0;
};

class WaveletBlock final : public Module {
 public:
  WaveletBlock(const WaveletBlockConfig& config, const BlockContext& context,
               const WaveletBlockOptions& options);

  struct Flow {
    at::Tensor x_BLC;
    at::Tensor summary;  ///< of the block before, [B,L,C] or [B,1,C]; undefined at the start
  };
  /// `embedding`: the token embeddings, read where the config asks for them; undefined: the block does without.
  Flow forward(const Flow& in, const at::Tensor& embedding_BLC, const Pass& pass = {});
  /// Adds what its parts cost over one window under names that begin with `prefix`; `after_another`: not the first.
  void add_costs(PartCosts& costs, const std::string& prefix, int64_t length, int64_t bytes_per_value,
                 bool after_another) const;
  bool crosses_windows() const { return spectral_.crosses_windows(); }

 private:
  ResidualNorm with_embedding(const at::Tensor& x_BLC, const at::Tensor& embedding_BLC) const;
  std::vector<ResidualTerm> channels(const at::Tensor& h_BLC, const Pass& pass);
  void add_channel_mixers(const WaveletBlockConfig& config, const BlockContext& context);

  double projection_dropout_;
  std::shared_ptr<const Noise> noise_;
  SpectralBranch spectral_;
  std::shared_ptr<LayerNorm> norm1_, norm2_;
  struct Labelled {
    std::string label;
    at::Tensor gain;
    std::shared_ptr<ChannelMixer> mixer;
  };
  std::vector<Labelled> channel_mixers_;
  at::Tensor embedding_gain_C_, spectral_gain_, channel_gain_;
};

}  // namespace subband
