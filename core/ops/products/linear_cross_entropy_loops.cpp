// The CPU path of linear_cross_entropy besides its products: a row of logits in three passes while it is in the cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/products/linear_cross_entropy_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "core/ops/products/linear_cross_entropy.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

static float row_loss(int64_t vocabulary, int64_t target, float scale, float* HWY_RESTRICT logits) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = vocabulary - vocabulary % lanes;
  float largest = logits[0];  // of the numbers: what is none shows in the sum
  if (whole > 0) {
    auto most = hn::LoadU(d, logits);
    for (int64_t i = lanes; i < whole; i += lanes) most = hn::Max(most, hn::LoadU(d, logits + i));
    largest = hn::GetLane(hn::MaxOfLanes(d, most));
  }
  for (int64_t i = whole; i < vocabulary; ++i) largest = std::max(largest, logits[i]);
  const float of_target = logits[target] - largest;
  auto sums = hn::Zero(d);
  double sum = 0;
  each_vector(vocabulary, [&](auto part, int64_t i) {
    const auto e = exp_of(part, hn::Sub(hn::LoadU(part, logits + i), hn::Set(part, largest)));
    hn::StoreU(e, part, logits + i);
    if (i < whole)
      sums = hn::Add(sums, hn::LoadU(d, logits + i));
    else
      sum += static_cast<double>(hn::GetLane(e));
  });
  sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  const auto factor = static_cast<float>(static_cast<double>(scale) / sum);
  each_vector(vocabulary, [=](auto part, int64_t i) {
    hn::StoreU(hn::Mul(hn::LoadU(part, logits + i), hn::Set(part, factor)), part, logits + i);
  });
  logits[target] -= scale;
  return static_cast<float>(std::log(sum) - static_cast<double>(of_target));
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(row_loss);

float linear_cross_entropy_paths::row_loss(int64_t vocabulary, int64_t target, float scale, float* logits) {
  return HWY_DYNAMIC_DISPATCH(row_loss)(vocabulary, target, scale, logits);
}

}  // namespace subband
#endif
