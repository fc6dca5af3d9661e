#include "models/wavelet/spectral_branch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "core/tensors/costs/recorded.h"

namespace subband {

namespace {
constexpr double kProjectionGain = 1e-3;  // of the default initial weights of the projection
}

void SpectralBranchConfig::bind(Binder& b) {
  b.field("levels", levels, {1, 24}, "wavelet levels; up to log2 of the window is useful");
  surroundings.levels = levels;
  LiftingContext lifting_context;
  static_cast<BlockContext&>(lifting_context) = surroundings;
  lifting_context.shared = share_lifting;
  b.part("lifting", lifting, lifting_context, "the wavelet (original: wavelet_mode, lifting_linear_only)");
  b.part("dilation", dilation, surroundings, "how far back each level looks (original: wavelet_crawl)");
  b.part("transform", transform, surroundings, "the basis over channels in which the scales are mixed");
  b.part("bypass", bypass, surroundings,
         "a summary of the whole past beside the wavelet (original: decompose_bypass, decompose_bypass_ema)");
  b.part("scale_mixer", scale_mixer, surroundings, "what maps the coefficients of each scale");
  b.field("norm_coefficients", norm_coefficients,
          "a layer norm per scale before the bypass joins in (original: wavelet_decomp_norm)");
  b.field("norm_synthesis", norm_synthesis,
          "a layer norm per scale after the mixed coefficients are transformed back (original: "
          "wavelet_recon_norm)");
  b.field("keep_largest", keep_largest, {0, 1 << 20},
          "hard threshold: of every scale's transformed coefficients only so many of the largest magnitude "
          "reach the scale mixer; 0: all; ours, after Donoho and Johnstone 1994");
  b.field("skip_projection", skip_projection,
          "no linear after the wavelet where the padded width is the width (original: skip_proj_out)");
}

SpectralBranch::SpectralBranch(Module& owner, const SpectralBranchConfig& config, const BlockContext& context,
                               const SpectralBranchOptions& options)
    : options_(options),
      skip_projection_(config.skip_projection),
      width_(context.width),
      padded_width_(context.padded_width),
      keep_largest_(config.keep_largest),
      noise_(context.noise) {
  LiftingContext lifting_context;
  static_cast<BlockContext&>(lifting_context) = context;
  lifting_context.dilation = &config.dilation;
  lifting_ = options.shared_lifting ? options.shared_lifting : config.lifting.make(lifting_context);
  if (!options.shared_lifting || options.register_lifting) owner.register_module("lifting", lifting_);
  reconstruction_ = lifting_;
  if (lifting_->untied()) {
    lifting_context.dilation = nullptr;
    reconstruction_ = owner.register_module("reconstruction", config.lifting.make(lifting_context));
  }
  transform_ = owner.register_module("transform", config.transform.make(context));
  bypass_ = owner.register_module("bypass", config.bypass.make(context));
  scale_mixer_ = owner.register_module("scale_mixer", config.scale_mixer.make(context));
  scale_gains_S_ = owner.add_parameter("scale_gains", context.initializer->full({context.scales()}, 1),
                                       {.role = Role::gain});
  const auto norms = [&](const char* name) {
    return owner.register_module(
        name, std::make_shared<ScaleNorms>(*context.initializer, context.scales(), padded_width_));
  };
  if (config.norm_coefficients) coefficient_norms_ = norms("coefficient_norms");
  if (config.norm_synthesis) synthesis_norms_ = norms("synthesis_norms");
  add_projection(owner, context);
}

void SpectralBranch::add_projection(Module& owner, const BlockContext& context) {
  if (skip_projection_ && padded_width_ == width_) return;
  const ProjectionPlan plan{
      .purpose = {.role = Role::residual_output, .own_start = true}, .in = padded_width_, .out = width_};
  projection_ = owner.register_module("out", std::make_shared<Projection>(*context.initializer, plan));
  const double gain = context.stabilizers.projection
                          ? 1 / std::sqrt(static_cast<double>(width_ * context.layers))
                          : kProjectionGain;
  projection_->first_weight().mul_(gain);
  projection_->first_bias().zero_();
}

at::Tensor SpectralBranch::forward(const at::Tensor& h_BLC, const Summaries& summaries, const Pass& pass) {
  const int64_t padding = padded_width_ - width_;
  const at::Tensor h = padding > 0 ? at::constant_pad_nd(h_BLC, {0, padding}) : h_BLC;
  at::Tensor decomposed = in_part("lifting", [&] { return lifting_->decompose(h, pass.memory()); });
  if (coefficient_norms_) decomposed = coefficient_norms_->forward(decomposed);
  const ScaleBias bias = in_part("bypass", [&] { return bypass_->bias(summaries.own, summaries.previous); });
  const at::Tensor z_SBLC = in_part("transform", [&] {
    return bias.context_BLC.defined() ? transform_->forward_biased(decomposed, bias.context_BLC, bias.gains_SC)
                                      : transform_->forward(decomposed);
  });
  const at::Tensor mixed = in_part("scale_mixer", [&] { return scale_mixer_->forward(largest(z_SBLC)); });
  const at::Tensor y = in_part("transform", [&] { return back(mixed); });
  const at::Tensor r = in_part("lifting", [&] { return reconstruction_->reconstruct(y); });
  return projection_ ? in_part("out", [&] { return projection_->forward(r); }) : r;
}

// From mixed coefficients to those that are put together again.
at::Tensor SpectralBranch::back(const at::Tensor& mixed_SBLC) const {
  const bool drops = transform_->is_training() && options_.mixer_dropout > 0;
  if (!synthesis_norms_ && !drops) return transform_->inverse_scaled(mixed_SBLC, scale_gains_S_);
  at::Tensor y = transform_->inverse(mixed_SBLC);
  if (synthesis_norms_) y = synthesis_norms_->forward(y);
  y = dropout(y, options_.mixer_dropout, transform_->is_training(), noise_.get());
  return y * scale_gains_S_.view({-1, 1, 1, 1});
}

at::Tensor SpectralBranch::largest(const at::Tensor& z_SBLC) const {
  if (keep_largest_ == 0 || keep_largest_ >= z_SBLC.size(-1)) return z_SBLC;
  const at::Tensor kept = std::get<1>(z_SBLC.detach().abs().topk(keep_largest_, -1));
  return z_SBLC * at::zeros_like(z_SBLC.detach()).scatter_(-1, kept, 1);
}

void SpectralBranch::add_costs(PartCosts& costs, const std::string& prefix, int64_t length,
                               int64_t bytes_per_value, bool after_another) const {
  const int64_t scales = scale_gains_S_.size(0);
  costs.add(prefix + "lifting", *lifting_, lifting_->flops(length),
            lifting_->kept_rows(length) * padded_width_ * bytes_per_value);
  if (reconstruction_ != lifting_) costs.add(prefix + "lifting", *reconstruction_, 0);
  costs.add(prefix + "transform", *transform_, 2 * transform_->flops(scales * length));
  costs.add(prefix + "bypass", *bypass_, bypass_->flops(length, after_another),
            bypass_->state_bytes(bytes_per_value));
  costs.add(prefix + "scale_mixer", *scale_mixer_, scale_mixer_->flops(length));
  if (projection_) costs.add(prefix + "out", *projection_, projection_->flops(length));
}

}  // namespace subband
