#include "models/layers/spectral/spectral_features.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "models/layers/padding.h"

namespace subband {

static constexpr double kLeastBandwidth = 0.1;

void SpectralFeatureFields::bind(Binder& b) {
  b.field("features", features, {1, 1 << 16}, "m, random features of a head (README model: 128)");
  b.choice("feature_map", feature_map, {"relu_shared", "relu_separate", "favor_positive"},
           "the kernel: by angle and length, by length alone (third-party module), or that of softmax");
  b.field("bandwidth", bandwidth,
          "queries and keys are divided by a learned number first; without effect under the relu maps, where "
          "it cancels");
}

// Orthogonal by blocks, as columns.
static at::Tensor orthogonal_columns(Initializer& first, int64_t width, int64_t features) {
  if (first.is_meta()) return first.empty({width, features});
  const auto normal = [&](at::IntArrayRef shape) { return first.normal(shape, 0, 1); };
  return random_rows({.count = features, .width = width}, normal).t().contiguous();
}

SpectralFeatures::SpectralFeatures(Module& owner, const SpectralFeatureFields& fields, int64_t width,
                                   Initializer& first)
    : positive_(fields.positive()), width_(width), features_(fields.features) {
  const auto drawn = [&] {
    return positive_ ? orthogonal_columns(first, width, features_)
                     : first.normal({width, features_}, 0, 1 / std::sqrt(static_cast<double>(width)));
  };
  if (fields.feature_map == "relu_separate") {
    query_projection_Km_ = owner.register_buffer("query_projection", drawn());
    key_projection_Km_ = owner.register_buffer("key_projection", drawn());
  } else {
    query_projection_Km_ = key_projection_Km_ = owner.register_buffer("projection", drawn());
  }
  if (fields.bandwidth) bandwidth_ = owner.add_parameter("bandwidth", first.zeros({}), {.role = Role::gain});
}

// x / β, in fp32 at least.
at::Tensor SpectralFeatures::narrowed(const at::Tensor& x) const {
  const at::Tensor wide = x.element_size() < 4 ? x.to(at::kFloat) : x;
  if (!bandwidth_.defined()) return wide;
  return wide / (at::softplus(bandwidth_) + kLeastBandwidth).to(wide.scalar_type());
}

at::Tensor SpectralFeatures::rectified(const at::Tensor& x, const at::Tensor& projection_Km) const {
  const at::Tensor scaled = narrowed(x);
  return at::relu(at::matmul(scaled, projection_Km.to(scaled.scalar_type()))) *
         (1 / std::sqrt(static_cast<double>(features_)));
}

at::Tensor SpectralFeatures::log_of(const at::Tensor& x, const at::Tensor& projection_Km) const {
  const at::Tensor scaled = narrowed(x) * std::pow(static_cast<double>(width_), -0.25);
  return log_features(scaled, projection_Km.to(scaled.scalar_type()).t());
}

at::Tensor SpectralFeatures::of_queries(const at::Tensor& q_BLHK) const {
  if (!positive_) return rectified(q_BLHK, query_projection_Km_);
  const at::Tensor log = log_of(q_BLHK, query_projection_Km_);
  return (log - log.amax({-1}, true).detach()).exp();
}

StabilizedKeys SpectralFeatures::of_keys(const at::Tensor& k_BLGK, const at::Tensor& keep_BL) const {
  StabilizedKeys keys = positive_ ? stabilized_keys(log_of(k_BLGK, key_projection_Km_), keep_BL)
                                  : StabilizedKeys{rectified(k_BLGK, key_projection_Km_), {}};
  keys.features_BLGM = masked(keys.features_BLGM, keep_BL);
  return keys;
}

StabilizedKeys SpectralFeatures::of_keys_so_far(const at::Tensor& k_BLGK, const at::Tensor& keep_BL,
                                                at::Tensor& peak) const {
  if (!positive_) return of_keys(k_BLGK, keep_BL);
  StabilizedKeys keys = stabilized_keys_so_far(log_of(masked(k_BLGK, keep_BL), key_projection_Km_), peak);
  keys.features_BLGM = masked(keys.features_BLGM, keep_BL);
  return keys;
}

at::Tensor SpectralFeatures::divided(const at::Tensor& sums, double epsilon) const {
  const int64_t width = sums.size(-1) - 1;
  const at::Tensor weights = sums.narrow(-1, width, 1);
  // Positive features never vanish, but far from a query they are small beside any fixed ε.
  const at::Tensor divisor = positive_
                                 ? weights.clamp_min(static_cast<double>(std::numeric_limits<float>::min()))
                                 : weights + epsilon;
  return sums.narrow(-1, 0, width) / divisor;
}

double SpectralFeatures::flops(int64_t rows) const {
  return 2.0 * static_cast<double>(rows * width_ * features_);
}

}  // namespace subband
