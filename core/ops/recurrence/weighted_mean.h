// Sums of weighted values over the sums of their weights. No LibTorch header here.
#pragma once
#include <cstdint>
#include <limits>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

struct WeightFloor {
  double epsilon = 0;
  double least = -std::numeric_limits<double>::infinity();
};

/// y = s[..., :V] / max(s[..., V] + ε, least)
/// Shapes  s [...,V + 1], the weights last -> [...,V]
/// `path`  `auto`, or one of `reference`, `loops` (CPU, fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError where there is no column of weights, or the forced path cannot take the input
at::Tensor weighted_mean(const at::Tensor& sums, const WeightFloor& floor, std::string_view path = "auto");

namespace weighted_mean_paths {

/// The meaning, in plain ATen.
at::Tensor reference(const at::Tensor& sums, const WeightFloor& floor);

/// weighted_mean_loops.cpp: CPU; rows of V + 1 sums and of V means, without gaps.
struct MeanRows {
  int64_t count, width;  ///< V
  float epsilon, least;
};
void loops(const MeanRows& rows, const float* sums, float* y);
void loops_backward(const MeanRows& rows, const float* sums, const float* g, float* of_sums);

}  // namespace weighted_mean_paths
}  // namespace subband
