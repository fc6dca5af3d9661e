// The gated scan and its derivatives: the launchers of gated_scan.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/sequence/gated_scan.cuh"
#include "core/ops/sequence/gated_scan.h"

namespace {

namespace kernel = subband::gated_scan_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 64;
constexpr int64_t kMostSequences = 65535;

__global__ void scan(int64_t length, int64_t channels, const float* a, const float* u, float* y) {
  kernel::scan_body(length, channels, a, u, y);
}

__global__ void scan_backward(int64_t length, int64_t channels, const float* a, const float* y, const float* g,
                              kernel::Gradients to) {
  kernel::backward_body(length, channels, a, y, g, to);
}

dim3 grid_of(const SubbandGatedScan& s) {
  return dim3(launches::blocks_for(s.channels, kThreads), static_cast<unsigned>(s.batch));
}

}  // namespace

extern "C" const char* subband_cuda_gated_scan(const SubbandGatedScan* s, const float* a, const float* u, float* y) {
  if (s->batch * s->length * s->channels == 0) return nullptr;
  if (s->batch > kMostSequences) return "more sequences than a grid has blocks";
  scan<<<grid_of(*s), kThreads, 0, static_cast<cudaStream_t>(s->stream)>>>(s->length, s->channels, a, u, y);
  return launches::outcome();
}

extern "C" const char* subband_cuda_gated_scan_backward(const SubbandGatedScan* s, const float* a, const float* y,
                                                        const float* g, float* of_a, float* of_u) {
  if (s->batch * s->length * s->channels == 0) return nullptr;
  if (s->batch > kMostSequences) return "more sequences than a grid has blocks";
  scan_backward<<<grid_of(*s), kThreads, 0, static_cast<cudaStream_t>(s->stream)>>>(s->length, s->channels, a, y, g,
                                                                                    {of_a, of_u});
  return launches::outcome();
}
