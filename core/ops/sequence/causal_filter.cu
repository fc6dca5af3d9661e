// The causal filter and its derivatives: the launchers of causal_filter.cuh.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <stdint.h>

#include "core/ops/sequence/causal_filter.cuh"
#include "core/ops/sequence/causal_filter.h"
#include "core/ops/cuda_values.cuh"

namespace {

namespace kernel = subband::causal_filter_kernel;
using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;

constexpr unsigned kThreads = 128;
constexpr int64_t kMostSequences = 65535;

kernel::Extent inner(const SubbandCausalFilter& f) { return {f.length, f.channels, f.first, f.taps}; }

dim3 grid_of(const SubbandCausalFilter& f) {
  return dim3(static_cast<unsigned>((f.length + kernel::kRows - 1) / kernel::kRows),
              static_cast<unsigned>(f.batch));
}

const char* outcome() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

template <class Value>
__global__ void filter(kernel::Extent e, const Value* x, const float* w, Value* y, int direction) {
  kernel::filter_body(e, x, w, y, direction, Wide(), Narrow<Value>());
}

template <class Value>
__global__ void weights(kernel::Extent e, const Value* g, const Value* x, float* partial) {
  __shared__ float sums[kThreads / 32];
  kernel::weights_body(e, g, x, partial, sums, Wide());
}

__global__ void weights_sum(kernel::Extent e, const float* partial, int64_t blocks, float* of_w) {
  kernel::weights_sum_body(e, partial, blocks, of_w);
}

template <class Value>
const char* launch_filter(const SubbandCausalFilter& f, const void* x, const float* w, void* y,
                          int direction) {
  filter<Value><<<grid_of(f), kThreads, 0, static_cast<cudaStream_t>(f.stream)>>>(
      inner(f), static_cast<const Value*>(x), w, static_cast<Value*>(y), direction);
  return outcome();
}

template <class Value>
const char* launch_weights(const SubbandCausalFilter& f, const void* g, const void* x, float* partial,
                           float* of_w) {
  const auto stream = static_cast<cudaStream_t>(f.stream);
  const dim3 grid = grid_of(f);
  weights<Value><<<grid, kThreads, 0, stream>>>(inner(f), static_cast<const Value*>(g),
                                                static_cast<const Value*>(x), partial);
  const unsigned sums = static_cast<unsigned>((f.taps + kThreads - 1) / kThreads);
  weights_sum<<<sums, kThreads, 0, stream>>>(inner(f), partial, static_cast<int64_t>(grid.x) * grid.y, of_w);
  return outcome();
}

}  // namespace

extern "C" const char* subband_cuda_causal_filter(const SubbandCausalFilter* f, const void* x, const float* w,
                                                  void* y, int direction) {
  if (f->batch * f->length * f->channels == 0) return nullptr;
  if (f->batch > kMostSequences) return "more sequences than a grid has blocks";
  if (f->type == subband::cuda_values::kHalf) return launch_filter<__half>(*f, x, w, y, direction);
  if (f->type == subband::cuda_values::kBFloat16) return launch_filter<__nv_bfloat16>(*f, x, w, y, direction);
  return launch_filter<float>(*f, x, w, y, direction);
}

extern "C" const char* subband_cuda_causal_filter_weights(const SubbandCausalFilter* f, const void* g,
                                                          const void* x, float* partial, float* of_w) {
  if (f->batch > kMostSequences) return "more sequences than a grid has blocks";
  if (f->type == subband::cuda_values::kHalf) return launch_weights<__half>(*f, g, x, partial, of_w);
  if (f->type == subband::cuda_values::kBFloat16)
    return launch_weights<__nv_bfloat16>(*f, g, x, partial, of_w);
  return launch_weights<float>(*f, g, x, partial, of_w);
}
