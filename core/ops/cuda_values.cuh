// From what a kernel reads to fp32, and back to what it writes.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "core/ops/cuda_values.h"

namespace subband {
namespace cuda_values {

struct Wide {
  __device__ float operator()(float v) const { return v; }
  __device__ float operator()(__half v) const { return __half2float(v); }
  __device__ float operator()(__nv_bfloat16 v) const { return __bfloat162float(v); }
};

template <class Value>
struct Narrow;
template <>
struct Narrow<float> {
  __device__ float operator()(float v) const { return v; }
};
template <>
struct Narrow<__half> {
  __device__ __half operator()(float v) const { return __float2half(v); }
};
template <>
struct Narrow<__nv_bfloat16> {
  __device__ __nv_bfloat16 operator()(float v) const { return __float2bfloat16(v); }
};

}  // namespace cuda_values
}  // namespace subband
