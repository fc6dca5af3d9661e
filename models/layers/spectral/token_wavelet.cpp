#include "models/layers/spectral/token_wavelet.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "core/error.h"
#include "models/layers/padding.h"
#include "models/layers/spectral/daubechies.h"

namespace subband {

void TokenWaveletFields::bind(Binder& b) {
  b.choice(
      "wavelet", wavelet, {"adaptive", "daubechies", "orthogonal", "lifting", "adaptive_lifting"},
      "filters learned, fixed, or learned by angles and always orthogonal; lifting steps fixed or learned");
  b.field("taps", taps, {2, 40}, "W, of a filter; even (published for ListOps: 40)");
  b.field("order", order, {1, 20}, "vanishing moments of the first filter, 2 order <= taps; null: taps / 2");
  b.choice(
      "boundary", boundary, {"zero", "reflect", "circular"},
      "what stands outside of the sequence; reflect (filters) and circular (lifting) as published, with them "
      "padding changes the answer");
  b.check(taps % 2 == 0, "taps", "must be even");
  b.check(2 * order.value_or(1) <= taps, "order", "must be at most taps / 2 = " + std::to_string(taps / 2));
  b.check(lifts() ? boundary != "reflect" : boundary != "circular", "boundary",
          lifts() ? "must be zero or circular for lifting" : "must be zero or reflect for filters");
}

TokenWavelet::TokenWavelet(Module& owner, const TokenWaveletFields& fields, int64_t width, Initializer& first)
    : fields_(fields), width_(width) {
  constexpr Purpose kTaps{.role = Role::filter};
  const int64_t W = fields.taps;
  if (fields.wavelet == "orthogonal")
    angles_ = owner.add_parameter("angles", first.uniform({W / 2 - 1, width}, 0, 2 * M_PI), kTaps);
  if (fields.wavelet == "adaptive_lifting") {
    const double bound = 1 / std::sqrt(static_cast<double>(W));
    predict_WD_ = owner.add_parameter("predict", first.uniform({W, width}, -bound, bound), kTaps);
    update_WD_ = owner.add_parameter("update", first.uniform({W, width}, -bound, bound), kTaps);
  }
  if (fields.wavelet != "adaptive" && fields.wavelet != "daubechies") return;
  // In double, as fixed filters stay orthogonal to all digits; learned ones start rounded.
  at::Tensor taps = at::zeros({W, width}, at::kDouble);
  const std::vector<double> values = daubechies(fields.order.value_or(W / 2));
  for (size_t i = 0; i < values.size(); ++i) taps.select(0, static_cast<int64_t>(i)).fill_(values[i]);
  if (fields.wavelet == "daubechies") {
    low_pass_WD_ = taps;
    return;
  }
  at::Tensor learned = first.zeros({W, width});
  learned.copy_(taps);
  low_pass_WD_ = owner.add_parameter("low_pass", learned, kTaps);
}

at::Tensor TokenWavelet::low_pass() const {
  if (!angles_.defined()) return low_pass_WD_;
  const at::Tensor last = M_PI / 4 - angles_.sum(0, true);
  const std::vector<at::Tensor> angles = at::cat({angles_, last}).split(1);
  at::Tensor lo, hi;
  for (const at::Tensor& angle : angles) {
    const at::Tensor cos = angle.cos(), sin = angle.sin();
    if (!lo.defined()) {
      lo = at::cat({cos, sin});
      hi = at::cat({-sin, cos});
      continue;
    }
    const at::Tensor early = at::constant_pad_nd(lo, {0, 0, 0, 2}),
                     late = at::constant_pad_nd(hi, {0, 0, 2, 0});
    lo = cos * early + sin * late;
    hi = cos * late - sin * early;
  }
  return lo;
}

// [2D,1,W]: of every channel the low-pass and the high-pass filter.
at::Tensor TokenWavelet::filters() const {
  const at::Tensor lo = low_pass().t();
  const at::Tensor signs = at::ones({fields_.taps}, lo.options().requires_grad(false));
  signs.slice(0, 1, fields_.taps, 2).fill_(-1);
  return at::stack({lo, lo.flip(1) * signs}, 1).flatten(0, 1).unsqueeze(1);
}

// Half precision is filtered in fp32: errors of the way down would come back on the way up.
static at::Tensor widened(const at::Tensor& x) { return x.element_size() < 4 ? x.to(at::kFloat) : x; }

TokenWavelet::Bands TokenWavelet::analyse(const at::Tensor& x_BLD, const at::Tensor& keep_BK) const {
  const at::ScalarType type = x_BLD.scalar_type();
  const Bands bands = fields_.lifts() ? lift(widened(x_BLD), keep_BK) : filter(widened(x_BLD));
  return {masked(bands.coarse_BKD, keep_BK).to(type), masked(bands.detail_BKD, keep_BK).to(type)};
}

TokenWavelet::Bands TokenWavelet::lift(const at::Tensor& x_BLD, const at::Tensor& keep_BK) const {
  const int64_t L = x_BLD.size(1), K = band_length(L);
  const at::Tensor x = L % 2 == 0 ? x_BLD : at::constant_pad_nd(x_BLD, {0, 0, 0, 1});
  const at::Tensor even = x.slice(1, 0, 2 * K, 2), odd = x.slice(1, 1, 2 * K, 2);
  const at::Tensor detail = masked(odd - lifted(even, predict_WD_, true), keep_BK);
  return {even + lifted(detail, update_WD_, false), detail};
}

TokenWavelet::Bands TokenWavelet::filter(const at::Tensor& x_BLD) const {
  const int64_t L = x_BLD.size(1), W = fields_.taps, after = 2 * band_length(L) - L;
  const bool reflects = fields_.boundary == "reflect";
  if (reflects && L < W) too_short(L);
  const at::Tensor rotated = x_BLD.transpose(1, 2);
  const at::Tensor x =
      reflects ? at::reflection_pad1d(rotated, {W - 2, after}) : at::constant_pad_nd(rotated, {W - 2, after});
  const at::Tensor y =
      at::conv1d(x, filters().to(x.device(), x.scalar_type()), {}, 2, at::IntArrayRef{0}, 1, width_);
  const at::Tensor bands = y.unflatten(1, {width_, 2}).permute({2, 0, 3, 1});
  return {bands[0], bands[1]};
}

at::Tensor TokenWavelet::synthesise(const Bands& bands, int64_t length, const at::Tensor& keep_BK) const {
  const at::Tensor coarse = widened(bands.coarse_BKD), detail = widened(bands.detail_BKD);
  const at::ScalarType type = bands.coarse_BKD.scalar_type();
  if (fields_.lifts()) {
    const at::Tensor even = masked(coarse - lifted(detail, update_WD_, false), keep_BK);
    const at::Tensor odd = detail + lifted(even, predict_WD_, true);
    return at::stack({even, odd}, 2).flatten(1, 2).narrow(1, 0, length).to(type);
  }
  const at::Tensor both = at::stack({coarse, detail}, 3).flatten(2).transpose(1, 2);
  const at::Tensor y =
      at::conv_transpose1d(both, filters().to(both.device(), both.scalar_type()), {}, 2, 0, 0, width_);
  return y.narrow(2, fields_.taps - 2, length).transpose(1, 2).to(type);
}

void TokenWavelet::too_short(int64_t length) const {
  throw ShapeError("token_wavelet", "length = " + std::to_string(length) +
                                        ": must be at least taps = " + std::to_string(fields_.taps) +
                                        " where boundary = " + fields_.boundary);
}

// P(even), which looks at the next one too, or U(detail), which looks at the one before.
at::Tensor TokenWavelet::lifted(const at::Tensor& x_BKD, const at::Tensor& learned_WD, bool predicts) const {
  const int64_t W = learned_WD.defined() ? fields_.taps : 2;
  const int64_t before = predicts ? (W - 1) / 2 : W / 2, after = W - 1 - before;
  at::Tensor x = x_BKD.transpose(1, 2);
  if (fields_.boundary == "circular" && x.size(2) < W) too_short(x.size(2));
  x = fields_.boundary == "circular" ? at::pad(x, {before, after}, "circular")
                                     : at::constant_pad_nd(x, {before, after});
  if (learned_WD.defined())
    return at::silu(at::conv1d(x, widened(learned_WD).t().unsqueeze(1), {}, 1, at::IntArrayRef{0}, 1, width_))
        .transpose(1, 2);
  const int64_t K = x_BKD.size(1);
  return ((x.narrow(2, 0, K) + x.narrow(2, 1, K)) * (predicts ? 0.5 : 0.25)).transpose(1, 2);
}

double TokenWavelet::flops(int64_t length) const {
  const double values = static_cast<double>(band_length(length) * width_),
               W = static_cast<double>(fields_.taps);
  if (!fields_.lifts()) return 2 * values * 2 * 2 * W;
  return 2 * values * (fields_.wavelet == "lifting" ? 6.0 : 2 * (2 * W + 1));
}

}  // namespace subband
