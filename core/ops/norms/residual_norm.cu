// A residual sum and its norm: the launchers of residual_norm.cuh.
#include "core/ops/cuda_launch.cuh"
#include "core/ops/norms/residual_norm.cuh"
#include "core/ops/norms/residual_norm_cuda.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;
namespace kernel = subband::residual_norm_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 256;
constexpr size_t kSharedBytes = kThreads / 32 * sizeof(float);
constexpr int64_t kMostChunks = 65535;

template <class Value>
__global__ void forward(SubbandResidualNorm a, Value* sum, Value* normed, float* kept) {
  extern __shared__ float shared[];
  kernel::forward_body(a, sum, normed, kept, shared, Wide(), Narrow<Value>());
}

template <class Value>
__global__ void backward(SubbandResidualNorm a, SubbandResidualBack b) {
  extern __shared__ float shared[];
  kernel::backward_body<Value>(a, b, shared, Wide(), Narrow<Value>());
}

template <class Value>
__global__ void columns(SubbandResidualNorm a, SubbandResidualBack b) {
  kernel::columns_body<Value>(a, b, Wide());
}

}  // namespace

extern "C" const char* subband_cuda_residual_norm(const SubbandResidualNorm* a, void* sum, void* normed, float* kept) {
  if (a->rows * a->columns == 0) return nullptr;
  if (a->rows > launches::kMostBlocks) return "more rows than a grid has blocks";
  return launches::by_type(a->type, [&](auto value) {
    using Value = decltype(value);
    forward<<<static_cast<unsigned>(a->rows), kThreads, kSharedBytes, static_cast<cudaStream_t>(a->stream)>>>(
        *a, static_cast<Value*>(sum), static_cast<Value*>(normed), kept);
    return launches::outcome();
  });
}

extern "C" const char* subband_cuda_residual_norm_backward(const SubbandResidualNorm* a, const SubbandResidualBack* b) {
  if (a->rows * a->columns == 0) return nullptr;
  const int64_t chunks = (a->rows + SubbandResidualNorm::kRows - 1) / SubbandResidualNorm::kRows;
  if (a->rows > launches::kMostBlocks || chunks > kMostChunks) return "more rows than a grid has blocks";
  return launches::by_type(a->type, [&](auto value) {
    using Value = decltype(value);
    const auto stream = static_cast<cudaStream_t>(a->stream);
    backward<Value><<<static_cast<unsigned>(a->rows), kThreads, kSharedBytes, stream>>>(*a, *b);
    if (const char* problem = launches::outcome()) return problem;
    if (b->partial == nullptr) return static_cast<const char*>(nullptr);
    const dim3 grid(launches::blocks_for(a->columns, kThreads), static_cast<unsigned>(chunks));
    columns<Value><<<grid, kThreads, 0, stream>>>(*a, *b);
    return launches::outcome();
  });
}
