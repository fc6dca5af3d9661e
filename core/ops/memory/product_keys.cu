// Product keys, forward and back: the launchers of product_keys.cuh.
#include "core/ops/cuda_launch.cuh"
#include "core/ops/memory/product_keys.cuh"
#include "core/ops/memory/product_keys_cuda.h"

namespace {

namespace kernel = subband::product_keys_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 128, kWarp = 32;
constexpr size_t kUsualShared = 48 * 1024;

__global__ void choose(SubbandProductKeys p, const float* a, const float* b, int32_t* rows, float* weights) {
  extern __shared__ float shared[];
  kernel::choose_body(p, a, b, rows, weights, shared);
}
__global__ void read(SubbandProductKeys p, const float* table, const int32_t* rows, const float* weights, float* y) {
  kernel::read_body(p, table, rows, weights, y);
}
__global__ void weights_backward(SubbandProductKeys p, const float* table, const int32_t* rows, const float* g,
                                 float* of_weights) {
  kernel::weights_backward_body(p, table, rows, g, of_weights);
}
__global__ void scores_backward(SubbandProductKeys p, SubbandChoice choice, kernel::ScoreGradients to) {
  kernel::scores_backward_body(p, choice.rows, choice.weights, choice.of_weights, to);
}
__global__ void table_backward(SubbandProductKeys p, SubbandSortedSlots sorted, const float* weights, const float* g,
                               float* of_table) {
  kernel::table_body(p, sorted.rows, sorted.slots, weights, g, of_table);
}

cudaStream_t stream_of(const SubbandProductKeys& p) { return static_cast<cudaStream_t>(p.stream); }

}  // namespace

extern "C" const char* subband_cuda_choose_pairs(const SubbandProductKeys* p, const float* a, const float* b,
                                                 int32_t* rows, float* weights) {
  if (p->count == 0) return nullptr;
  if (p->count > launches::kMostBlocks) return "more positions than a grid has blocks";
  const size_t bytes = kernel::choice_bytes(p->side, p->kept);
  if (bytes > kUsualShared) return "more keys a side than shared memory holds";
  choose<<<static_cast<unsigned>(p->count), kWarp, bytes, stream_of(*p)>>>(*p, a, b, rows, weights);
  return launches::outcome();
}

extern "C" const char* subband_cuda_read_rows(const SubbandProductKeys* p, const float* table, const int32_t* rows,
                                              const float* weights, float* y) {
  if (p->count == 0) return nullptr;
  read<<<static_cast<unsigned>(p->count), kThreads, 0, stream_of(*p)>>>(*p, table, rows, weights, y);
  return launches::outcome();
}

extern "C" const char* subband_cuda_weights_backward(const SubbandProductKeys* p, const float* table,
                                                     const int32_t* rows, const float* g, float* of_weights) {
  if (p->count == 0) return nullptr;
  weights_backward<<<static_cast<unsigned>(p->count), kThreads, 0, stream_of(*p)>>>(*p, table, rows, g, of_weights);
  return launches::outcome();
}

extern "C" const char* subband_cuda_scores_backward(const SubbandProductKeys* p, const SubbandChoice* choice,
                                                    float* of_a, float* of_b) {
  if (p->count == 0) return nullptr;
  scores_backward<<<static_cast<unsigned>(p->count), kWarp, 0, stream_of(*p)>>>(*p, *choice, {of_a, of_b});
  return launches::outcome();
}

extern "C" const char* subband_cuda_table_backward(const SubbandProductKeys* p, const SubbandSortedSlots* sorted,
                                                   const float* weights, const float* g, float* of_table) {
  const int64_t slots = p->count * p->row_stride;
  if (slots == 0) return nullptr;
  if (slots > launches::kMostBlocks) return "more slots than a grid has blocks";
  table_backward<<<static_cast<unsigned>(slots), kThreads, 0, stream_of(*p)>>>(*p, *sorted, weights, g, of_table);
  return launches::outcome();
}
