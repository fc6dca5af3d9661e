// A sum over the past whose decay the input decides, channel by channel. No LibTorch header and no CUDA header here.
#pragma once
#include <cstdint>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y[b,t,c] = a[b,t,c] y[b,t-1,c] + u[b,t,c], y[b,-1,c] = 0
/// Shapes  a, u [B,L,C] -> [B,L,C], fp32 or fp64
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` (fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes differ, or the forced path cannot take them
at::Tensor gated_scan(const at::Tensor& a_BLC, const at::Tensor& u_BLC, std::string_view path = "auto");

namespace gated_scan_paths {

/// In ceil(log2 L) passes: after the pass with distance 2^k every position holds the composition of its last 2^(k+1)
/// steps, (A2, U2) after (A1, U1) being (A2 A1, A2 U1 + U2).
struct Composed {
  at::Tensor &a_BLC, &u_BLC;
};
/// The meaning in plain ATen: composes in place, so that a is the product of all decays so far and u is y.
void compose(Composed steps);
at::Tensor reference(const at::Tensor& a_BLC, const at::Tensor& u_BLC);

/// gated_scan_loops.cpp: CPU, `channels` of one sequence, whose rows stand `stride` values apart.
struct Extent {
  int64_t length, channels, stride;
};
void loops(const Extent& extent, const float* a, const float* u, float* y);
/// With d[t] = g[t] + a[t+1] d[t+1]: of_u = d, of_a[t] = d[t] y[t-1].
struct Gradients {
  float *of_a, *of_u;
};
struct Scanned {
  const float *a, *y;
};
void loops_backward(const Extent& extent, const Scanned& scanned, const float* g, const Gradients& to);

}  // namespace gated_scan_paths
}  // namespace subband

/// gated_scan.cu: null when all is well, else a sentence that lives as long as the program.
struct SubbandGatedScan {
  int64_t batch, length, channels;
  void* stream;
};
extern "C" const char* subband_cuda_gated_scan(const SubbandGatedScan* scan, const float* a, const float* u,
                                               float* y);
extern "C" const char* subband_cuda_gated_scan_backward(const SubbandGatedScan* scan, const float* a,
                                                        const float* y, const float* g, float* of_a, float* of_u);
