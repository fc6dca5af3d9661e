// The CPU path of weighted_mean: a row at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/recurrence/weighted_mean_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/short_rows-inl.h"
#include "core/ops/recurrence/weighted_mean.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using weighted_mean_paths::MeanRows;

// What is no number stays one.
static float divisor_of(const MeanRows& rows, const float* sums) {
  const float weights = sums[rows.width] + rows.epsilon;
  return weights < rows.least ? rows.least : weights;
}

static void loops(const MeanRows& rows, const float* HWY_RESTRICT sums, float* HWY_RESTRICT y) {
  for (int64_t row = 0; row < rows.count; ++row, sums += rows.width + 1, y += rows.width) {
    const float divisor = divisor_of(rows, sums);
    each_column(rows.width, [&](auto d, int64_t i) {
      hn::StoreU(hn::Div(hn::LoadU(d, sums + i), hn::Set(d, divisor)), d, y + i);
    });
  }
}

// Of the weights: -sum of g y / divisor, and nothing where they are below the floor.
static void loops_backward(const MeanRows& rows, const float* HWY_RESTRICT sums, const float* HWY_RESTRICT g,
                           float* HWY_RESTRICT of_sums) {
  const int64_t width = rows.width;
  for (int64_t row = 0; row < rows.count; ++row) {
    const float divisor = divisor_of(rows, sums);
    float product = 0;
    each_column(width, [&](auto d, int64_t i) {
      const auto own = hn::Div(hn::LoadU(d, g + i), hn::Set(d, divisor));
      hn::StoreU(own, d, of_sums + i);
      product += hn::GetLane(hn::SumOfLanes(d, hn::Mul(own, hn::LoadU(d, sums + i))));
    });
    of_sums[width] = sums[width] + rows.epsilon >= rows.least ? -product / divisor : 0;
    sums += width + 1, g += width, of_sums += width + 1;
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(loops);
HWY_EXPORT(loops_backward);

void weighted_mean_paths::loops(const MeanRows& rows, const float* sums, float* y) {
  HWY_DYNAMIC_DISPATCH(loops)(rows, sums, y);
}
void weighted_mean_paths::loops_backward(const MeanRows& rows, const float* sums, const float* g, float* of_sums) {
  HWY_DYNAMIC_DISPATCH(loops_backward)(rows, sums, g, of_sums);
}

}  // namespace subband
#endif
