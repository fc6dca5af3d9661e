#include "models/layers/embedding.h"

#include <ATen/ops/embedding.h>

namespace subband {

Embedding::Embedding(Initializer& initializer, int64_t count, int64_t width, double deviation)
    : weight(register_parameter("weight", initializer.normal({count, width}, 0, deviation))) {}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(weight, ids); }

}  // namespace subband
