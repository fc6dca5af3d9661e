// The CPU path of the lifting besides its products.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/lifting/lifting_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/lifting/lifting_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using lifting_paths::Blend;
using lifting_paths::Part;
using lifting_paths::Taps;

// sum_k w[k] of the rows at distance direction (first + k) that are inside the sequence of row `at`.
template <class D>
HWY_INLINE hn::Vec<D> weighted(D d, const Taps& taps, const float* HWY_RESTRICT x, int64_t columns, int64_t t,
                               int64_t length, int64_t direction) {
  auto sum = hn::Zero(d);
  for (int64_t k = 0; k < taps.count; ++k) {
    const int64_t distance = direction * (taps.first + k);
    if (t + distance < 0 || t + distance >= length) continue;
    sum = hn::MulAdd(hn::Set(d, taps.weights[k]), hn::LoadU(d, x + distance * columns), sum);
  }
  return sum;
}

static void detail(const Part& part, const Taps& taps, const float* c, const float* q,
                   const float* HWY_RESTRICT bias, float scale, float* HWY_RESTRICT y) {
  for (int64_t row = part.first; row < part.end; ++row) {
    const int64_t at = row * part.columns, own = at - part.first * part.columns;
    each_vector(part.columns, [&](auto d, int64_t i) {
      const auto past = weighted(d, taps, c + at + i, part.columns, row % part.length, part.length, -1);
      const auto predicted = hn::Add(hn::LoadU(d, q + own + i), hn::LoadU(d, bias + i));
      hn::StoreU(hn::Mul(hn::Sub(past, predicted), hn::Set(d, scale)), d, y + at + i);
    });
  }
}

static void blend(const Part& part, const Blend& how, const float* x, const float* u,
                  const float* HWY_RESTRICT bias, float* y) {
  for (int64_t row = part.first; row < part.end; ++row) {
    const int64_t at = row * part.columns, own = at - part.first * part.columns;
    each_vector(part.columns, [&](auto d, int64_t i) {
      const auto sum = hn::Add(hn::LoadU(d, u + own + i), hn::LoadU(d, bias + i));
      const auto all =
          hn::MulAdd(hn::LoadU(d, x + at + i), hn::Set(d, how.factor), hn::Mul(sum, hn::Set(d, how.sign)));
      hn::StoreU(hn::Mul(all, hn::Set(d, how.scale)), d, y + at + i);
    });
  }
}

static void scaled(const Part& part, float scale, const float* x, float* y, float* HWY_RESTRICT sums) {
  for (int64_t row = part.first; row < part.end; ++row) {
    const int64_t at = row * part.columns;
    each_vector(part.columns, [&](auto d, int64_t i) {
      const auto value = hn::Mul(hn::LoadU(d, x + at + i), hn::Set(d, scale));
      hn::StoreU(value, d, y + at + i);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), value), d, sums + i);
    });
  }
}

static void added(const Part& part, float scale, const float* x, const float* p, float* y,
                  float* HWY_RESTRICT sums) {
  for (int64_t row = part.first; row < part.end; ++row) {
    const int64_t at = row * part.columns;
    each_vector(part.columns, [&](auto d, int64_t i) {
      const auto value =
          hn::Mul(hn::Add(hn::LoadU(d, x + at + i), hn::LoadU(d, p + at + i)), hn::Set(d, scale));
      hn::StoreU(value, d, y + at + i);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), value), d, sums + i);
    });
  }
}

static void past_backward(const Part& part, const Taps& taps, const float* x, const float* p, const float* q,
                          float* y) {
  for (int64_t row = part.first; row < part.end; ++row) {
    const int64_t at = row * part.columns;
    each_vector(part.columns, [&](auto d, int64_t i) {
      const auto sum = weighted(d, taps, q + at + i, part.columns, row % part.length, part.length, +1);
      hn::StoreU(hn::Sub(hn::Add(hn::LoadU(d, x + at + i), hn::LoadU(d, p + at + i)), sum), d, y + at + i);
    });
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(detail);
HWY_EXPORT(blend);
HWY_EXPORT(scaled);
HWY_EXPORT(added);
HWY_EXPORT(past_backward);

void lifting_paths::detail(const Part& part, const Taps& taps, const float* c, const float* q,
                           const float* bias, float scale, float* d) {
  HWY_DYNAMIC_DISPATCH(detail)(part, taps, c, q, bias, scale, d);
}
void lifting_paths::blend(const Part& part, const Blend& how, const float* x, const float* u,
                          const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(blend)(part, how, x, u, bias, y);
}
void lifting_paths::scaled(const Part& part, float scale, const float* x, float* y, float* sums) {
  HWY_DYNAMIC_DISPATCH(scaled)(part, scale, x, y, sums);
}
void lifting_paths::added(const Part& part, float scale, const float* x, const float* p, float* y,
                          float* sums) {
  HWY_DYNAMIC_DISPATCH(added)(part, scale, x, p, y, sums);
}
void lifting_paths::past_backward(const Part& part, const Taps& taps, const float* x, const float* p,
                                  const float* q, float* y) {
  HWY_DYNAMIC_DISPATCH(past_backward)(part, taps, x, p, q, y);
}

}  // namespace subband
#endif
