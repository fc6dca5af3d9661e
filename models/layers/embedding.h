// A table of vectors, one per id or position.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/initializer.h"
#include "models/module.h"

namespace subband {

class Embedding final : public Module {
 public:
  /// Starts at N(0, deviation).
  Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation);
  at::Tensor forward(const at::Tensor& ids) const;      ///< Shapes  [...] int64, each below count -> [..., D]
  at::Tensor rows(int64_t first, int64_t count) const;  ///< [count, D]
  at::Tensor logits(const at::Tensor& x) const;  ///< the table as a head.  Shapes  [..., D] -> [..., count]
  double logits_flops(int64_t rows) const { return 2.0 * static_cast<double>(rows * table_.numel()); }
  /// [count, D], shared and outside of autograd, for whoever sets other initial weights.
  at::Tensor first_table() const { return table_.detach(); }

 private:
  at::Tensor table_;  // [count, D]
};

}  // namespace subband
