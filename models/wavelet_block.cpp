#include "models/wavelet_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>

#include <algorithm>
#include <cmath>

#include "models/layers/adopt.h"

namespace subband {

namespace {
constexpr double kProjectionGain = 1e-3;  // of the default first values of the projection
}

void WaveletBlockConfig::bind(Binder& b) {
  b.field("levels", levels, {1, 24}, "wavelet levels; up to log2 of the window is useful");
  surroundings.levels = levels;
  LiftingContext lifting_context;
  static_cast<BlockContext&>(lifting_context) = surroundings;
  b.part("lifting", lifting, lifting_context, "the wavelet (original: wavelet_mode, lifting_linear_only)");
  b.part("dilation", dilation, surroundings, "how far back each level looks (original: wavelet_crawl)");
  b.part("transform", transform, surroundings, "the basis over channels in which the scales are mixed");
  b.part("bypass", bypass, surroundings,
         "a summary of the whole past beside the wavelet (original: decompose_bypass, decompose_bypass_ema)");
  b.part("scale_mixer", scale_mixer, surroundings, "what maps the coefficients of each scale");
  b.parts("channel_mixers", channel_mixers, surroundings,
          "side by side on every position; their outputs add up");
  b.field("learned_residual", learned_residual, "a learned factor on each of the two residual paths");
  b.field("skip_projection", skip_projection,
          "no linear after the wavelet where the padded width is the width (original: skip_proj_out)");
  b.field("per_layer_embedding", per_layer_embedding,
          "every block adds the token embeddings with a gain per channel that starts at zero");
}

WaveletBlock::WaveletBlock(const WaveletBlockConfig& config, const BlockContext& context,
                           const WaveletBlockOptions& options)
    : options_(options), width_(context.width), padded_width_(context.padded_width), noise_(context.noise) {
  Initializer& initializer = *context.initializer;
  LiftingContext lifting_context;
  static_cast<BlockContext&>(lifting_context) = context;
  lifting_context.dilation = &config.dilation;
  lifting_ = options.shared_lifting ? options.shared_lifting : config.lifting.make(lifting_context);
  if (!options.shared_lifting || options.register_lifting) register_module("lifting_wavelet", lifting_);
  reconstruction_ = lifting_;
  if (lifting_->untied()) {
    lifting_context.dilation = nullptr;
    reconstruction_ = register_module("lifting_reconstruct_wavelet", config.lifting.make(lifting_context));
  }
  transform_ = register_module("transform", config.transform.make(context));
  adopt(*this, *(bypass_ = config.bypass.make(context)));
  adopt(*this, *(scale_mixer_ = config.scale_mixer.make(context)));
  scale_weights_S_ = register_parameter("scale_weights", initializer.full({context.scales()}, 1));
  if (config.per_layer_embedding)
    embedding_gain_C_ = register_parameter("embedding_residual_gamma", initializer.zeros({width_}));
  if (config.learned_residual) {
    residual_spectral_ = register_parameter("residual_alpha_spectral", initializer.full({}, 1));
    residual_channels_ = register_parameter("residual_alpha_mlp", initializer.full({}, 1));
  }
  norm1_ = register_module("ln1", std::make_shared<LayerNorm>(initializer, width_));
  norm2_ = register_module("ln2", std::make_shared<LayerNorm>(initializer, width_));
  add_projection(config.skip_projection, context);
  add_channel_mixers(config, context);
}

void WaveletBlock::add_projection(bool skip, const BlockContext& context) {
  if (skip && padded_width_ == width_) return;
  projection_ =
      register_module("proj_out", std::make_shared<Linear>(*context.initializer, padded_width_, width_));
  const double gain = context.stabilizers.projection
                          ? 1 / std::sqrt(static_cast<double>(width_ * context.layers))
                          : kProjectionGain;
  projection_->weight.detach().mul_(gain);
  projection_->bias.detach().zero_();
}

void WaveletBlock::add_channel_mixers(const WaveletBlockConfig& config, const BlockContext& context) {
  for (const auto& [label, slot] : config.channel_mixers.all()) {
    const auto mixer = slot.make(context);
    const bool usual = label == slot.type();
    register_module(usual ? mixer->module_name() : label, mixer);
    const at::Tensor gain =
        register_parameter(usual ? mixer->gain_name() : "alpha_" + label, context.initializer->full({}, 1));
    channel_mixers_.emplace_back(gain, mixer);
  }
}

void WaveletBlock::add_costs(PartCosts& costs, const std::string& prefix, int64_t length,
                             int64_t bytes_per_value, bool after_another) const {
  const int64_t scales = scale_weights_S_.size(0);
  int64_t remembered = 0;  // inputs of every level
  for (int64_t level = 0; level < scales - 1; ++level)
    remembered += std::min(length, lifting_->dilation()->reach(level)) * padded_width_;
  costs.add(prefix + "lifting", *lifting_, lifting_->flops(length), remembered * bytes_per_value);
  if (reconstruction_ != lifting_) costs.add(prefix + "lifting", *reconstruction_, 0);
  costs.add(prefix + "transform", *transform_, 2 * transform_->flops(scales * length));
  costs.add(prefix + "bypass", *bypass_, bypass_->flops(length, after_another),
            bypass_->state_bytes(bytes_per_value));
  costs.add(prefix + "scale_mixer", *scale_mixer_, scale_mixer_->flops(length));
  if (projection_) costs.add(prefix + "proj_out", *projection_, projection_->flops(length));
  for (const auto& [gain, mixer] : channel_mixers_)
    costs.add(prefix + mixer->module_name(), *mixer, mixer->flops(length));
}

// Adopted parts are no children and would not hear of it.
void WaveletBlock::train(bool on) {
  torch::nn::Module::train(on);
  bypass_->train(on);
  scale_mixer_->train(on);
}

WaveletBlock::Flow WaveletBlock::forward(const Flow& in, const at::Tensor& embedding_BLC) {
  at::Tensor x = in.x_BLC;
  const at::Tensor summary = bypass_->summary(x);
  if (embedding_gain_C_.defined()) x = x + embedding_gain_C_ * embedding_BLC;
  const at::Tensor branch = dropout(spectral(norm1_->forward(x), summary, in.summary),
                                    options_.projection_dropout, is_training(), noise_.get());
  x = residual_spectral_.defined() ? residual_spectral_ * x + branch : x + branch;
  const at::Tensor h = channel_mixers_.empty() ? at::Tensor() : norm2_->forward(x);
  if (residual_channels_.defined()) x = residual_channels_ * x;
  return {h.defined() ? x + channels(h) : x, summary};
}

at::Tensor WaveletBlock::spectral(const at::Tensor& h_BLC, const at::Tensor& summary,
                                  const at::Tensor& previous) {
  const int64_t padding = padded_width_ - width_;
  const at::Tensor h = padding > 0 ? at::constant_pad_nd(h_BLC, {0, padding}) : h_BLC;
  const at::Tensor z_SBLC = bypass_->apply(lifting_->decompose(h), summary, previous);
  at::Tensor y = transform_->inverse(scale_mixer_->forward(transform_->forward(z_SBLC)));
  y = dropout(y, options_.mixer_dropout, is_training(), noise_.get());
  y = y * scale_weights_S_.view({-1, 1, 1, 1});
  const at::Tensor r = reconstruction_->reconstruct(y);
  return projection_ ? projection_->forward(r) : r;
}

at::Tensor WaveletBlock::channels(const at::Tensor& h_BLC) {
  at::Tensor sum;
  for (const auto& [gain, mixer] : channel_mixers_) {
    const at::Tensor term = gain * mixer->forward(h_BLC);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

}  // namespace subband
