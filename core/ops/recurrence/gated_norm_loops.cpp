// The CPU path of gated_norm: a row at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/recurrence/gated_norm_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <cmath>

#include "core/ops/recurrence/gated_norm.h"
#include "core/ops/short_rows-inl.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using gated_norm_paths::NormRows;

// 1 / sqrt(mean(x²) + ε)
static float norm_factor(const NormRows& rows, const float* HWY_RESTRICT x) {
  float sum = 0;
  each_column(rows.width, [&](auto d, int64_t i) {
    const auto value = hn::LoadU(d, x + i);
    sum += hn::GetLane(hn::SumOfLanes(d, hn::Mul(value, value)));
  });
  return 1 / std::sqrt(sum / static_cast<float>(rows.width) + rows.epsilon);
}

template <class D>
HWY_INLINE hn::Vec<D> gain_of(D d, const float* gain, int64_t i) {
  return gain == nullptr ? hn::Set(d, 1.0f) : hn::LoadU(d, gain + i);
}

static void loops(const NormRows& rows, float* HWY_RESTRICT y) {
  const float *HWY_RESTRICT x = rows.x, *HWY_RESTRICT z = rows.z;
  for (int64_t row = 0; row < rows.count; ++row, x += rows.width, z += rows.width, y += rows.width) {
    const float factor = norm_factor(rows, x);
    each_column(rows.width, [&](auto d, int64_t i) {
      const auto normed = hn::Mul(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), gain_of(d, rows.gain, i));
      const auto own = hn::LoadU(d, z + i);
      hn::StoreU(hn::Mul(normed, hn::Mul(own, sigmoid(d, own))), d, y + i);
    });
  }
}

// With n = x r:  ∂n = g gain silu(z),  ∂x = r (∂n - n mean(n ∂n)),  ∂z = g n gain silu'(z),  ∂gain = sum of g n silu(z)
static void loops_backward(const NormRows& rows, const float* HWY_RESTRICT g, float* HWY_RESTRICT of_x,
                           float* HWY_RESTRICT of_z, float* of_gain) {
  const float *HWY_RESTRICT x = rows.x, *HWY_RESTRICT z = rows.z;
  const int64_t width = rows.width;
  for (int64_t row = 0; row < rows.count; ++row) {
    const float factor = norm_factor(rows, x);
    float product = 0;
    each_column(width, [&](auto d, int64_t i) {
      const auto one = hn::Set(d, 1.0f);
      const auto own = hn::LoadU(d, z + i), open = sigmoid(d, own), up = hn::LoadU(d, g + i);
      const auto n = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), gain = gain_of(d, rows.gain, i);
      const auto gated = hn::Mul(up, hn::Mul(own, open));
      const auto slope = hn::Mul(open, hn::MulAdd(own, hn::Sub(one, open), one));
      hn::StoreU(hn::Mul(hn::Mul(up, slope), hn::Mul(n, gain)), d, of_z + i);
      if (of_gain != nullptr) hn::StoreU(hn::MulAdd(gated, n, hn::LoadU(d, of_gain + i)), d, of_gain + i);
      const auto of_n = hn::Mul(gated, gain);
      hn::StoreU(of_n, d, of_x + i);
      product += hn::GetLane(hn::SumOfLanes(d, hn::Mul(of_n, n)));
    });
    const float mean = product / static_cast<float>(width);
    each_column(width, [&](auto d, int64_t i) {
      const auto r = hn::Set(d, factor), n = hn::Mul(hn::LoadU(d, x + i), r);
      hn::StoreU(hn::Mul(r, hn::NegMulAdd(n, hn::Set(d, mean), hn::LoadU(d, of_x + i))), d, of_x + i);
    });
    x += width, z += width, g += width, of_x += width, of_z += width;
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(loops);
HWY_EXPORT(loops_backward);

void gated_norm_paths::loops(const NormRows& rows, float* y) { HWY_DYNAMIC_DISPATCH(loops)(rows, y); }
void gated_norm_paths::loops_backward(const NormRows& rows, const float* g, float* of_x, float* of_z,
                                      float* of_gain) {
  HWY_DYNAMIC_DISPATCH(loops_backward)(rows, g, of_x, of_z, of_gain);
}

}  // namespace subband
#endif
