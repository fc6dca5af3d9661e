// Clipping and an optimiser's update in one pass over memory on a device (clipped_update.cu). No LibTorch header and no
// CUDA header here.
#pragma once
#include <stdint.h>

/// At most kPiece values of one tensor.
struct SubbandUpdatePiece {
  float* parameter;
  const float* gradient;
  float *first, *second;  ///< Adagrad: sums of squares, null; AdamW: averaged gradients and squares
  int64_t count;
  const float* steps;  ///< t, of AdamW: steps with a gradient, this one with them; on the device
};

struct SubbandUpdate {
  static constexpr int64_t kPiece = 1 << 14;
  const SubbandUpdatePiece* pieces;  ///< on the device
  int64_t piece_count;
  const float* norm;  ///< of all gradients, on the device; null: nothing is clipped
  float clip_norm, rate, weight_decay, eps;
  float beta1, beta2;  ///< of AdamW
  void* stream;
};

// Null when all is well, else a sentence that lives as long as the program.
extern "C" const char* subband_cuda_clipped_adagrad(const SubbandUpdate* update);
extern "C" const char* subband_cuda_clipped_adamw(const SubbandUpdate* update);
