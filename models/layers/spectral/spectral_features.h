// Random features that stand for a kernel of queries and keys, with a bandwidth β.
//   relu_shared     φ(x) = ReLU(Rᵀ x / β) / sqrt(m), R ~ N(0, 1/K):  E φ(x)φ(y) = |x||y| (sin θ + (π - θ) cos θ) / (2πKβ²)
//   relu_separate   the same with an R each for queries and keys:     E φ(x)φ(y) = |x||y| / (2πKβ²), blind to the angle θ
//   favor_positive  φ(x) = exp(Rᵀ x̂ - |x̂|²/2 - c) / sqrt(m), x̂ = x K^(-1/4) / β, R orthogonal by blocks:  exp(x̂·ŷ)
// c cancels in attention: the row's own maximum for queries; for keys the largest of all, or where causal of all so far
// (core/ops/features/random_features.h), so that the past learns nothing of later keys.
// Shapes  K channels of a head, m features, R [K,m]
// Source  WERSA, arXiv 2507.08637; Choromanski et al. 2021, arXiv 2009.14794 (favor_positive)
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "core/config/binder.h"
#include "core/ops/features/random_features.h"
#include "models/initializer.h"
#include "models/module.h"

namespace subband {

struct SpectralFeatureFields {
  int64_t features = 128;
  std::string feature_map = "relu_shared";
  bool bandwidth = true;

  void bind(Binder& b);
  bool positive() const { return feature_map == "favor_positive"; }
};

class SpectralFeatures {
 public:
  /// Registers the buffers `projection`, or `query_projection` and `key_projection`, and the parameter `bandwidth` (ρ,
  /// β = softplus(ρ) + 0.1) in `owner`.
  SpectralFeatures(Module& owner, const SpectralFeatureFields& fields, int64_t width, Initializer& first);

  /// γ / β, in fp32 at least: what queries and keys are linear in takes the bandwidth, and they need not be divided.
  at::Tensor narrowed(const at::Tensor& gains) const;
  /// Of q / β and k / β.
  /// Shapes  [...,K] -> [...,m], never negative; half precision gives fp32
  at::Tensor of_queries(const at::Tensor& q_BLHK) const;
  /// Padded keys come out as zero.
  StabilizedKeys of_keys(const at::Tensor& k_BLGK, const at::Tensor& keep_BL) const;
  /// For sums over j <= i. `peak` as in random_features_so_far; stays undefined under the relu maps.
  StabilizedKeys of_keys_so_far(const at::Tensor& k_BLGK, const at::Tensor& keep_BL, at::Tensor& peak) const;
  bool has_peak() const { return positive_; }
  double flops(int64_t rows) const;  ///< of queries or keys

 private:
  at::Tensor mapped(const at::Tensor& x, bool of_keys, const at::Tensor& keep_BL) const;
  double scale() const;  ///< of x̂ to x / β, or of φ

  bool positive_;
  int64_t width_, features_;
  at::Tensor query_projection_Km_, key_projection_Km_;  ///< the same, unless separate
  at::Tensor bandwidth_;                                ///< ρ, or undefined for β = 1
};

}  // namespace subband
