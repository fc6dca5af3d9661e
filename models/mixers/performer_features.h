// Performer's features: the positive functions φ whose products stand for weights of attention.
//   softmax      φ(x) = exp(W x̂ - |x̂|²/2 - c),  x̂ = x K^(-1/4);  c keeps the exponentials in range, and cancels
//   generalized  φ(x) = f(W x̂) + ε
//   unprojected  φ(q) = softmax over channels; φ(k) = softmax over positions, or exp(k - c) where causal
// A package takes for c the largest key of the whole sequence and adds ε behind the exponential. Then c does
// not cancel, and a large key changes all earlier outputs. The sound form has no ε, and its c is the largest
// log feature of the keys so far: when it grows, the state shrinks by the same factor, so nothing that comes
// later is seen.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/config/binder.h"
#include "core/ops/features/random_features.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/attention/kernel_sums.h"

namespace subband {

struct PerformerKernel {
  std::string kernel = "softmax";
  std::string activation = "relu";
  std::string convention = "sound";
  std::optional<double> feature_epsilon;

  void bind(Binder& b);
  bool is_sound() const { return convention == "sound"; }
  bool projects() const { return kernel != "unprojected"; }
  bool has_peak() const {
    return kernel != "generalized" && is_sound();
  }  ///< c moves, and is part of the state
  double epsilon() const;
};

class PerformerFeatures {
 public:
  /// `projection`: W [M,K], shared with its owner, who may redraw it in place; undefined where nothing is
  /// projected.
  PerformerFeatures(const PerformerKernel& kernel, const at::Tensor& projection)
      : kernel_(kernel), projection_(projection) {}

  /// For sums over all real tokens.
  KernelFeatures of_all(const Heads& heads, const at::Tensor& keep_BL) const;
  /// For sums over j <= i. `peak` [B,G], the largest log feature so far, goes in and out if the kernel has one;
  /// undefined before the first token.
  KernelFeatures so_far(const Heads& heads, const at::Tensor& keep_BL, at::Tensor& peak) const;

 private:
  at::Tensor projected(const at::Tensor& x) const;
  at::Tensor stabilized(const at::Tensor& x, FeatureMap map, const at::Tensor& keep_BL) const;
  at::Tensor of_queries(const at::Tensor& q) const;
  at::Tensor with_epsilon(const at::Tensor& x, at::IntArrayRef axes) const;

  PerformerKernel kernel_;
  at::Tensor projection_;
};

}  // namespace subband
