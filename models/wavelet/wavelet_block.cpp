#include "models/wavelet/wavelet_block.h"

#include <ATen/TensorOperators.h>

#include "core/tensors/costs/recorded.h"

namespace subband {

static constexpr Purpose kGain{.role = Role::gain};

void WaveletBlockConfig::bind(Binder& b) {
  SpectralBranchConfig::bind(b);
  b.parts("channel_mixers", channel_mixers, surroundings,
          "side by side on every position; their outputs add up");
  b.field("learned_residual", learned_residual, "a learned factor on each of the two residual paths");
  b.field("per_layer_embedding", per_layer_embedding,
          "every block adds the token embeddings with a gain per channel that starts at zero");
}

WaveletBlock::WaveletBlock(const WaveletBlockConfig& config, const BlockContext& context,
                           const WaveletBlockOptions& options)
    : projection_dropout_(options.projection_dropout),
      noise_(context.noise),
      spectral_(*this, config, context, options) {
  Initializer& initializer = *context.initializer;
  if (config.per_layer_embedding)
    embedding_gain_C_ = add_parameter("embedding_gain", initializer.zeros({context.width}), kGain);
  if (config.learned_residual) {
    spectral_gain_ = add_parameter("spectral_gain", initializer.full({}, 1), kGain);
    channel_gain_ = add_parameter("channel_gain", initializer.full({}, 1), kGain);
  }
  norm1_ = register_module("mixer_norm", std::make_shared<LayerNorm>(initializer, context.width));
  norm2_ = register_module("channel_norm", std::make_shared<LayerNorm>(initializer, context.width));
  add_channel_mixers(config, context);
}

void WaveletBlock::add_channel_mixers(const WaveletBlockConfig& config, const BlockContext& context) {
  const auto mixers = register_module("channel_mixers", std::make_shared<Module>("channel_mixers"));
  const auto gains = register_module("channel_gains", std::make_shared<Module>("channel_gains"));
  for (const auto& [label, slot] : config.channel_mixers.all()) {
    const auto mixer = mixers->register_module(label, slot.make(context));
    channel_mixers_.push_back(
        {label, gains->add_parameter(label, context.initializer->full({}, 1), kGain), mixer});
  }
}

void WaveletBlock::add_costs(PartCosts& costs, const std::string& prefix, int64_t length,
                             int64_t bytes_per_value, bool after_another) const {
  spectral_.add_costs(costs, prefix, length, bytes_per_value, after_another);
  for (const auto& [label, gain, mixer] : channel_mixers_)
    costs.add(prefix + label, *mixer, mixer->flops(length), mixer->state_bytes(length, bytes_per_value));
}

WaveletBlock::Flow WaveletBlock::forward(const Flow& in, const at::Tensor& embedding_BLC, const Pass& pass) {
  const at::Tensor summary = in_part("bypass", [&] { return spectral_.summary(in.x_BLC, pass); });
  const ResidualNorm start = in_part("norms", [&] { return with_embedding(in.x_BLC, embedding_BLC); });
  const at::Tensor branch = dropout(spectral_.forward(start.normed, {summary, in.summary}, pass),
                                    projection_dropout_, is_training(), noise_.get());
  const ResidualTerm stream{start.sum, spectral_gain_};
  if (channel_mixers_.empty()) {
    const at::Tensor x = residual_sum(stream, {{branch, {}}});
    return {channel_gain_.defined() ? channel_gain_ * x : x, summary};
  }
  const ResidualNorm between =
      in_part("norms", [&] { return residual_norm(stream, {{branch, {}}}, norm2_->weights()); });
  const std::vector<ResidualTerm> terms = channels(between.normed, pass);
  return {in_part("residual", [&] { return residual_sum({between.sum, channel_gain_}, terms); }), summary};
}

ResidualNorm WaveletBlock::with_embedding(const at::Tensor& x_BLC, const at::Tensor& embedding_BLC) const {
  if (!embedding_gain_C_.defined() || !embedding_BLC.defined()) return {x_BLC, norm1_->forward(x_BLC)};
  return residual_norm({x_BLC, {}}, {{embedding_BLC, embedding_gain_C_}}, norm1_->weights());
}

// What every channel mixer adds to the stream.
std::vector<ResidualTerm> WaveletBlock::channels(const at::Tensor& h_BLC, const Pass& pass) {
  std::vector<ResidualTerm> terms;
  for (const auto& [label, gain, mixer] : channel_mixers_) {
    LayerState* memory = pass.state ? &pass.memory()->part(label) : nullptr;
    const RecordedPart part(label.c_str());
    terms.push_back({mixer->forward(h_BLC, memory), gain});
  }
  return terms;
}

}  // namespace subband
