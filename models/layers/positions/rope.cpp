#include "models/layers/positions/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <bit>

#include "core/ops/sequence/rotation.h"

namespace subband {

// Half precision is rotated in fp32, so the tables are never narrower.
static at::ScalarType table_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

void Rope::prepare(const at::Tensor& x_BLHR, int64_t length) {
  const at::ScalarType type = table_type(x_BLHR);
  if (cos_.defined() && cos_.size(0) >= length && cos_.scalar_type() == type &&
      cos_.device() == x_BLHR.device())
    return;
  const c10::NoGradGuard no_gradient;
  // Room for twice as many, or tokens that come one by one would make the table anew each time.
  length = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(length)));
  const int64_t width = x_BLHR.size(3);
  const auto options = x_BLHR.options().dtype(at::kFloat);
  const at::Tensor rates = scaling_.rates(width, base_).to(x_BLHR.device());
  const at::Tensor angles = at::arange(length, options).unsqueeze(1) * rates;
  const double gain = scaling_.gain();
  cos_ = angles.cos().mul(gain).to(type);
  sin_ = angles.sin().mul(gain).to(type);
}

at::Tensor Rope::rotate(const at::Tensor& x_BLHK, int64_t offset) {
  if (pairing_ == "none") return x_BLHK;
  const int64_t still = x_BLHK.size(-1) - width_;
  if (width_ == 0 || still == 0) return rotate_all(x_BLHK, offset);
  return at::cat({rotate_all(x_BLHK.narrow(-1, 0, width_), offset), x_BLHK.narrow(-1, width_, still)}, -1);
}

at::Tensor Rope::rotate_all(const at::Tensor& x_BLHR, int64_t offset) {
  const int64_t length = x_BLHR.size(1);
  prepare(x_BLHR, offset + length);
  const Pairing pairing = pairing_ == "half" ? Pairing::half : Pairing::interleaved;
  return rotation(x_BLHR.to(table_type(x_BLHR)), cos_.narrow(0, offset, length), sin_.narrow(0, offset, length), pairing)
      .to(x_BLHR.scalar_type());
}

}  // namespace subband
