// Two linear maps with GELU between them. No LibTorch header and no CUDA header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// What such a network is made of.
struct GeluWeights {
  const at::Tensor& first_HI;
  const at::Tensor& first_bias_H;  ///< may be undefined
  const at::Tensor& last_OH;
  const at::Tensor& last_bias_O;  ///< may be undefined
};

/// y = W3 GELU(W0 x + b0) + b3, GELU(x) = x Phi(x) with the normal distribution itself. The loops keep the hidden values
/// once, before GELU, and compute it again in backward.
/// Shapes  x [..., I] -> y [..., O]; one floating dtype and device
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes differ, or the forced path cannot take x
at::Tensor gelu_network(const at::Tensor& x, const GeluWeights& weights, std::string_view path = "auto");

namespace gelu_network_paths {

at::Tensor reference(const at::Tensor& x, const GeluWeights& weights);  ///< the meaning, plain ATen

/// gelu_network_loops.cpp: CPU, whole rows of `columns` values.
struct Rows {
  int64_t rows, columns;
};
/// a = GELU(h + bias); `bias` [columns] or null; a == h is allowed.
void gelu(const Rows& rows, const float* h, const float* bias, float* a);
/// d: in the gradient of a, out that of h; a = GELU(h + bias); adds the gradients of the rows to sums [columns].
void gelu_backward(const Rows& rows, const float* h, const float* bias, float* d, float* a, float* sums);
/// Adds the rows of x to sums [columns].
void add_rows(const Rows& rows, const float* x, float* sums);

const char*
instructions();  ///< the instruction set that these and all other loops by Highway take here: `AVX3`

}  // namespace gelu_network_paths
}  // namespace subband
