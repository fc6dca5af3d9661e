// How rotary positions are stretched to windows longer than those of training: a change of the pairs' rates.
//   linear   rate / factor
//   llama3   slow pairs (period above length / low) rate / factor, fast ones (below length / high) unchanged, between
//            them a blend in 1 / period
//   yarn     pairs that turn fewer than beta_slow times in `length` rate / factor, more than beta_fast unchanged, a ramp
//            over the pairs between; sines and cosines times 0.1 ln(factor) + 1
// Source  Chen et al. 2023, arXiv 2306.15595; Llama 3.1; YaRN, Peng et al. 2023, arXiv 2309.00071
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/config/binder.h"

namespace subband {

struct RopeScaling {
  std::string type = "none";
  double factor = 1;
  int64_t length = 8192;     ///< longest window of training
  double low_frequency = 1;  ///< llama3
  double high_frequency = 4;
  double beta_slow = 1;  ///< yarn
  double beta_fast = 32;
  bool whole_pairs = true;
  std::optional<double> amplitude;

  void bind(Binder& b);
  /// Radians per position of each pair, slowest last.  Shapes  -> [K/2] fp32
  at::Tensor rates(int64_t head_width, double base) const;
  /// What sines and cosines are multiplied by.
  double gain() const;
};

}  // namespace subband
