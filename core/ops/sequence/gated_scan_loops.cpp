// The CPU path of gated_scan: one pass over time. The states of four vectors of channels stay in registers, so that one's
// product need not wait for another's.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/sequence/gated_scan_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/sequence/gated_scan.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using gated_scan_paths::Extent;
using gated_scan_paths::Gradients;
using gated_scan_paths::Scanned;

// y[t] = a[t] y[t-1] + u[t] for the vector at `at`.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V scanned(D d, V state, const float* HWY_RESTRICT a, const float* HWY_RESTRICT u, float* HWY_RESTRICT y,
                     int64_t at) {
  state = hn::MulAdd(hn::LoadU(d, a + at), state, hn::LoadU(d, u + at));
  hn::StoreU(state, d, y + at);
  return state;
}

static void loops(const Extent& e, const float* HWY_RESTRICT a, const float* HWY_RESTRICT u, float* HWY_RESTRICT y) {
  if (e.length == 0) return;
  const hn::ScalableTag<float> whole;
  const auto lanes = static_cast<int64_t>(hn::Lanes(whole));
  int64_t i = 0;
  const auto first = [=](auto d, int64_t at) {
    const auto state = hn::LoadU(d, u + at);
    hn::StoreU(state, d, y + at);
    return state;
  };
  for (; i + 4 * lanes <= e.channels; i += 4 * lanes) {
    auto s0 = first(whole, i), s1 = first(whole, i + lanes);
    auto s2 = first(whole, i + 2 * lanes), s3 = first(whole, i + 3 * lanes);
    for (int64_t t = 1; t < e.length; ++t) {
      const int64_t at = t * e.stride + i;
      s0 = scanned(whole, s0, a, u, y, at);
      s1 = scanned(whole, s1, a, u, y, at + lanes);
      s2 = scanned(whole, s2, a, u, y, at + 2 * lanes);
      s3 = scanned(whole, s3, a, u, y, at + 3 * lanes);
    }
  }
  each_vector(e.channels - i, [=](auto d, int64_t rest) {
    auto state = first(d, i + rest);
    for (int64_t t = 1; t < e.length; ++t) state = scanned(d, state, a, u, y, t * e.stride + i + rest);
  });
}

// What is given on to the position before.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V walked_back(D d, V later, const Scanned& from, const float* HWY_RESTRICT g, const Gradients& to,
                         int64_t at, int64_t stride) {
  const V of_u = hn::Add(hn::LoadU(d, g + at), later);
  hn::StoreU(of_u, d, to.of_u + at);
  hn::StoreU(hn::Mul(of_u, hn::LoadU(d, from.y + at - stride)), d, to.of_a + at);
  return hn::Mul(hn::LoadU(d, from.a + at), of_u);
}

static void loops_backward(const Extent& e, const Scanned& from, const float* HWY_RESTRICT g, const Gradients& to) {
  if (e.length == 0) return;
  const hn::ScalableTag<float> whole;
  const auto lanes = static_cast<int64_t>(hn::Lanes(whole));
  int64_t i = 0;
  const auto last = [=](auto d, auto later, int64_t at) {
    hn::StoreU(hn::Add(hn::LoadU(d, g + at), later), d, to.of_u + at);
    hn::StoreU(hn::Zero(d), d, to.of_a + at);
  };
  for (; i + 4 * lanes <= e.channels; i += 4 * lanes) {
    auto s0 = hn::Zero(whole), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t t = e.length - 1; t > 0; --t) {
      const int64_t at = t * e.stride + i;
      s0 = walked_back(whole, s0, from, g, to, at, e.stride);
      s1 = walked_back(whole, s1, from, g, to, at + lanes, e.stride);
      s2 = walked_back(whole, s2, from, g, to, at + 2 * lanes, e.stride);
      s3 = walked_back(whole, s3, from, g, to, at + 3 * lanes, e.stride);
    }
    last(whole, s0, i), last(whole, s1, i + lanes), last(whole, s2, i + 2 * lanes), last(whole, s3, i + 3 * lanes);
  }
  each_vector(e.channels - i, [=, &from, &to](auto d, int64_t rest) {
    auto later = hn::Zero(d);
    for (int64_t t = e.length - 1; t > 0; --t)
      later = walked_back(d, later, from, g, to, t * e.stride + i + rest, e.stride);
    last(d, later, i + rest);
  });
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(loops);
HWY_EXPORT(loops_backward);

void gated_scan_paths::loops(const Extent& extent, const float* a, const float* u, float* y) {
  HWY_DYNAMIC_DISPATCH(loops)(extent, a, u, y);
}
void gated_scan_paths::loops_backward(const Extent& extent, const Scanned& scanned, const float* g,
                                      const Gradients& to) {
  HWY_DYNAMIC_DISPATCH(loops_backward)(extent, scanned, g, to);
}

}  // namespace subband
#endif
