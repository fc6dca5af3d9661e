// The running mean and its derivative: the launchers of running_mean.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/sequence/running_mean.cuh"
#include "core/ops/sequence/running_mean.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;
namespace kernel = subband::running_mean_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 64;
constexpr int64_t kMostSequences = 65535;

template <class Value>
__global__ void means(int64_t length, int64_t channels, const Value* x, float* m) {
  kernel::mean_body(length, channels, x, m, Wide());
}

template <class Value>
__global__ void means_backward(int64_t length, int64_t channels, const float* g, Value* of_x) {
  kernel::backward_body(length, channels, g, of_x, Narrow<Value>());
}

}  // namespace

extern "C" const char* subband_cuda_running_mean(const SubbandRunningMean* s, const void* x, float* m) {
  if (s->batch * s->length * s->channels == 0) return nullptr;
  if (s->batch > kMostSequences) return "more sequences than a grid has blocks";
  return launches::by_type(s->type, [&](auto value) {
    const dim3 grid(launches::blocks_for(s->channels, kThreads), static_cast<unsigned>(s->batch));
    means<<<grid, kThreads, 0, static_cast<cudaStream_t>(s->stream)>>>(
        s->length, s->channels, static_cast<const decltype(value)*>(x), m);
    return launches::outcome();
  });
}

extern "C" const char* subband_cuda_running_mean_backward(const SubbandRunningMean* s, const float* g, void* of_x) {
  if (s->batch * s->length * s->channels == 0) return nullptr;
  if (s->batch > kMostSequences) return "more sequences than a grid has blocks";
  return launches::by_type(s->type, [&](auto value) {
    const dim3 grid(launches::blocks_for(s->channels, kThreads), static_cast<unsigned>(s->batch));
    means_backward<<<grid, kThreads, 0, static_cast<cudaStream_t>(s->stream)>>>(
        s->length, s->channels, g, static_cast<decltype(value)*>(of_x));
    return launches::outcome();
  });
}
