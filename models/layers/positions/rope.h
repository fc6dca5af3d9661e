// Rotary positions: a head's channels are rotated in pairs by angles that grow with the position.
//   (a, b) -> (a cos φ - b sin φ, b cos φ + a sin φ),   φ = p base^(-2i/R),   p position, i < R/2 pair
// R is the head width K, or less: then only the first R channels are rotated (GPT-J, NeoX). A RopeScaling may change
// the rates base^(-2i/R).
// Angles, sines and cosines are fp32 whatever the dtype of x: bf16 is not exact above position 256.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/layers/positions/rope_scaling.h"

namespace subband {

/// `half` pairs channel i with i + R/2 (LLaMA, NeoX), `interleaved` 2i with 2i + 1 (GPT-J), `none` rotates
/// nothing. The pairings are the same up to an order of channels, so checkpoints do not mix.
class Rope {
 public:
  /// `width`: R, even; 0: all channels, of an even number.
  Rope(std::string pairing, double base, int64_t width = 0, RopeScaling scaling = {})
      : pairing_(std::move(pairing)), base_(base), width_(width), scaling_(std::move(scaling)) {}
  /// Shapes  x [B,L,H,K] -> [B,L,H,K]; the first position is `offset`
  at::Tensor rotate(const at::Tensor& x_BLHK, int64_t offset = 0);

 private:
  void prepare(const at::Tensor& x_BLHR, int64_t length);
  at::Tensor rotate_all(const at::Tensor& x_BLHR, int64_t offset);

  std::string pairing_;
  double base_;
  int64_t width_;
  RopeScaling scaling_;
  at::Tensor cos_, sin_;  ///< [longest length so far, R/2], dtype and device of the last x
};

}  // namespace subband
