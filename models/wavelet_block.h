// One block of WaveletLM: wavelet, transform, scale mixer and back, then the channel mixers.
//   m = bypass(x);  x += γ ⊙ E;  z = decompose(pad(LN1(x)));  z_s += bias_s(m, previous)
//   y = T⁻¹ mix(T z);  x = a_sp x + W_out reconstruct(w_s dropout(y_s));  x = a_mlp x + Σ α_k mixer_k(LN2(x))
// Shapes  B batch, L length, C width, Cp padded width, S scales
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "core/slot.h"
#include "models/bypass.h"
#include "models/channel_mixer.h"
#include "models/dilation.h"
#include "models/layers/layer_norm.h"
#include "models/layers/linear.h"
#include "models/lifting.h"
#include "models/part_cost.h"
#include "models/scale_mixer.h"
#include "models/transform.h"

namespace subband {

struct WaveletBlockConfig {
  int64_t levels = 5;
  Slot<Lifting> lifting{"learned"};
  Slot<Dilation> dilation{"dyadic"};
  Slot<Transform> transform{"fwht"};
  Slot<Bypass> bypass{"running_mean"};
  Slot<ScaleMixer> scale_mixer{"gated"};
  Slots<ChannelMixer> channel_mixers{"mlp"};
  bool learned_residual = true;
  bool skip_projection = false;
  bool per_layer_embedding = false;

  BlockContext surroundings;  ///< set by the net before bind; `levels` is filled in here
  void bind(Binder& b);
};

/// What a net hands to one of its blocks besides the context.
struct WaveletBlockOptions {
  std::shared_ptr<Lifting> shared_lifting;  ///< null: the block makes its own
  bool register_lifting = true;             ///< of a shared one: in the first block only
  double mixer_dropout = 0;
  double projection_dropout = 0;
};

class WaveletBlock final : public torch::nn::Module {
 public:
  WaveletBlock(const WaveletBlockConfig& config, const BlockContext& context,
               const WaveletBlockOptions& options);

  struct Flow {
    at::Tensor x_BLC;
    at::Tensor summary;  ///< of the block before, [B,L,C] or [B,1,C]; undefined at the start
  };
  /// `embedding`: the token embeddings, read where the config asks for them.
  Flow forward(const Flow& in, const at::Tensor& embedding_BLC);
  /// Adds what its parts cost over one window under names that begin with `prefix`; `after_another`: not the first.
  void add_costs(PartCosts& costs, const std::string& prefix, int64_t length, int64_t bytes_per_value,
                 bool after_another) const;
  bool crosses_windows() const { return bypass_->crosses_windows(); }
  void train(bool on = true) override;

 private:
  at::Tensor spectral(const at::Tensor& x_BLC, const at::Tensor& summary, const at::Tensor& previous);
  at::Tensor channels(const at::Tensor& h_BLC);
  void add_projection(bool skip, const BlockContext& context);
  void add_channel_mixers(const WaveletBlockConfig& config, const BlockContext& context);

  WaveletBlockOptions options_;
  int64_t width_, padded_width_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Lifting> lifting_, reconstruction_;  // the same object unless untied
  std::shared_ptr<Transform> transform_;
  std::shared_ptr<Bypass> bypass_;
  std::shared_ptr<ScaleMixer> scale_mixer_;
  std::shared_ptr<LayerNorm> norm1_, norm2_;
  std::shared_ptr<Linear> projection_;                                                // null where skipped
  std::vector<std::pair<at::Tensor, std::shared_ptr<ChannelMixer>>> channel_mixers_;  // gain, mixer
  at::Tensor scale_weights_S_, embedding_gain_C_, residual_spectral_, residual_channels_;
};

}  // namespace subband
