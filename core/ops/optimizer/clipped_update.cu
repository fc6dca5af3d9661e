// Clipping and an optimiser's update in one pass: the launchers of clipped_update.cuh.
#include "core/ops/cuda_launch.cuh"
#include "core/ops/optimizer/clipped_update.cuh"
#include "core/ops/optimizer/clipped_update_cuda.h"

namespace {

namespace kernel = subband::clipped_update_kernel;
namespace launches = subband::cuda_launches;

constexpr unsigned kThreads = 512;

__global__ void adagrad(SubbandUpdate update) { kernel::adagrad_body(update); }
__global__ void adamw(SubbandUpdate update) { kernel::adamw_body(update); }

}  // namespace

extern "C" const char* subband_cuda_clipped_adagrad(const SubbandUpdate* u) {
  if (u->piece_count == 0) return nullptr;
  if (u->piece_count > launches::kMostBlocks) return "more pieces than a grid has blocks";
  adagrad<<<static_cast<unsigned>(u->piece_count), kThreads, 0, static_cast<cudaStream_t>(u->stream)>>>(*u);
  return launches::outcome();
}

extern "C" const char* subband_cuda_clipped_adamw(const SubbandUpdate* u) {
  if (u->piece_count == 0) return nullptr;
  if (u->piece_count > launches::kMostBlocks) return "more pieces than a grid has blocks";
  adamw<<<static_cast<unsigned>(u->piece_count), kThreads, 0, static_cast<cudaStream_t>(u->stream)>>>(*u);
  return launches::outcome();
}
