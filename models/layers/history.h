// The last inputs of a causal filter, for decoding token by token.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace subband {

struct MixerState;

/// Sequences whose tokens the state has seen; kAny for an empty one. For checking what comes next.
int64_t batch_of(const MixerState& state);

/// The last rows that the state keeps under `name`, then x; the state now keeps the last `reach` of these.
/// Shapes  x [B,L,C] -> [B,n+L,C], n <= reach
at::Tensor extend_history(MixerState& state, const std::string& name, const at::Tensor& x_BLC, int64_t reach);

/// x of `distance` tokens ago, zero before the first token.  Shapes  x [B,1,C] -> [B,1,C]
at::Tensor look_back(MixerState& state, const std::string& name, const at::Tensor& x_BLC, int64_t distance);

}  // namespace subband
