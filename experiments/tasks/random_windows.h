// Training batches: windows of a corpus that start anywhere.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/batch.h"
#include "experiments/data/files/token_file.h"

namespace subband {

/// Draws B starts uniformly from [0, N - L - 1), with replacement, as WaveletLM's training script does. Batch k is
/// a pure function of seed, stream name and k.
class RandomWindows {
 public:
  struct Options {
    int64_t batch = 1;   ///< B
    int64_t length = 1;  ///< L
    uint64_t seed = 0;
    std::string stream;  ///< `batch` for training, `valid` for estimates
    at::Device device = at::kCPU;
  };
  /// `tokens` must outlive this. ConfigError where not even one window fits.
  RandomWindows(const TokenFile& tokens, Options options);

  /// Batch `index`; its tensors are reused by the next draw.
  const Batch& draw(uint64_t index);

 private:
  const TokenFile& tokens_;
  Options options_;
  int64_t starts_;
  std::vector<int64_t> first_;  // of each row
  at::Tensor rows_;             // [B, L+1] on the CPU
  Batch batch_;
};

}  // namespace subband
