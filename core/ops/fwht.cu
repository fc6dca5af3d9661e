// Walsh-Hadamard transform of rows in fp32: one block a row, the row in shared memory, log2(n) stages.
#include <cuda_runtime.h>

#include <math.h>
#include <stdint.h>

#include "core/ops/cuda_object.h"
#include "core/ops/fwht.h"

namespace {

constexpr int kThreads = 256;

__global__ void fwht_rows(const float* __restrict__ x, float* __restrict__ y, int n, float scale) {
  extern __shared__ float row[];
  const int64_t start = static_cast<int64_t>(blockIdx.x) * n;
  for (int i = threadIdx.x; i < n; i += blockDim.x) row[i] = x[start + i];
  __syncthreads();
  for (int h = 1; h < n; h *= 2) {
    for (int pair = threadIdx.x; pair < n / 2; pair += blockDim.x) {
      const int low = (pair / h) * 2 * h + pair % h;
      const float a = row[low], b = row[low + h];
      row[low] = a + b;
      row[low + h] = a - b;
    }
    __syncthreads();
  }
  for (int i = threadIdx.x; i < n; i += blockDim.x) y[start + i] = row[i] * scale;
}

}  // namespace

extern "C" const char* subband_cuda_fwht(const float* x, float* y, int64_t rows, int n, void* stream) {
  constexpr int64_t kMostBlocks = 2147483647;
  if (rows == 0) return nullptr;
  if (rows > kMostBlocks) return "more rows than a grid has blocks";
  const int threads = n / 2 < 32 ? 32 : (n / 2 < kThreads ? n / 2 : kThreads);
  const float scale = static_cast<float>(1 / sqrt(static_cast<double>(n)));
  fwht_rows<<<static_cast<unsigned>(rows), threads, static_cast<size_t>(n) * sizeof(float),
              static_cast<cudaStream_t>(stream)>>>(x, y, n, scale);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

extern "C" const char* subband_cuda_problem() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return devices > 0 ? nullptr : "no CUDA device";
}
