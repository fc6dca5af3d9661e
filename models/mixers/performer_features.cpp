#include "models/mixers/performer_features.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/ops/features/random_features.h"
#include "models/layers/padding.h"

namespace subband {

void PerformerKernel::bind(Binder& b) {
  b.choice("kernel", kernel, {"softmax", "generalized", "unprojected"},
           "φ: exp(W x - |x|²/2); activation(W x) + ε; softmax of queries over channels and of keys over "
           "positions "
           "(exp where causal)");
  b.choice("activation", activation, {"relu", "gelu", "softplus", "sigmoid", "elu", "exp", "identity"},
           "of the generalized kernel; elu: elu(x) + 1");
  b.choice("convention", convention, {"sound", "performer_pytorch"},
           "performer_pytorch: ε behind the exponential, one largest key as the stabiliser, padded keys stay "
           "in the "
           "sum of weights; leaks the future through ε, and cannot decode token by token");
  b.field("feature_epsilon", feature_epsilon, {0, 1},
          "ε; null: 0 (softmax, sound), 1e-4 (softmax, performer_pytorch), 1e-3 (generalized)");
  b.check(!is_sound() || kernel == "generalized" || feature_epsilon.value_or(0) == 0, "feature_epsilon",
          "must be 0 for this kernel: it would leak the future; convention: performer_pytorch has it");
}

double PerformerKernel::epsilon() const {
  const double standard = kernel == "generalized" ? 1e-3 : is_sound() || !projects() ? 0 : 1e-4;
  return feature_epsilon.value_or(standard);
}

static at::Tensor in_single_or_double(const at::Tensor& x) {
  return x.element_size() < 4 ? x.to(at::kFloat) : x;
}

// Of x̂ to x.
static double temper(const at::Tensor& x) { return std::pow(static_cast<double>(x.size(-1)), -0.25); }

// x̂
static at::Tensor tempered(const at::Tensor& x) { return in_single_or_double(x) * temper(x); }

static at::Tensor activated(const std::string& f, const at::Tensor& x) {
  if (f == "relu") return at::relu(x);
  if (f == "gelu") return at::gelu(x);
  if (f == "softplus") return at::softplus(x);
  if (f == "sigmoid") return at::sigmoid(x);
  if (f == "elu") return at::elu(x).add(1);
  return f == "exp" ? at::exp(x) : x;
}

at::Tensor PerformerFeatures::projected(const at::Tensor& x) const {
  return at::matmul(tempered(x), in_single_or_double(projection_).t());
}

at::Tensor PerformerFeatures::stabilized(const at::Tensor& x, FeatureMap map, const at::Tensor& keep_BL) const {
  return random_features(in_single_or_double(x), in_single_or_double(projection_), {map, temper(x), keep_BL});
}

// What is common to a row of queries cancels, its norm too.
at::Tensor PerformerFeatures::of_queries(const at::Tensor& q) const {
  if (kernel_.kernel == "generalized") return activated(kernel_.activation, projected(q)) + kernel_.epsilon();
  if (!kernel_.projects()) return at::softmax(in_single_or_double(q), -1);
  return kernel_.is_sound() ? stabilized(q, FeatureMap::of_query, {}) : with_epsilon(q, {3});
}

// performer-pytorch: exp(W x̂ - |x̂|²/2 - c) + ε; c, the largest W x̂ along `axes`, is constant to gradients.
at::Tensor PerformerFeatures::with_epsilon(const at::Tensor& x, at::IntArrayRef axes) const {
  const at::Tensor p = projected(x), norms = tempered(x).square().sum(-1, true).div(2);
  return ((p - norms - p.amax(axes, true).detach()).exp() + kernel_.epsilon()) *
         std::pow(static_cast<double>(projection_.size(0)), -0.5);
}

// A softmax of every channel over the real positions.
static at::Tensor over_positions(const at::Tensor& log_BLGM, const at::Tensor& keep_BL) {
  if (!keep_BL.defined()) return at::softmax(log_BLGM, 1);
  const at::Tensor padded = keep_BL.logical_not().unsqueeze(-1).unsqueeze(-1);
  return at::_safe_softmax(log_BLGM.masked_fill(padded, -std::numeric_limits<double>::infinity()), 1);
}

KernelFeatures PerformerFeatures::of_all(const Heads& heads, const at::Tensor& keep_BL) const {
  KernelFeatures features{of_queries(heads.q_BLHK), {}, masked(heads.v_BLGV, keep_BL), {}};
  at::Tensor& keys = features.keys_BLGM;
  if (kernel_.kernel == "generalized") {
    keys = activated(kernel_.activation, projected(heads.k_BLGK)) + kernel_.epsilon();
  } else if (!kernel_.is_sound()) {
    keys = kernel_.projects() ? with_epsilon(heads.k_BLGK, {1, 3})
                              : at::softmax(in_single_or_double(heads.k_BLGK), 1);
  } else {
    keys = kernel_.projects() ? stabilized(heads.k_BLGK, FeatureMap::of_key, keep_BL)
                              : over_positions(in_single_or_double(heads.k_BLGK), keep_BL);
  }
  if (kernel_.is_sound()) keys = masked(keys, keep_BL);
  return features;
}

KernelFeatures PerformerFeatures::so_far(const Heads& heads, const at::Tensor& keep_BL,
                                         at::Tensor& peak) const {
  if (!kernel_.has_peak()) {
    KernelFeatures features = of_all(heads, keep_BL);
    if (!kernel_.projects()) features.keys_BLGM = in_single_or_double(heads.k_BLGK).exp();
    return features;
  }
  const at::Tensor k = in_single_or_double(masked(heads.k_BLGK, keep_BL));
  const StabilizedKeys keys = kernel_.projects()
                                  ? random_features_so_far(k, in_single_or_double(projection_), temper(k), peak)
                                  : random_features_paths::stabilized_so_far(k, peak);
  return {of_queries(heads.q_BLHK), masked(keys.features_BLGM, keep_BL), masked(heads.v_BLGV, keep_BL),
          keys.log_decay_BLG};
}

}  // namespace subband
