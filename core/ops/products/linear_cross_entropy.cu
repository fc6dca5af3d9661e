// The cross-entropy of rows of logits: the launcher of linear_cross_entropy.cuh.
#include "core/ops/cuda_launch.cuh"
#include "core/ops/products/linear_cross_entropy.cuh"
#include "core/ops/products/linear_cross_entropy.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 512;

template <class Value>
__global__ void rows(int64_t vocabulary, const int64_t* targets, const float* factor, Value* logits, float* losses) {
  __shared__ float shared[kThreads / 32];
  subband::linear_cross_entropy_kernel::row_body(vocabulary, targets, factor, logits, losses, shared, Wide(),
                                                 Narrow<Value>());
}

}  // namespace

extern "C" const char* subband_cuda_row_losses(const SubbandRowLosses* r, const int64_t* targets,
                                               const float* factor, void* logits, float* losses) {
  if (r->rows == 0) return nullptr;
  if (r->rows > launches::kMostBlocks) return "more rows than a grid has blocks";
  return launches::by_type(r->type, [&](auto value) {
    rows<<<static_cast<unsigned>(r->rows), kThreads, 0, static_cast<cudaStream_t>(r->stream)>>>(
        r->vocabulary, targets, factor, static_cast<decltype(value)*>(logits), losses);
    return launches::outcome();
  });
}
