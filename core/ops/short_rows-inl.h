// Rows of a few columns, for loops that are compiled once for every instruction set (Google Highway). To be included after
// hwy/highway.h, again for every set: hence no `#pragma once`.
#if defined(SUBBAND_SHORT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SUBBAND_SHORT_ROWS_INL_H_
#undef SUBBAND_SHORT_ROWS_INL_H_
#else
#define SUBBAND_SHORT_ROWS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// body(d, i) for the columns of a row in whole vectors, the last ones in vectors of 8, 4 or 1 lanes.
template <class Body>
HWY_INLINE void each_column(int64_t count, const Body& body) {
  const hn::ScalableTag<float> whole;
  const auto lanes = static_cast<int64_t>(hn::Lanes(whole));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(whole, i);
  const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 4> four;
  const hn::CappedTag<float, 1> one;
  for (const auto step = static_cast<int64_t>(hn::Lanes(eight)); i + step <= count; i += step) body(eight, i);
  for (const auto step = static_cast<int64_t>(hn::Lanes(four)); i + step <= count; i += step) body(four, i);
  for (; i < count; ++i) body(one, i);
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
