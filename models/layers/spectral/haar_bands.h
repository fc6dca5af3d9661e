// Haar wavelets along the tokens of queries and keys, the bands scaled by gains and put together again: `gated_haar`
// (core/ops/features), with a state. By blocks a token sees up to 2^levels - 1 later ones.
// Shapes  B batch, L length, H heads, K channels; S = levels + 1 bands, the finest details first, the approximation last
// Source  WERSA, arXiv 2507.08637; the causal form is ours, since the block form shows tokens their future
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/ops/features/gated_haar.h"
#include "models/state/sequence_state.h"

namespace subband {

namespace haar_bands {

/// Of f(x).  Shapes  x [B,L,H,K], gains [B,1,S] or [B,L,S] -> [B,L,H,K]
at::Tensor block(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, BandActivation f = BandActivation::none);
double block_flops(int64_t length, int64_t levels, int64_t width);

/// With `memory`, which keeps the last 2^(l-1) inputs of every level l, x goes on from there, in plain ATen.
/// Shapes  as block
at::Tensor causal(const at::Tensor& x_BLHK, const at::Tensor& gains_BLS, LayerState* memory = nullptr,
                  BandActivation f = BandActivation::none);
double causal_flops(int64_t length, int64_t levels, int64_t width);
/// Values that its memory keeps of `width` channels after `length` tokens.
int64_t causal_state(int64_t length, int64_t levels, int64_t width);

}  // namespace haar_bands
}  // namespace subband
