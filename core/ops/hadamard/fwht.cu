// Walsh-Hadamard transform of rows: the launcher of fwht.cuh.
#include <cuda_runtime.h>

#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_object.h"
#include "core/ops/cuda_values.cuh"
#include "core/ops/hadamard/fwht.cuh"
#include "core/ops/hadamard/fwht.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;

template <class Value>
__global__ void __launch_bounds__(1024)
    fwht_rows(const Value* __restrict__ x, Value* __restrict__ y, int n, float scale) {
  extern __shared__ float row[];
  subband::fwht_kernel::row_body(x, y, n, scale, row, Wide(), Narrow<Value>());
}

template <class Value>
const char* launch(const Value* x, Value* y, int64_t rows, int n, void* stream) {
  constexpr int64_t kMostBlocks = 2147483647;
  constexpr size_t kUsualShared = 48 * 1024;
  if (rows == 0) return nullptr;
  if (rows > kMostBlocks) return "more rows than a grid has blocks";
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  if (bytes > kUsualShared) {
    const cudaError_t error = cudaFuncSetAttribute(
        fwht_rows<Value>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (error != cudaSuccess) return cudaGetErrorString(error);
  }
  const float scale = static_cast<float>(1 / sqrt(static_cast<double>(n)));
  fwht_rows<Value><<<static_cast<unsigned>(rows), subband::fwht_kernel::threads_for(n), bytes,
                     static_cast<cudaStream_t>(stream)>>>(x, y, n, scale);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

extern "C" const char* subband_cuda_fwht(const void* x, void* y, int64_t rows, int n, int type,
                                         void* stream) {
  if (type == subband::cuda_values::kHalf)
    return launch(static_cast<const __half*>(x), static_cast<__half*>(y), rows, n, stream);
  if (type == subband::cuda_values::kBFloat16)
    return launch(static_cast<const __nv_bfloat16*>(x), static_cast<__nv_bfloat16*>(y), rows, n, stream);
  return launch(static_cast<const float*>(x), static_cast<float*>(y), rows, n, stream);
}

extern "C" const char* subband_cuda_problem() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return devices > 0 ? nullptr : "no CUDA device";
}
