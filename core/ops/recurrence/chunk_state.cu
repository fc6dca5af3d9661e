// Walks of chunk_state: the launcher of chunk_state.cuh.
#include <stdint.h>

#include "core/ops/cuda_launch.cuh"
#include "core/ops/recurrence/chunk_state.cuh"
#include "core/ops/recurrence/chunk_state_cuda.h"

namespace {

namespace kernel = subband::chunk_state_kernel;
namespace launches = subband::cuda_launches;

constexpr int64_t kMostColumns = 65535 * 32;

__global__ void chunk_walk(SubbandChunkWalk w) {
  extern __shared__ float shared[];
  kernel::walk_body(w, shared);
}

}  // namespace

extern "C" const char* subband_cuda_chunk_walk(const SubbandChunkWalk* w) {
  const int64_t blocks = w->sequences * (w->per_group ? w->groups : w->heads);
  if (blocks * w->columns == 0) return nullptr;
  if (blocks > launches::kMostBlocks || w->columns > kMostColumns) return "more sequences or columns than a grid has blocks";
  if (w->rows > subband::chunk_state_paths::kMostCudaRows) return "more rows than stand in registers";
  const int64_t warps = w->rows < kernel::kMostWarps ? (w->rows < 1 ? 1 : w->rows) : kernel::kMostWarps;
  const dim3 grid(static_cast<unsigned>(blocks), launches::blocks_for(w->columns, 32));
  const size_t bytes = static_cast<size_t>(warps) * kernel::kStep * 32 * sizeof(float);
  chunk_walk<<<grid, static_cast<unsigned>(warps * 32), bytes, static_cast<cudaStream_t>(w->stream)>>>(*w);
  return launches::outcome();
}
