// Walsh-Hadamard transform of the last axis. No LibTorch header and no CUDA header here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y = H_n x / sqrt(n) over the last axis, n a power of two, rows of H_n in Sylvester's order:
/// H[i][j] = (-1)^(bits that i and j share). Symmetric and its own inverse, so also its own derivative.
/// Shapes  x [..., n] -> y [..., n], same floating dtype and device; half precision is added up in fp32
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force
/// Errors  ShapeError when n is no power of two, the dtype is not floating, or the forced path cannot take x
at::Tensor fwht(const at::Tensor& x, std::string_view path = "auto");

/// The path that `auto` takes for such an x; what ran is counted (op_paths.h).
std::string fwht_path(const at::Tensor& x);

namespace fwht_paths {

at::Tensor reference(const at::Tensor& x);                      ///< fwht.cpp: the meaning, plain ATen
void loops(const float* x, float* y, int64_t rows, int64_t n);  ///< fwht_loops.cpp: CPU; x == y is allowed
void loops(const double* x, double* y, int64_t rows, int64_t n);
const char* loops_instructions();  ///< the instruction set that the loops over fp32 take here

inline constexpr int kLargestCuda = 32768;  ///< n up to which the kernel keeps a row in one block

}  // namespace fwht_paths
}  // namespace subband

/// fwht.cu: null when all is well, else a sentence that lives as long as the program.
/// `type`: a cuda_values::Type (cuda_values.h).
extern "C" const char* subband_cuda_fwht(const void* x, void* y, int64_t rows, int n, int type, void* stream);
