#include "models/layers/spectral/spectral_features.h"

#include <ATen/ATen.h>

#include <cmath>

#include "models/layers/attention/random_features.h"
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

static at::Tensor in_fp32_at_least(const at::Tensor& x) { return x.element_size() < 4 ? x.to(at::kFloat) : x; }

at::Tensor SpectralFeatures::narrowed(const at::Tensor& gains) const {
  const at::Tensor wide = in_fp32_at_least(gains);
  if (!bandwidth_.defined()) return wide;
  return wide / (at::softplus(bandwidth_) + kLeastBandwidth).to(wide.scalar_type());
}

double SpectralFeatures::scale() const {
  return positive_ ? std::pow(static_cast<double>(width_), -0.25) : 1 / std::sqrt(static_cast<double>(features_));
}

at::Tensor SpectralFeatures::mapped(const at::Tensor& x, bool of_keys, const at::Tensor& keep_BL) const {
  const at::Tensor wide = in_fp32_at_least(x), &projection_Km = of_keys ? key_projection_Km_ : query_projection_Km_;
  const FeatureMap map = !positive_ ? FeatureMap::relu : of_keys ? FeatureMap::of_key : FeatureMap::of_query;
  return random_features(wide, projection_Km.to(wide.scalar_type()).t(), {map, scale(), keep_BL});
}

at::Tensor SpectralFeatures::of_queries(const at::Tensor& q_BLHK) const { return mapped(q_BLHK, false, {}); }

StabilizedKeys SpectralFeatures::of_keys(const at::Tensor& k_BLGK, const at::Tensor& keep_BL) const {
  return {mapped(k_BLGK, true, keep_BL), {}};
}

StabilizedKeys SpectralFeatures::of_keys_so_far(const at::Tensor& k_BLGK, const at::Tensor& keep_BL,
                                                at::Tensor& peak) const {
  if (!positive_) return of_keys(k_BLGK, keep_BL);
  const at::Tensor k = in_fp32_at_least(masked(k_BLGK, keep_BL));
  StabilizedKeys keys = random_features_so_far(k, key_projection_Km_.to(k.scalar_type()).t(), scale(), peak);
  keys.features_BLGM = masked(keys.features_BLGM, keep_BL);
  return keys;
}

double SpectralFeatures::flops(int64_t rows) const {
  return 2.0 * static_cast<double>(rows * width_ * features_);
}

}  // namespace subband
