// A state of K x V values that decays and takes up one outer product per token, read by a query: what linear
// attention, Performer and RetNet compute once their features stand.
//   S_t = e^(g_t) S_{t-1} + k_t v_tᵀ,   y_t = S_tᵀ q_t,   g_t <= 0 the log decay
// Four forms of one meaning. The tests hold them against each other and against scalar loops.
// Shapes  q, k [B,L,H,K], v [B,L,H,V], g [B,L,H] or undefined (no decay), S [B,H,K,V] or undefined (zero)
// Cost    flops: quadratic 2 L² H (K + V), recurrent 4 L H K V, chunked 2 L H (C (K + V) + 2 K V);
//         memory of chunked: L H (C + K V / C) values, or by loops those of the state alone
// Source  the scalar-decay case of the chunked form of Yang et al. 2023, arXiv 2312.06635, section 2.3
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace subband {

struct RecurrenceInputs {
  at::Tensor q_BLHK, k_BLHK, v_BLHV;
  at::Tensor log_decay_BLH;  ///< finite and at most 0; undefined: nothing decays
  at::Tensor state_BHKV;     ///< before the first token; undefined: zero
};

/// Half precision is computed and answered in fp32, everything else in its own dtype.
struct RecurrenceOutputs {
  at::Tensor y_BLHV;
  at::Tensor state_BHKV;  ///< after the last token
};

namespace linear_recurrence {

/// By the engine of matrix states (core/ops/recurrence/chunk_state.h), in chunks of `chunk` tokens where it has no loops.
RecurrenceOutputs chunked(const RecurrenceInputs& inputs, int64_t chunk);
/// One token after the other.
RecurrenceOutputs recurrent(const RecurrenceInputs& inputs);
/// All pairs of tokens at once: y = (q kᵀ ⊙ Γ) v, Γ_ij = e^(g_{j+1} + … + g_i) for j <= i, else 0.
RecurrenceOutputs quadratic(const RecurrenceInputs& inputs);
/// `recurrent` of a single token. The state is written over where no gradient is recorded.
RecurrenceOutputs next(const RecurrenceInputs& inputs);
/// One token: replaces `state`, in place where no gradient is recorded, and answers. R queries may read one state.
/// Shapes  q [B,H,K] or [B,H,R,K], k [B,H,K], v [B,H,V], g [B,H] or undefined -> [B,H,V] or [B,H,R,V]
at::Tensor step(const at::Tensor& q_BHK, const at::Tensor& k_BHK, const at::Tensor& v_BHV,
                const at::Tensor& log_decay_BH, at::Tensor& state_BHKV);

/// Of `chunked` over one sequence: its matrix products, with the last chunk filled up.
double chunked_flops(int64_t length, int64_t chunk, int64_t heads, int64_t key_width, int64_t value_width);

}  // namespace linear_recurrence
}  // namespace subband
