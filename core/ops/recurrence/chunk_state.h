// The engine of mixers whose state is a matrix that decays, loses one direction and takes up one outer product per token.
//   S_t = diag(e^(g_t)) S_{t-1} + b_t (a_tᵀ S_{t-1}) + k_t v_tᵀ,   y_t = S_tᵀ q_t
//   linear attention: no g; retention and stabilised features: one g for a head; gated linear attention: g for every
//   channel; delta rules: a and b
// Shapes  B batch, L length, H heads of queries, G groups of keys and values (divides H; head h reads group h G / H),
//         K key width, V value width
// Source  Yang et al. 2023, arXiv 2312.06635, section 2.3; Yang et al. 2024, arXiv 2406.06484 (the term of rank 1)
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace subband {

struct ChunkStateInputs {
  at::Tensor q_BLHK, k_BLGK, v_BLGV;
  at::Tensor log_decay;       ///< g [B,L,G], or [B,L,G,K]; finite and at most 0; undefined: nothing decays
  at::Tensor a_BLGK, b_BLGK;  ///< undefined: no term of rank 1
  at::Tensor state_BGKV;      ///< S before the first token; undefined: zero
  int64_t chunk = 64;         ///< tokens whose products the reference makes at once; loops and kernel take their own
  bool with_weights = false;  ///< a one behind each v, so that y and S have V + 1 columns, the last the weights' sums
};

/// Half precision is computed and answered in fp32, everything else in its own dtype.
struct ChunkStateOutputs {
  at::Tensor y_BLHV;
  at::Tensor state_BGKV;  ///< after the last token
};

/// `path`  `auto`, or one of `reference`, `loops` (CPU, fp32), `cuda` (CUDA, fp32, widths up to 128) by force; g for every
///         channel and a, b have the reference alone
/// Errors  ShapeError when a shape does not fit, a or b stands alone, or the forced path cannot take the input
ChunkStateOutputs chunk_state(const ChunkStateInputs& inputs, std::string_view path = "auto");

namespace chunk_state_paths {

/// The meaning in plain ATen: products inside chunks, a loop over the states between them. No exponent is above 0: where
/// g stands for every channel a chunk is cut into blocks of 16 tokens, each with a reference of its own.
ChunkStateOutputs reference(const ChunkStateInputs& inputs);

}  // namespace chunk_state_paths
}  // namespace subband
