// What a WaveletLM block imposes on its parts: one struct for all their kinds.
#pragma once
#include <cstdint>
#include <memory>

#include "models/initializer.h"
#include "models/layers/dropout.h"

namespace subband {

/// Published scalings against divergence; all off by default.
struct Stabilizers {
  bool spectral_norm = false;  ///< mixer matrices over their largest singular value
  bool feed_forward = false;   ///< last matrix of the MLP starts at 1/sqrt(hidden) of the default
  bool embedding = false;      ///< embedding output times sqrt(width)
  bool projection = false;     ///< block projection starts at 1/sqrt(width layers) of the default
  bool mixer_epsilon = false;  ///< mixer perturbation over sqrt(mixer width)
  bool lifting_level = false;  ///< last matrix of level l times 1/(1 + 0.1 l)
};

struct BlockContext {
  int64_t width = 64;         ///< C, of the residual stream
  int64_t padded_width = 64;  ///< Cp >= C, of the coefficients; what the transform asks for
  int64_t levels = 5;         ///< of the wavelet
  int64_t layers = 2;         ///< blocks of the net, for initialisations that scale with it
  double mlp_dropout = 0;     ///< after the last linear of an MLP
  Stabilizers stabilizers;
  std::shared_ptr<const Noise> noise;  ///< where dropout draws its masks
  Initializer* initializer = nullptr;  ///< initial weights; null while a spec is only being checked

  int64_t scales() const { return levels + 1; }  ///< S: the approximation and every detail
};

}  // namespace subband
