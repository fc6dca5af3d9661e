// Haar wavelets along tokens, the bands scaled by gains and put together again.
//   block:   orthonormal, on aligned blocks of 2^levels tokens; x is filled up with zeros to whole blocks.
//            a_l[t] = (a_{l-1}[2t] + a_{l-1}[2t+1]) / sqrt2,   d_l[t] = (a_{l-1}[2t] - a_{l-1}[2t+1]) / sqrt2
//            A token sees up to 2^levels - 1 later ones.
//   causal:  undecimated, one-sided.  c_l[t] = (c_{l-1}[t] + c_{l-1}[t - 2^(l-1)]) / 2,  w_l = c_{l-1} - c_l,  c_0 = x
//            y = g_S c_levels + sum_l g_l w_l, which is x where all gains are 1
// Shapes  B batch, L length, H heads, K channels; S = levels + 1 bands, the finest details first, the approximation last
// Source  WERSA, arXiv 2507.08637; the causal form is ours, since the block form shows tokens their future
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/state/sequence_state.h"

namespace subband {

namespace haar_bands {

/// Shapes  x [B,L,H,K] -> levels + 1 bands [B,P/2^l,H,K], P the next multiple of 2^levels; their energy is that of x
std::vector<at::Tensor> analyse(const at::Tensor& x_BLHK, int64_t levels);
/// The way back, cut to `length` tokens.
at::Tensor synthesise(const std::vector<at::Tensor>& bands, int64_t length);

/// Shapes  x [B,L,H,K], gains [B,1,S] or [B,L,S] -> [B,L,H,K]; coefficient t of level l takes the gain of token t 2^l
at::Tensor block(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS);
double block_flops(int64_t length, int64_t levels, int64_t width);

/// With `memory`, which keeps the last 2^(l-1) inputs of every level l, x goes on from there.
/// Shapes  as block
at::Tensor causal(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, LayerState* memory = nullptr);
double causal_flops(int64_t length, int64_t levels, int64_t width);
/// Values that its memory keeps of `width` channels after `length` tokens.
int64_t causal_state(int64_t length, int64_t levels, int64_t width);

}  // namespace haar_bands
}  // namespace subband
