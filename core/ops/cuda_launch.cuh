// What launchers share: the type that a call's values have, and what became of a launch.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "core/ops/cuda_values.cuh"

namespace subband {
namespace cuda_launches {

constexpr int64_t kMostBlocks = 2147483647;  // along x; 65,535 along y and z

/// After a launch: null, or what is wrong.
inline const char* outcome() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

/// launch(Value()) with the values' type.
template <class Launch>
const char* by_type(int type, const Launch& launch) {
  if (type == cuda_values::kHalf) return launch(__half());
  if (type == cuda_values::kBFloat16) return launch(__nv_bfloat16());
  return launch(float());
}

inline unsigned blocks_for(int64_t count, unsigned threads) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

}  // namespace cuda_launches
}  // namespace subband
