// From products with random rows to features, and back: the launchers of random_features.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/features/features_cuda.h"
#include "core/ops/features/random_features.cuh"

namespace {

namespace kernel = subband::random_features_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 128;

__global__ void rectify(kernel::Rows r, float* p) { kernel::rectify_body(r, p); }

__global__ void logarithms(kernel::Rows r, const float* x, float* p, float* largest) {
  __shared__ float shared[kThreads / 32];
  kernel::logarithms_body(r, x, p, largest, shared);
}

__global__ void exponentials(kernel::Rows r, const float* c, float* log) { kernel::exponentiate_body(r, c, log); }

__global__ void peaks_so_far(int64_t batch, int64_t length, int64_t groups, kernel::Peaks peaks) {
  kernel::peaks_body(batch, length, groups, peaks);
}

template <bool rectified>
__global__ void features_backward(kernel::Rows r, SubbandFeatureGradients g) {
  __shared__ float shared[kThreads / 32];
  kernel::backward_body<rectified>(r, g.f, g.g, g.of_p, g.sums, shared);
}

__global__ void norms(kernel::Rows r, const float* x, const float* sums, float* of_x) {
  kernel::norms_body(r, x, sums, of_x);
}

kernel::Rows rows(const SubbandFeatureRows& r) { return {r.count, r.width, r.features, r.scale}; }

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

unsigned blocks(int64_t values) { return launches::blocks_for(values, kThreads); }

const char* problem(const SubbandFeatureRows& r) {
  const int64_t most = r.count * (r.features > r.width ? r.features : r.width);
  return (most + kThreads - 1) / kThreads > launches::kMostBlocks ? "more values than a grid has blocks" : nullptr;
}

}  // namespace

extern "C" const char* subband_cuda_rectify(const SubbandFeatureRows* r, float* p) {
  if (r->count * r->features == 0) return nullptr;
  if (const char* why = problem(*r)) return why;
  rectify<<<blocks(r->count * r->features), kThreads, 0, stream_of(r->stream)>>>(rows(*r), p);
  return launches::outcome();
}

extern "C" const char* subband_cuda_feature_logarithms(const SubbandFeatureRows* r, const float* x, float* p,
                                                       float* largest) {
  if (r->count == 0) return nullptr;
  if (const char* why = problem(*r)) return why;
  logarithms<<<static_cast<unsigned>(r->count), kThreads, 0, stream_of(r->stream)>>>(rows(*r), x, p, largest);
  return launches::outcome();
}

extern "C" const char* subband_cuda_feature_exponentials(const SubbandFeatureRows* r, const float* c, float* log) {
  if (r->count * r->features == 0) return nullptr;
  if (const char* why = problem(*r)) return why;
  exponentials<<<blocks(r->count * r->features), kThreads, 0, stream_of(r->stream)>>>(rows(*r), c, log);
  return launches::outcome();
}

extern "C" const char* subband_cuda_feature_peaks(const SubbandPeaks* p) {
  if (p->batch * p->length * p->groups == 0) return nullptr;
  peaks_so_far<<<blocks(p->batch * p->groups), kThreads, 0, stream_of(p->stream)>>>(
      p->batch, p->length, p->groups, {p->before, p->largest, p->c, p->decay});
  return launches::outcome();
}

extern "C" const char* subband_cuda_features_backward(const SubbandFeatureRows* r, int rectified,
                                                      const SubbandFeatureGradients* g) {
  if (r->count == 0) return nullptr;
  if (const char* why = problem(*r)) return why;
  const auto count = static_cast<unsigned>(r->count);
  if (rectified)
    features_backward<true><<<count, kThreads, 0, stream_of(r->stream)>>>(rows(*r), *g);
  else
    features_backward<false><<<count, kThreads, 0, stream_of(r->stream)>>>(rows(*r), *g);
  return launches::outcome();
}

extern "C" const char* subband_cuda_feature_norms(const SubbandFeatureRows* r, const float* x, const float* sums,
                                                  float* of_x) {
  if (r->count * r->width == 0) return nullptr;
  if (const char* why = problem(*r)) return why;
  norms<<<blocks(r->count * r->width), kThreads, 0, stream_of(r->stream)>>>(rows(*r), x, sums, of_x);
  return launches::outcome();
}
