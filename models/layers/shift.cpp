#include "models/layers/shift.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/zeros_like.h>

namespace subband {

at::Tensor shift(const at::Tensor& x_BLC, int64_t distance) {
  if (distance >= x_BLC.size(1)) return at::zeros_like(x_BLC);
  return at::constant_pad_nd(x_BLC, {0, 0, distance, -distance});
}

}  // namespace subband
