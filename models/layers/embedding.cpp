#include "models/layers/embedding.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>

namespace subband {

Embedding::Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation)
    : table_(add_parameter("weight", initializer.normal({count, width}, 0, deviation),
                           {.role = Role::embedding})) {}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(table_, ids); }

at::Tensor Embedding::rows(int64_t first, int64_t count) const { return table_.narrow(0, first, count); }

at::Tensor Embedding::logits(const at::Tensor& x) const { return at::linear(x, table_); }

}  // namespace subband
