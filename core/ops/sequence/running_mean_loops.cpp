// The CPU path of running_mean: one pass over time, all channels side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/sequence/running_mean_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/sequence/running_mean.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using running_mean_paths::Extent;

// The sums stay in registers while time goes by.
static void loops(const Extent& e, const float* HWY_RESTRICT x, float* HWY_RESTRICT m) {
  each_vector(e.channels, [&](auto d, int64_t i) {
    auto sum = hn::Zero(d);
    for (int64_t t = 0; t < e.length; ++t) {
      sum = hn::Add(sum, hn::LoadU(d, x + t * e.channels + i));
      hn::StoreU(hn::Div(sum, hn::Set(d, static_cast<float>(t + 1))), d, m + t * e.channels + i);
    }
  });
}

static void loops_backward(const Extent& e, const float* HWY_RESTRICT g, float* HWY_RESTRICT of_x) {
  each_vector(e.channels, [&](auto d, int64_t i) {
    auto sum = hn::Zero(d);
    for (int64_t t = e.length - 1; t >= 0; --t) {
      sum =
          hn::Add(sum, hn::Div(hn::LoadU(d, g + t * e.channels + i), hn::Set(d, static_cast<float>(t + 1))));
      hn::StoreU(sum, d, of_x + t * e.channels + i);
    }
  });
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(loops);
HWY_EXPORT(loops_backward);

void running_mean_paths::loops(const Extent& extent, const float* x, float* m) {
  HWY_DYNAMIC_DISPATCH(loops)(extent, x, m);
}
void running_mean_paths::loops_backward(const Extent& extent, const float* g, float* of_x) {
  HWY_DYNAMIC_DISPATCH(loops_backward)(extent, g, of_x);
}

}  // namespace subband
#endif
