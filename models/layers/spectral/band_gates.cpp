#include "models/layers/spectral/band_gates.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace subband {

static constexpr double kFirstWeight = 0.5;  // of a band

void BandGateFields::bind(Binder& b, bool causal) {
  b.choice(
      "gates", gates, {"auto", "pooled", "token", "convolution", "none"},
      "what the gate of a band sees: the mean of all tokens, each token itself, a convolution over tokens, "
      "nothing; auto: token where causal, else pooled");
  b.field("gate_width", gate_width, {1, 65536}, "hidden width of the gates' network; null: width / 4");
  b.field("gate_kernel", gate_kernel, {1, 4095}, "taps of the gates' convolution; odd");
  b.field("gate_dropout", gate_dropout, {0, 0.99},
          "on the hidden values of the gates' network, in training (third-party module: 0.1)");
  b.field("band_weights", band_weights, "a learned factor per band beside the gate, at first 0.5; false: 1");
  b.check(gate_kernel % 2 == 1, "gate_kernel", "must be odd, so that one tap stands in the middle");
  b.check(!causal || gates != "pooled", "gates",
          "must not be pooled where causal: the mean of all tokens shows each of them its future");
}

BandGates::BandGates(Module& owner, const BandGateFields& fields, int64_t bands, const MixerContext& context)
    : form_(fields.form(context.causal)),
      causal_(context.causal),
      width_(context.width),
      kernel_(fields.gate_kernel),
      dropout_(fields.gate_dropout),
      noise_(context.noise),
      bands_(bands) {
  Initializer& first = *context.initializer;
  if (form_ == "convolution") {
    const double bound = 1 / std::sqrt(static_cast<double>(kernel_));
    const auto holder = owner.register_module("gate_convolution", std::make_shared<Module>("convolution"));
    kernel_weight_D1W_ = holder->add_parameter("weight", first.uniform({width_, 1, kernel_}, -bound, bound),
                                               {.role = Role::filter});
    kernel_bias_D_ =
        holder->add_parameter("bias", first.uniform({width_}, -bound, bound), {.role = Role::bias});
  }
  if (form_ != "none") {
    const int64_t hidden = fields.hidden(width_);
    const auto add = [&](const char* name, int64_t in, int64_t out) {
      const ProjectionPlan plan{.purpose = {.role = Role::gate}, .in = in, .out = out};
      return owner.register_module(name, std::make_shared<Projection>(first, plan));
    };
    in_ = add("gate_in", width_, hidden);
    out_ = add("gate_out", hidden, bands);
  }
  if (fields.band_weights)
    weights_S_ = owner.add_parameter("band_weights", first.full({bands}, kFirstWeight), {.role = Role::gain});
}

at::Tensor BandGates::gains(const at::Tensor& x_BLD, const Pass& pass, bool training) const {
  const at::Tensor& keep_BL = pass.keep_BL;
  at::Tensor x = x_BLD;
  if (form_ == "pooled") {
    if (!keep_BL.defined()) return of_pooled(x.mean(1, true), training);
    const at::Tensor count = keep_BL.sum(1, true).clamp_min(1).unsqueeze(-1).to(x.scalar_type());
    return of_pooled(x.sum(1, true) / count, training);
  }
  if (form_ == "convolution") {
    const int64_t behind = causal_ ? kernel_ - 1 : kernel_ / 2;
    if (pass.state && behind > 0) {
      RowBuffer& inputs = pass.memory()->rows("gate", behind);
      const at::Tensor all = inputs.joined(x, behind, behind + x.size(1));
      inputs.push(x);
      return of_pooled(convolved(all), training);
    }
    x = convolved(at::constant_pad_nd(x, {0, 0, behind, kernel_ - 1 - behind}));
  }
  return of_pooled(x, training);
}

// [B,L + kernel - 1,D] -> [B,L,D]
at::Tensor BandGates::convolved(const at::Tensor& padded_BLD) const {
  return at::conv1d(padded_BLD.transpose(1, 2), kernel_weight_D1W_, kernel_bias_D_, 1, at::IntArrayRef{0}, 1,
                    width_)
      .transpose(1, 2);
}

at::Tensor BandGates::of_pooled(const at::Tensor& p, bool training) const {
  if (form_ == "none") {
    return weights_S_.defined() ? weights_S_.expand({p.size(0), 1, bands_})
                                : at::ones({p.size(0), 1, bands_}, p.options());
  }
  const at::Tensor hidden = dropout(at::relu(in_->forward(p)), dropout_, training, noise_.get());
  const at::Tensor open = at::sigmoid(out_->forward(hidden));
  return weights_S_.defined() ? open * weights_S_ : open;
}

double BandGates::flops(int64_t length) const {
  if (form_ == "none") return 0;
  const double taps = form_ == "convolution" ? 2.0 * static_cast<double>(length * width_ * kernel_) : 0;
  const int64_t rows = form_ == "pooled" ? 1 : length;
  return taps + in_->flops(rows) + out_->flops(rows);
}

int64_t BandGates::state_values(int64_t length) const {
  return form_ == "convolution" ? std::min(length, kernel_ - 1) * width_ : 0;
}

}  // namespace subband
