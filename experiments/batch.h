// What one forward pass is fed.
#pragma once
#include <ATen/core/Tensor.h>

namespace subband {

struct Batch {
  at::Tensor inputs_BL;   ///< [B,L] int64 ids, or [B,L,C] float32
  at::Tensor targets_BL;  ///< [B,L] int64, kNoTarget where nothing is asked; of a classification [B]
  at::Tensor keep_BL;     ///< [B,L] bool, true = no padding; undefined where nothing is padded
  bool restarts = false;  ///< rows go on from batch to batch, and this one begins them anew
};

/// The target of positions that do not count; what cross-entropy ignores unless told otherwise.
inline constexpr int64_t kNoTarget = -100;

}  // namespace subband
