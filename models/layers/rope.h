// Rotary positions: a head's channels are turned in pairs by angles that grow with the position.
//   (a, b) -> (a cos φ - b sin φ, b cos φ + a sin φ),   φ = p base^(-2i/K),   p position, i < K/2 pair
// Angles, sines and cosines are fp32 whatever the dtype of x: bf16 is not exact above position 256.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace subband {

/// `half` pairs channel i with i + K/2 (LLaMA, NeoX), `interleaved` 2i with 2i + 1 (GPT-J), `none` turns
/// nothing. The pairings are the same up to an order of channels, so checkpoints do not mix.
class Rope {
 public:
  Rope(std::string pairing, double base) : pairing_(std::move(pairing)), base_(base) {}
  /// Shapes  x [B,L,H,K], K even -> [B,L,H,K]; the first position is `offset`
  at::Tensor turn(const at::Tensor& x_BLHK, int64_t offset = 0);

 private:
  void prepare(const at::Tensor& x_BLHK, int64_t length);

  std::string pairing_;
  double base_;
  at::Tensor cos_, sin_;  ///< [longest length so far, 1, K/2], dtype and device of the last x
};

}  // namespace subband
