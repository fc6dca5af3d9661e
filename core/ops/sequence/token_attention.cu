// Attention of one token: the launcher of token_attention.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/sequence/token_attention.cuh"
#include "core/ops/sequence/token_attention.h"

namespace {

using subband::cuda_values::Narrow;
using subband::cuda_values::Wide;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 256;

template <class Value>
__global__ void attention(SubbandTokenAttention a, const Value* q, const Value* k, const Value* v, Value* y) {
  extern __shared__ float shared[];
  subband::token_attention_kernel::attention_body(a, q, k, v, y, shared, Wide(), Narrow<Value>());
}

}  // namespace

extern "C" const char* subband_cuda_token_attention(const SubbandTokenAttention* a, const void* q, const void* k,
                                                    const void* v, void* y) {
  const int64_t rows = a->sequences * a->groups * a->queries;
  if (rows * a->value_width == 0) return nullptr;
  if (rows > launches::kMostBlocks) return "more queries than a grid has blocks";
  const size_t bytes = kThreads / 32 * static_cast<size_t>(a->value_width + 2) * sizeof(float);
  return launches::by_type(a->type, [&](auto value) {
    using Value = decltype(value);
    attention<<<static_cast<unsigned>(rows), kThreads, bytes, static_cast<cudaStream_t>(a->stream)>>>(
        *a, static_cast<const Value*>(q), static_cast<const Value*>(k), static_cast<const Value*>(v),
        static_cast<Value*>(y));
    return launches::outcome();
  });
}
