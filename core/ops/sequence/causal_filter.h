// A causal filter over the length, the same for every channel. No LibTorch header and no CUDA header here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y[b,t,c] = sum_k w[k] x[b, t - first - k, c]; before its start the sequence is zero.
/// Shapes  x [B,L,C], w [K] -> y [B,L,C]; one floating dtype and device
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force
/// Errors  ShapeError when a shape does not fit, first < 0, or the forced path cannot take x
at::Tensor causal_filter(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first,
                         std::string_view path = "auto");

/// The path that `auto` takes for such an x; what ran is counted (op_paths.h).
std::string causal_filter_path(const at::Tensor& x_BLC);

namespace causal_filter_paths {

/// The meaning, in plain ATen.
at::Tensor reference(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first);

/// What the loops need to know of a filter.
struct Extent {
  int64_t batch, length, channels, first, taps;
};
/// causal_filter_loops.cpp: CPU. x, y [B,L,C] without gaps; x and y must not overlap.
void loops(const Extent& extent, const float* x, const float* weights, float* y);
/// Its derivatives: of x from g = dy, and of the weights; fp64 sums over positions.
void loops_backward(const Extent& extent, const float* gradient, const float* weights, float* gradient_x);
void loops_backward_weights(const Extent& extent, const float* gradient, const float* x, double* gradient_w);

/// Rows of a sequence that a block of the CUDA kernels takes.
inline constexpr int kCudaRows = 32;

/// The instruction set that the loops take here.
const char* loops_instructions();

}  // namespace causal_filter_paths
}  // namespace subband

/// causal_filter.cu: null when all is well, else a sentence that lives as long as the program. `type`: a
/// cuda_values::Type (cuda_values.h); direction -1: the filter, +1: its way back.
struct SubbandCausalFilter {
  int64_t batch, length, channels, first, taps;
  int type;
  void* stream;
};
extern "C" const char* subband_cuda_causal_filter(const SubbandCausalFilter* filter, const void* x,
                                                  const float* w, void* y, int direction);
/// `partial` [sequences x pieces of 32 rows, K]
extern "C" const char* subband_cuda_causal_filter_weights(const SubbandCausalFilter* filter, const void* g,
                                                          const void* x, float* partial, float* of_w);
