// The part of libsubband_cuda.so that knows LibTorch; linking to its CUDA library is what registers the
// operators.
#include "core/ops/cuda_object.h"

#include <c10/cuda/CUDAStream.h>

void* subband_cuda_stream(int device_index) {
  return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device_index)).stream();
}
