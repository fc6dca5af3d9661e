// The matrices of one scale of the gated mixer, and their joint use for neighbouring scales of one width.
//   y = (x Mᵀ) ⊙ act(g Kᵀ) + (x V) Uᵀ + b
// Shapes  N positions, w width of the scale, r rank; M, K [w,w]; U, V [w,r]; b [w]
// Source  WaveletLM, gated spectral mixer
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "models/block_context.h"
#include "models/layers/projection.h"
#include "models/layers/spectral/spectral_linear.h"
#include "models/module.h"

namespace subband::scale_mixers {

struct MatricesConfig {
  std::string gate = "silu";  ///< none, sigmoid, silu, gelu, relu
  int64_t low_rank = 0;       ///< r; 0: no U, V
  bool bias = false;
  bool exponential = false;  ///< M = 1 + diag(exp θ) N
  double noise = 1e-3;       ///< deviation of M around the identity at first
  int64_t scale = 0;         ///< whose matrices these are
};

class Matrices final : public Module {
 public:
  Matrices(const MatricesConfig& config, int64_t width, const BlockContext& context);

  double flops() const;                       ///< per position
  std::shared_ptr<Projection> plain() const;  ///< M where it is stored as it is used, or null
  bool is_plain() const;                      ///< whether M and K may be multiplied with from outside
  at::Tensor mixer();                         ///< M, as the config and the stabilisers make it

  std::shared_ptr<Projection> gate;  ///< K, or null
  at::Tensor u, v, bias;             ///< undefined where there are none

 private:
  std::shared_ptr<Projection> stored_;        // holds M or N, unless
  std::shared_ptr<SpectralLinear> spectral_;  // spectral norm is on
  at::Tensor log_scale_;                      // θ
};

/// One batched product per matrix for all scales of one width. Shapes  x, gate input [count,N,w] -> [count,N,w]; with a
/// gate that reads x itself also [count,B,L,w]
at::Tensor mix(std::span<const std::shared_ptr<Matrices>> scales, const std::string& gate,
               const at::Tensor& x, const at::Tensor& gate_input);

}  // namespace subband::scale_mixers
