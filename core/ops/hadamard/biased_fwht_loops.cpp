// The CPU path of biased_fwht besides the transform.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/hadamard/biased_fwht_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>

#include "core/ops/hadamard/biased_fwht_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using biased_fwht_paths::Rows;

static void add_bias(const Rows& rows, const float* z, const float* HWY_RESTRICT context,
                     const float* HWY_RESTRICT gains, float* y) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    each_vector(rows.columns, [=](auto d, int64_t i) {
      const auto bias = hn::Mul(hn::LoadU(d, context + i), hn::LoadU(d, gains + i));
      hn::StoreU(hn::Add(hn::LoadU(d, z + i), bias), d, y + i);
    });
    if (z != y) std::copy(z + rows.columns, z + rows.n, y + rows.columns);
    z += rows.n, y += rows.n, context += rows.columns;
  }
}

static void bias_backward(const Rows& rows, const float* HWY_RESTRICT g, const float* HWY_RESTRICT context,
                          const float* HWY_RESTRICT gains, float* HWY_RESTRICT of_context,
                          float* HWY_RESTRICT of_gains) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    each_vector(rows.columns, [=](auto d, int64_t i) {
      const auto up = hn::LoadU(d, g + i);
      hn::StoreU(hn::MulAdd(up, hn::LoadU(d, gains + i), hn::LoadU(d, of_context + i)), d, of_context + i);
      hn::StoreU(hn::MulAdd(up, hn::LoadU(d, context + i), hn::LoadU(d, of_gains + i)), d, of_gains + i);
    });
    g += rows.n, context += rows.columns, of_context += rows.columns;
  }
}

static float scale_and_dot(int64_t count, float factor, const float* HWY_RESTRICT x, float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(d, y + i);
    sum = hn::MulAdd(value, hn::LoadU(d, x + i), sum);
    hn::StoreU(hn::Mul(value, hn::Set(d, factor)), d, y + i);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += x[i] * y[i], y[i] *= factor;
  return total;
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(add_bias);
HWY_EXPORT(bias_backward);
HWY_EXPORT(scale_and_dot);

void biased_fwht_paths::add_bias(const Rows& rows, const float* z, const float* context, const float* gains,
                                 float* y) {
  HWY_DYNAMIC_DISPATCH(add_bias)(rows, z, context, gains, y);
}
void biased_fwht_paths::bias_backward(const Rows& rows, const float* g, const float* context,
                                      const float* gains, float* of_context, float* of_gains) {
  HWY_DYNAMIC_DISPATCH(bias_backward)(rows, g, context, gains, of_context, of_gains);
}
float biased_fwht_paths::scale_and_dot(int64_t count, float factor, const float* x, float* y) {
  return HWY_DYNAMIC_DISPATCH(scale_and_dot)(count, factor, x, y);
}

}  // namespace subband
#endif
