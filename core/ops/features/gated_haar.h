// Haar wavelets along the tokens, the bands scaled by gains and put together again. No LibTorch header and no CUDA header here.
//   causal:  c_0 = f(x),  c_l[t] = (c_{l-1}[t] + c_{l-1}[t - 2^(l-1)]) / 2,  w_l = c_{l-1} - c_l, zero before the start
//            y = g_levels c_levels + sum_l g_{l-1} w_l
//   block:   orthonormal, on aligned blocks of 2^levels tokens, f(x) filled up with zeros to whole blocks:
//            a_l[t] = (a_{l-1}[2t] + a_{l-1}[2t+1]) / sqrt2,  d_l[t] = (a_{l-1}[2t] - a_{l-1}[2t+1]) / sqrt2,  a_0 = f(x);
//            d_l[t] and a_levels[t] times the gains of token t 2^l, then back
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace at {
class Tensor;
}

namespace subband {

enum class BandActivation { none, gelu };

struct HaarPlan {
  bool is_causal = true;  ///< else by blocks
  BandActivation f = BandActivation::none;
};

/// Shapes  x [B,L,C], gains [B,L,S] or [B,1,S], S = levels + 1, the finest details first -> [B,L,C]
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` (causal, fp32, 7 bands at most) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when a shape does not fit, or the forced path cannot take x
at::Tensor gated_haar(const at::Tensor& x_BLC, const at::Tensor& gains_BLS, const HaarPlan& plan,
                      std::string_view path = "auto");

namespace gated_haar_paths {
at::Tensor reference(const at::Tensor& x_BLC, const at::Tensor& gains_BLS,
                     const HaarPlan& plan);  ///< plain ATen
/// The block form's: levels + 1 bands [B,P/2^l,C], P the next multiple of 2^levels; their energy is that of x.
std::vector<at::Tensor> analysed(const at::Tensor& x_BLC, int64_t levels);
/// The way back, cut to `length` tokens.
at::Tensor synthesised(const std::vector<at::Tensor>& bands, int64_t length);

/// gated_haar_loops.cpp: CPU, of one sequence the tokens from `first` to `end`, where blocks begin and end in the block form.
struct Extent {
  int64_t length, channels, levels;
  bool per_token;  ///< gains stand beside each other for every token, or once
  BandActivation f;
  int64_t first, end;
  int64_t seen() const { return (int64_t{1} << levels) - 1; }  ///< earlier tokens that the causal form sees
};
struct Sequence {
  const float *x, *gains;
};
struct HaarGradients {
  float *of_x, *of_gains;  ///< [L,C]; [L,S], per token in any case: that of each is added once
};
/// Floats of work memory for any call.
int64_t scratch(const Extent& extent, bool is_causal);
void causal(const Extent& extent, const Sequence& in, float* y, float* scratch);
void causal_backward(const Extent& extent, const Sequence& in, const float* g, const HaarGradients& to,
                     float* scratch);
void block(const Extent& extent, const Sequence& in, float* y, float* scratch);
/// `of_gains` is zero for whom no band begins with that token.
void block_backward(const Extent& extent, const Sequence& in, const float* g, const HaarGradients& to,
                    float* scratch);
}  // namespace gated_haar_paths
}  // namespace subband
