// The causal Haar bands and their derivatives: the launchers of gated_haar.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/features/features_cuda.h"
#include "core/ops/features/gated_haar.cuh"

namespace {

namespace kernel = subband::gated_haar_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 128, kRowThreads = 64;

__global__ void bands(kernel::Extent e, const float* x, const float* gains, float* y) {
  kernel::bands_body(e, x, gains, y);
}

__global__ void of_inputs(kernel::Extent e, SubbandHaarInputs in, float* of_x) {
  kernel::inputs_body(e, in.x, in.gains, in.g, of_x);
}

__global__ void of_bands(kernel::Extent e, SubbandHaarInputs in, float* of_gains) {
  __shared__ float shared[kRowThreads / 32];
  kernel::gains_body(e, in.x, in.g, of_gains, shared);
}

const char* problem(const SubbandGatedHaar& h) {
  if (h.levels + 1 > kernel::kMostBands) return "more bands than the kernel has room for";
  return (h.batch * h.length * h.channels + kThreads - 1) / kThreads > launches::kMostBlocks
             ? "more values than a grid has blocks"
             : nullptr;
}

kernel::Extent extent(const SubbandGatedHaar& h) {
  return {h.batch, h.length, h.channels, h.levels, h.per_token, h.gelu};
}

}  // namespace

extern "C" const char* subband_cuda_gated_haar(const SubbandGatedHaar* h, const float* x, const float* gains, float* y) {
  const int64_t values = h->batch * h->length * h->channels;
  if (values == 0) return nullptr;
  if (const char* why = problem(*h)) return why;
  bands<<<launches::blocks_for(values, kThreads), kThreads, 0, static_cast<cudaStream_t>(h->stream)>>>(extent(*h), x,
                                                                                                       gains, y);
  return launches::outcome();
}

extern "C" const char* subband_cuda_gated_haar_backward(const SubbandGatedHaar* h, const SubbandHaarInputs* in,
                                                        float* of_x, float* of_gains) {
  const int64_t values = h->batch * h->length * h->channels;
  if (values == 0) return nullptr;
  if (const char* why = problem(*h)) return why;
  const auto stream = static_cast<cudaStream_t>(h->stream);
  of_inputs<<<launches::blocks_for(values, kThreads), kThreads, 0, stream>>>(extent(*h), *in, of_x);
  if (const char* why = launches::outcome()) return why;
  of_bands<<<static_cast<unsigned>(h->batch * h->length), kRowThreads, 0, stream>>>(extent(*h), *in, of_gains);
  return launches::outcome();
}
