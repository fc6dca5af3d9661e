// A decimated wavelet along tokens with learnable filters, one per channel: a level halves the sequence into a coarse
// and a detail band, and puts them together again.
//   filters   c[k] = sum_i lo[i] x[2k + i - W + 2],  d with hi[i] = (-1)^i lo[W-1-i];  back by the transposed filters
//     daubechies  fixed;  adaptive  learned, at first Daubechies';  orthogonal  learned by angles, orthogonal always:
//                 (lo, hi) <- rotation(θ) (lo, hi delayed by two), the angles' sum being π/4 so that lo sums to sqrt 2
//   lifting   d = odd - P(even),  c = even + U(d);  back exactly, whatever P and U are
//     lifting     P = (even_i + even_{i+1}) / 2, U = (d_{i-1} + d_i) / 4;  adaptive_lifting  silu of learned filters
// Filters give the sequence back where they are orthogonal; an adaptive one drifts away from that, as published.
// Shapes  B batch, L length, D channels, W taps, K = floor((L + W - 1) / 2) coefficients of a band (lifting: ceil(L / 2))
// Source  Zhuang et al. 2022, Waveformer, later WavSpA, arXiv 2210.01989; lattice of Vaidyanathan 1993, section 6.4
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/config/binder.h"
#include "models/initializer.h"
#include "models/module.h"

namespace subband {

struct TokenWaveletFields {
  std::string wavelet = "adaptive";
  int64_t taps = 8;
  std::optional<int64_t> order;
  std::string boundary = "zero";

  void bind(Binder& b);
  bool lifts() const { return wavelet == "lifting" || wavelet == "adaptive_lifting"; }
};

class TokenWavelet {
 public:
  /// Registers `low_pass` [W,D] or `angles` [W/2-1,D], or `predict` and `update` [W,D], in `owner`, where they are learned.
  TokenWavelet(Module& owner, const TokenWaveletFields& fields, int64_t width, Initializer& first);

  struct Bands {
    at::Tensor coarse_BKD, detail_BKD;
  };
  /// `keep` [B,K] bool, true at the coefficients of real tokens, or undefined; the others come out as zero.
  Bands analyse(const at::Tensor& x_BLD, const at::Tensor& keep_BK) const;
  at::Tensor synthesise(const Bands& bands, int64_t length, const at::Tensor& keep_BK) const;

  int64_t band_length(int64_t length) const { return (length + overlap()) / 2; }
  int64_t overlap() const {
    return fields_.lifts() ? 1 : fields_.taps - 1;
  }                                    ///< tokens by which a filter is longer than its step, or the odd one
  double flops(int64_t length) const;  ///< of one level, both ways
  at::Tensor low_pass() const;         ///< [W,D] of a filter wavelet

 private:
  [[noreturn]] void too_short(int64_t length) const;
  Bands lift(const at::Tensor& x_BLD, const at::Tensor& keep_BK) const;
  Bands filter(const at::Tensor& x_BLD) const;
  at::Tensor filters() const;
  at::Tensor lifted(const at::Tensor& x_BKD, const at::Tensor& learned_WD, bool predicts) const;

  TokenWaveletFields fields_;
  int64_t width_;
  at::Tensor low_pass_WD_, angles_;    ///< at most one is defined
  at::Tensor predict_WD_, update_WD_;  ///< of adaptive lifting
};

}  // namespace subband
