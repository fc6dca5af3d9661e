#include "models/layers/spectral_features.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "models/layers/random_features.h"

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

SpectralFeatures::SpectralFeatures(torch::nn::Module& owner, const SpectralFeatureFields& fields, int64_t width,
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
  if (fields.bandwidth) bandwidth_ = owner.register_parameter("bandwidth", first.zeros({}));
}

at::Tensor SpectralFeatures::of(const at::Tensor& x, const at::Tensor& projection_Km, bool of_queries) const {
  at::Tensor scaled = x.element_size() < 4 ? x.to(at::kFloat) : x;
  if (bandwidth_.defined())
    scaled = scaled / (at::softplus(bandwidth_) + kLeastBandwidth).to(scaled.scalar_type());
  const double norm = 1 / std::sqrt(static_cast<double>(features_));
  const at::Tensor projection = projection_Km.to(scaled.scalar_type());
  if (!positive_) return at::relu(at::matmul(scaled, projection)) * norm;
  scaled = scaled * std::pow(static_cast<double>(width_), -0.25);
  const at::Tensor powers = log_features(scaled, projection.t());
  const at::Tensor least =
      of_queries ? powers.amax({-1}, true).detach() : projection.square().sum(0).max() * 0.5;
  return (powers - least).exp() * norm;
}

at::Tensor SpectralFeatures::divided(const at::Tensor& sums, double epsilon) const {
  const int64_t width = sums.size(-1) - 1;
  const at::Tensor weights = sums.narrow(-1, width, 1);
  // Positive features never vanish, but c makes them small beside any fixed ε.
  const at::Tensor divisor = positive_
                                 ? weights.clamp_min(static_cast<double>(std::numeric_limits<float>::min()))
                                 : weights + epsilon;
  return sums.narrow(-1, 0, width) / divisor;
}

double SpectralFeatures::flops(int64_t rows) const {
  return 2.0 * static_cast<double>(rows * width_ * features_);
}

}  // namespace subband
