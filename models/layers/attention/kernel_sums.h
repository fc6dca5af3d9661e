// What kernel attentions share once their features stand: sums of weighted values, and of the weights.
//   Σ_j (φ_i·ψ_j) (v_j, 1)       j over all tokens, or j <= i
// A column of ones beside the values makes the sum of the weights the last column of the same product.
// Shapes  φ [B,L,H,M] of queries, ψ [B,L,G,M] of keys, v [B,L,G,V], G divides H
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace subband {

struct KernelFeatures {
  at::Tensor queries_BLHM, keys_BLGM, values_BLGV;
  at::Tensor log_decay_BLG;  ///< of the state, where a stabiliser moves; undefined: none
};

/// [B,L,H,V + 1], the weights' sums last, in fp32 at least.
at::Tensor kernel_sums(const KernelFeatures& features);
/// The same over j <= i, by chunks. `state` [B,G,M,V + 1] (undefined: empty) is replaced.
at::Tensor causal_kernel_sums(const KernelFeatures& features, int64_t chunk, at::Tensor& state);

struct KernelSizes {
  int64_t heads, groups, features, value_width;
};
/// Matrix products of the two, over one sequence.
double kernel_sums_flops(const KernelSizes& sizes, int64_t length);
double causal_kernel_sums_flops(const KernelSizes& sizes, int64_t length, int64_t chunk);

}  // namespace subband
