// A table of vectors, one per id or position.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/initializer.h"
#include "models/layers/weight_matrix.h"

namespace subband {

class Embedding final : public WeightMatrix {
 public:
  /// Starts at N(0, deviation).
  Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation);
  at::Tensor forward(const at::Tensor& ids) const { return rows_of(ids); }  ///< Shapes  [...] int64, each below count -> [..., D]
  at::Tensor rows(int64_t first, int64_t count) const;                      ///< [count, D]
  at::Tensor logits(const at::Tensor& x) const { return times(x); }  ///< the table as a head.  Shapes  [..., D] -> [..., count]
  double logits_flops(int64_t rows) const { return 2.0 * static_cast<double>(rows * WeightMatrix::rows() * columns()); }
  /// [count, D], shared and outside of autograd, for whoever sets other initial weights.
  at::Tensor first_table() const { return first_values(); }
};

}  // namespace subband
