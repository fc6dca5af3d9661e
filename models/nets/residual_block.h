// The pre-norm block around any mixer, in which mixers are compared.
//   x += dropout(mixer(norm(x))),   x += dropout(Σ channel_mixers(norm(x)))
// Source  GPT-2 (Radford et al. 2019); LLaMA, arXiv 2302.13971
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/slot.h"
#include "models/channel_mixer.h"
#include "models/layers/dropout.h"
#include "models/layers/norms/norm.h"
#include "models/mixer.h"
#include "models/module.h"
#include "models/part_cost.h"

namespace subband {

/// What a net imposes on its residual blocks.
struct ResidualFrame {
  int64_t width = 128;  ///< D
  int64_t length = 256;
  int64_t layers = 2;
  bool causal = true;
  NormFields norm;
  std::string initialization = "gpt2";  ///< `gpt2`, `normal`, `parts`
  double deviation = 0.02;              ///< of linears, but for `parts`
  double dropout = 0;
  std::shared_ptr<const Noise> noise;
  Initializer* initializer = nullptr;

  /// The fields that are the same in every net of such blocks: norm, norm_epsilon, initialization, deviation, dropout.
  void bind(Binder& b);
  MixerContext mixer_context(int64_t layer = 0) const;
  BlockContext channel_context()
      const;  ///< dropout stands behind the sum, so the parts have none of their own

  /// Draws initial weights of every projection inside `part` that is not the part's own, and zeroes its bias.
  void draw_projections(const torch::nn::Module& part) const;
  /// By which the deviation of a role is multiplied: residual outputs of gpt2 by 1 / sqrt(2 layers).
  double factor_of(Role role) const;
};

/// The parts of one block.
struct ResidualParts {
  Slot<Mixer> mixer{"softmax_attention"};
  Slots<ChannelMixer> channel_mixers{"mlp"};

  void bind(Binder& b, const ResidualFrame& frame);
  /// Binds what is written alone; the rest stays as it is.
  void bind_given(Binder& b, const ResidualFrame& frame);
};

class ResidualBlock final : public Module {
 public:
  /// `layer`: its place in the net. Registers `mixer_norm`, `channel_norm`, `mixer`, `channel_mixers.LABEL`.
  ResidualBlock(const ResidualParts& parts, const ResidualFrame& frame, int64_t layer = 0);

  /// `repeat`: the net's noise, where a training pass keeps no inner values and backward computes them again
  /// (layers/recompute.h); null where it keeps them.
  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass, const std::shared_ptr<Noise>& repeat = nullptr);
  void add_costs(PartCosts& costs, int64_t length, int64_t bytes_per_value) const;  ///< as `blocks.*.…`
  Mixer& mixer() { return *mixer_; }
  const Mixer& mixer() const { return *mixer_; }

 private:
  at::Tensor whole(const at::Tensor& x_BLD, const Pass& pass);
  at::Tensor noisy(const at::Tensor& x_BLD) const;
  at::Tensor channels(const at::Tensor& normed_BLD, const Pass& pass) const;

  Norm mixer_norm_, channel_norm_;
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::string mixer_name_;
  std::shared_ptr<Mixer> mixer_;
  std::vector<std::pair<std::string, std::shared_ptr<ChannelMixer>>> channel_mixers_;  // by label
};

/// One block after the other, what each leaves for the next handed on; `pass.hidden` gets what enters each of them.
at::Tensor through_blocks(const std::vector<std::shared_ptr<ResidualBlock>>& blocks, at::Tensor x_BLD, Pass pass,
                          const std::shared_ptr<Noise>& repeat);

}  // namespace subband
