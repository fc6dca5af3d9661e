// Training batches: B streams that run through a corpus side by side, each batch where the one before ended.
//   row b of batch k  starts at b · W · L + (k mod W) · L,   W = ⌊(N − 1) / (B · L)⌋ batches a pass
//   N = 14, B = 2, L = 3:   batch 0  012 678    batch 1  345 9ab    batch 2  as batch 0, and the streams start anew
// For nets that hand a state on to the next window. Less than B · L tokens at the end of the corpus are never seen.
// Source  Transformer-XL's training, arXiv 1901.02860
#pragma once
#include <cstdint>
#include <vector>

#include "experiments/tasks/random_windows.h"

namespace subband {

/// Batch k is a function of k alone; the seed plays no part.
class SequentialWindows {
 public:
  /// `tokens` must outlive this. ConfigError where the streams are shorter than a window.
  SequentialWindows(const TokenFile& tokens, const RandomWindows::Options& options);

  /// Batch `index`; its tensors are reused by the next draw. The first of a pass says that it restarts.
  const Batch& draw(uint64_t index);
  int64_t batches_per_pass() const { return pass_; }

 private:
  const TokenFile& tokens_;
  int64_t length_, pass_;
  std::vector<int64_t> first_;  // of each row
  at::Tensor rows_;             // [B, L+1] on the CPU
  Batch batch_;
};

}  // namespace subband
