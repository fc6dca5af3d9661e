// The mean of all positions so far. No LibTorch header and no CUDA header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// m[b,t,c] = (x[b,0,c] + ... + x[b,t,c]) / (t + 1), added up in fp32 at least, which the result has.
/// Shapes  x [B,L,C] -> [B,L,C]
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when x has another form, or the forced path cannot take it
at::Tensor running_mean(const at::Tensor& x_BLC, std::string_view path = "auto");

namespace running_mean_paths {

at::Tensor reference(const at::Tensor& x_BLC);  ///< the meaning, plain ATen

/// running_mean_loops.cpp: CPU, one sequence.
struct Extent {
  int64_t length, channels;
};
void loops(const Extent& extent, const float* x, float* m);
/// of_x[t] = sum over u from t of g[u] / (u + 1)
void loops_backward(const Extent& extent, const float* g, float* of_x);

}  // namespace running_mean_paths
}  // namespace subband

/// running_mean.cu: null when all is well, else a sentence that lives as long as the program. `type`: a
/// cuda_values::Type (cuda_values.h) of x; means are fp32.
struct SubbandRunningMean {
  int64_t batch, length, channels;
  int type;
  void* stream;
};
extern "C" const char* subband_cuda_running_mean(const SubbandRunningMean* mean, const void* x, float* m);
extern "C" const char* subband_cuda_running_mean_backward(const SubbandRunningMean* mean, const float* g, void* of_x);
