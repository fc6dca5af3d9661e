#include "models/layers/embedding.h"

#include <ATen/ops/arange.h>

namespace subband {

Embedding::Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation) {
  start(initializer.normal({count, width}, 0, deviation), {.role = Role::embedding});
}

at::Tensor Embedding::rows(int64_t first, int64_t count) const {
  if (packed() == nullptr) return dense().narrow(0, first, count);
  return rows_of(at::arange(first, first + count, packed()->codes.options().dtype(at::kLong)));
}

}  // namespace subband
