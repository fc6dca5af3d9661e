// The CPU path of rotation. Compiled without fused products, so that its bits are those of single operations.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/sequence/rotation_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/short_rows-inl.h"
#include "core/ops/sequence/rotation.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using rotation_paths::Position;

static void rotate_halves(const Position& at, const float* HWY_RESTRICT x, float* HWY_RESTRICT y) {
  const float sign = at.back ? -1.0f : 1.0f;
  for (int64_t head = 0; head < at.heads; ++head, x += 2 * at.pairs, y += 2 * at.pairs) {
    each_column(at.pairs, [&](auto d, int64_t i) {
      const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + at.pairs + i), cos = hn::LoadU(d, at.cos + i);
      const auto sin = hn::Mul(hn::LoadU(d, at.sin + i), hn::Set(d, sign));
      hn::StoreU(hn::Sub(hn::Mul(a, cos), hn::Mul(b, sin)), d, y + i);
      hn::StoreU(hn::Add(hn::Mul(b, cos), hn::Mul(a, sin)), d, y + at.pairs + i);
    });
  }
}

static void rotate_neighbours(const Position& at, const float* HWY_RESTRICT x, float* HWY_RESTRICT y) {
  const float sign = at.back ? -1.0f : 1.0f;
  for (int64_t head = 0; head < at.heads; ++head, x += 2 * at.pairs, y += 2 * at.pairs) {
    for (int64_t i = 0; i < at.pairs; ++i) {
      const float a = x[2 * i], b = x[2 * i + 1], cos = at.cos[i], sin = at.sin[i] * sign;
      y[2 * i] = a * cos - b * sin;
      y[2 * i + 1] = b * cos + a * sin;
    }
  }
}

static void loops(const Position& position, const float* x, float* y) {
  if (position.pairing == Pairing::half)
    rotate_halves(position, x, y);
  else
    rotate_neighbours(position, x, y);
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(loops);

void rotation_paths::loops(const Position& position, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(loops)(position, x, y);
}

}  // namespace subband
#endif
