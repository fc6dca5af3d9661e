// Random features of queries and keys: products with rows of random numbers, and what makes them positive. No CUDA header here.
//   relu      max(W x̂, 0)
//   of_query  exp(W x̂ - c), c the largest of the row
//   of_key    exp(W x̂ - |x̂|²/2 - c), c the largest of a group's real tokens, or of its tokens so far
// with x̂ = scale x. c is constant to gradients, and cancels in attention.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace subband {
enum class FeatureMap { relu, of_query, of_key };

struct FeaturePlan {
  FeatureMap map = FeatureMap::relu;
  double scale = 1;
  at::Tensor keep_BL = {};  ///< bool, or undefined: others are not real, and come out as 0
};
/// Shapes  x [B,L,G,K], W [M,K] -> [B,L,G,M]
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` (fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when a shape does not fit, or the forced path cannot take x
at::Tensor random_features(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, const FeaturePlan& plan,
                           std::string_view path = "auto");

struct StabilizedKeys {
  at::Tensor features_BLGM;
  at::Tensor log_decay_BLG;  ///< by which sums over earlier keys shrink where c grows; undefined: it does not
};
/// of_key with c so far, so that the past learns nothing of later keys. `peak` [B,G], c of the last token, goes in and
/// out; undefined before the first.
StabilizedKeys random_features_so_far(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, double scale,
                                      at::Tensor& peak_BG, std::string_view path = "auto");

namespace random_features_paths {
at::Tensor reference(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, const FeaturePlan& plan);  ///< plain ATen
StabilizedKeys reference_so_far(const at::Tensor& x_BLGK, const at::Tensor& rows_MK, double scale, at::Tensor& peak_BG);
/// From the logarithms: exp(log - c), c the largest so far, and the decay.
StabilizedKeys stabilized_so_far(const at::Tensor& log_BLGM, at::Tensor& peak_BG);

/// random_features_loops.cpp: CPU, rows of `features` products p = W x, and of `width` values x that they are of.
struct Rows {
  int64_t rows, width, features;
  float scale;
};
void rectify(const Rows& rows, float* p);
void exponentiate_queries(const Rows& rows, float* p);
/// p becomes scale p - |x̂|²/2; and the largest of every row, not a number where one of them is none.
void key_logarithms(const Rows& rows, const float* x, float* p, float* largest);
/// exp(log - c), c per row.
void exponentiate(const Rows& rows, const float* c, float* log);
/// of_p = scale g where f > 0.
void rectify_backward(const Rows& rows, const float* f, const float* g, float* of_p);
/// of_p = scale g f, and its sum over every row.
void exponentiate_backward(const Rows& rows, const float* f, const float* g, float* of_p, float* sums);
/// of_x -= scale x times the row's sum: what flows through |x̂|²/2.
void norms_backward(const Rows& rows, const float* x, const float* sums, float* of_x);
}  // namespace random_features_paths
}  // namespace subband
