// The CPU path of random_features besides its products: every row in one or two passes while it is in the cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/features/random_features_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <limits>
#include <type_traits>

#include "core/ops/features/random_features.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using random_features_paths::Rows;

// What is not a number stays.
static void rectify(const Rows& r, float* HWY_RESTRICT p) {
  each_vector(r.rows * r.features, [=, &r](auto d, int64_t i) {
    const auto value = hn::LoadU(d, p + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Le(value, hn::Zero(d)), hn::Mul(value, hn::Set(d, r.scale))), d, p + i);
  });
}

static void rectify_backward(const Rows& r, const float* HWY_RESTRICT f, const float* HWY_RESTRICT g,
                             float* HWY_RESTRICT of_p) {
  each_vector(r.rows * r.features, [=, &r](auto d, int64_t i) {
    const auto slope = hn::Mul(hn::LoadU(d, g + i), hn::Set(d, r.scale));
    hn::StoreU(hn::IfThenZeroElse(hn::Le(hn::LoadU(d, f + i), hn::Zero(d)), slope), d, of_p + i);
  });
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Of two the larger one; one that is not a number stays, and so does it where it comes second.
HWY_INLINE float larger(float a, float b) { return a >= b || a != a ? a : b; }

// body(d, i) as each_vector, but with shorter vectors for the rest before single lanes: rows are often short.
template <class Body>
HWY_INLINE void each_part(int64_t count, const Body& body) {
  const hn::ScalableTag<float> whole;
  const auto lanes = static_cast<int64_t>(hn::Lanes(whole));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(whole, i);
  const hn::CappedTag<float, 8> eight;
  if (lanes > 8 && i + 8 <= count) body(eight, i), i += 8;
  const hn::CappedTag<float, 4> four;
  if (lanes > 4 && i + 4 <= count) body(four, i), i += 4;
  const hn::CappedTag<float, 1> single;
  for (; i < count; ++i) body(single, i);
}

// The largest of values(d, i) over i; not a number where one is none.
template <class Values>
HWY_INLINE float largest_of(int64_t count, const Values& values) {
  const hn::ScalableTag<float> whole;
  auto most = hn::Set(whole, -std::numeric_limits<float>::infinity()), zero_or_none = hn::Zero(whole);
  float rest = -std::numeric_limits<float>::infinity();
  each_part(count, [&](auto d, int64_t i) {
    const auto value = values(d, i);
    if constexpr (std::is_same_v<decltype(d), hn::ScalableTag<float>>) {
      most = hn::Max(most, value);
      zero_or_none = hn::Or(zero_or_none, hn::IfThenElseZero(hn::IsNaN(value), value));
    } else {
      rest = larger(rest, hn::AllFalse(d, hn::IsNaN(value)) ? hn::GetLane(hn::MaxOfLanes(d, value)) : kNaN);
    }
  });
  const bool is_number = hn::AllFalse(whole, hn::IsNaN(zero_or_none));
  return larger(rest, is_number ? hn::GetLane(hn::MaxOfLanes(whole, most)) : kNaN);
}

HWY_INLINE void exponentiate_row(int64_t features, float c, float* HWY_RESTRICT log) {
  each_part(features, [=](auto d, int64_t i) {
    hn::StoreU(exp_of(d, hn::Sub(hn::LoadU(d, log + i), hn::Set(d, c))), d, log + i);
  });
}

// p becomes scale p - norm, the logarithms, whose largest is returned.
HWY_INLINE float logarithms_of_row(const Rows& r, float norm, float* HWY_RESTRICT p) {
  return largest_of(r.features, [=, &r](auto d, int64_t i) {
    const auto log = hn::MulSub(hn::LoadU(d, p + i), hn::Set(d, r.scale), hn::Set(d, norm));
    hn::StoreU(log, d, p + i);
    return log;
  });
}

static void exponentiate(const Rows& r, const float* HWY_RESTRICT c, float* HWY_RESTRICT log) {
  for (int64_t row = 0; row < r.rows; ++row) exponentiate_row(r.features, c[row], log + row * r.features);
}

static void exponentiate_queries(const Rows& r, float* HWY_RESTRICT p) {
  for (int64_t row = 0; row < r.rows; ++row, p += r.features)
    exponentiate_row(r.features, logarithms_of_row(r, 0, p), p);
}

HWY_INLINE float squared_norm(int64_t count, const float* HWY_RESTRICT x) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(d, x + i);
    sum = hn::MulAdd(value, value, sum);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) total += x[i] * x[i];
  return total;
}

static void key_logarithms(const Rows& r, const float* HWY_RESTRICT x, float* HWY_RESTRICT p,
                           float* HWY_RESTRICT largest) {
  const float factor = 0.5f * r.scale * r.scale;
  for (int64_t row = 0; row < r.rows; ++row)
    largest[row] =
        logarithms_of_row(r, factor * squared_norm(r.width, x + row * r.width), p + row * r.features);
}

static void exponentiate_backward(const Rows& r, const float* HWY_RESTRICT f, const float* HWY_RESTRICT g,
                                  float* HWY_RESTRICT of_p, float* HWY_RESTRICT sums) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < r.rows; ++row, f += r.features, g += r.features, of_p += r.features) {
    auto sum = hn::Zero(d);
    int64_t i = 0;
    for (; i + lanes <= r.features; i += lanes) {
      const auto value = hn::Mul(hn::Mul(hn::LoadU(d, f + i), hn::LoadU(d, g + i)), hn::Set(d, r.scale));
      hn::StoreU(value, d, of_p + i);
      sum = hn::Add(sum, value);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < r.features; ++i) total += of_p[i] = f[i] * g[i] * r.scale;
    sums[row] = total;
  }
}

static void norms_backward(const Rows& r, const float* HWY_RESTRICT x, const float* HWY_RESTRICT sums,
                           float* HWY_RESTRICT of_x) {
  for (int64_t row = 0; row < r.rows; ++row, x += r.width, of_x += r.width) {
    const float factor = r.scale * sums[row];
    each_vector(r.width, [=](auto d, int64_t i) {
      hn::StoreU(hn::NegMulAdd(hn::Set(d, factor), hn::LoadU(d, x + i), hn::LoadU(d, of_x + i)), d, of_x + i);
    });
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(rectify);
HWY_EXPORT(rectify_backward);
HWY_EXPORT(exponentiate);
HWY_EXPORT(exponentiate_queries);
HWY_EXPORT(key_logarithms);
HWY_EXPORT(exponentiate_backward);
HWY_EXPORT(norms_backward);

void random_features_paths::rectify(const Rows& rows, float* p) { HWY_DYNAMIC_DISPATCH(rectify)(rows, p); }
void random_features_paths::rectify_backward(const Rows& rows, const float* f, const float* g, float* of_p) {
  HWY_DYNAMIC_DISPATCH(rectify_backward)(rows, f, g, of_p);
}
void random_features_paths::exponentiate(const Rows& rows, const float* c, float* p) {
  HWY_DYNAMIC_DISPATCH(exponentiate)(rows, c, p);
}
void random_features_paths::exponentiate_queries(const Rows& rows, float* p) {
  HWY_DYNAMIC_DISPATCH(exponentiate_queries)(rows, p);
}
void random_features_paths::key_logarithms(const Rows& rows, const float* x, float* p, float* largest) {
  HWY_DYNAMIC_DISPATCH(key_logarithms)(rows, x, p, largest);
}
void random_features_paths::exponentiate_backward(const Rows& rows, const float* f, const float* g, float* of_p,
                                                  float* sums) {
  HWY_DYNAMIC_DISPATCH(exponentiate_backward)(rows, f, g, of_p, sums);
}
void random_features_paths::norms_backward(const Rows& rows, const float* x, const float* sums, float* of_x) {
  HWY_DYNAMIC_DISPATCH(norms_backward)(rows, x, sums, of_x);
}

}  // namespace subband
#endif
