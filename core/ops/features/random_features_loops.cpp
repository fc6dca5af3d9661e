// The CPU path of random_features besides its products: every row in one or two passes while it is in the cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/features/random_features_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

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

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A whole vector of a row; or the last values of one, as the front of a vector of zeros: rows are often short.
struct Whole {
  HWY_INLINE Vector load(const float* p) const { return hn::LoadU(Floats(), p); }
  HWY_INLINE void store(Vector v, float* p) const { hn::StoreU(v, Floats(), p); }
  HWY_INLINE Vector or_else(Vector v, float) const { return v; }
};
struct Front {
  int64_t count;

  HWY_INLINE auto mask() const { return hn::FirstN(Floats(), static_cast<size_t>(count)); }
  HWY_INLINE Vector or_else(Vector v, float rest) const { return hn::IfThenElse(mask(), v, hn::Set(Floats(), rest)); }
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  HWY_INLINE Vector load(const float* p) const { return hn::MaskedLoad(mask(), Floats(), p); }
  HWY_INLINE void store(Vector v, float* p) const { hn::BlendedStore(v, mask(), Floats(), p); }
#else
  HWY_INLINE Vector load(const float* p) const {
    HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)] = {};
    std::copy_n(p, count, values);
    return hn::Load(Floats(), values);
  }
  HWY_INLINE void store(Vector v, float* p) const {
    HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(v, Floats(), values);
    std::copy_n(values, count, p);
  }
#endif
};

// body(Whole or Front, i) for a row.
template <class Body>
HWY_INLINE void each_part(int64_t count, const Body& body) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(Whole(), i);
  if (i < count) body(Front{count - i}, i);
}

// exp(x) for x <= 0, to 2e-7 of it; 0 below the smallest normal number, and x where it is not a number. 2^n e^r with r at
// most half of ln 2, whose polynomial is that of Cephes; a large number added rounds, and leaves n in the lowest bits.
HWY_INLINE Vector exponential(Vector x) {
  const Floats d;
  const hn::RebindToSigned<Floats> bits;
  const auto large = hn::Set(d, 12582912.0f), shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), large);
  const auto n = hn::Sub(shifted, large);
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  auto p = hn::MulAdd(r, hn::Set(d, 1.9875691500e-4f), hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(r, p, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(r, p, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(r, p, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(r, p, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(hn::Mul(r, r), p, r), hn::Set(d, 1.0f));
  const auto scaled = hn::Add(hn::BitCast(bits, p), hn::ShiftLeft<23>(hn::BitCast(bits, shifted)));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), hn::BitCast(d, scaled));
}

// exp(scale p - c)
HWY_INLINE void exponentiate_row(int64_t features, float scale, float c, float* HWY_RESTRICT p) {
  const Floats d;
  each_part(features, [=](auto part, int64_t i) {
    part.store(exponential(hn::MulSub(part.load(p + i), hn::Set(d, scale), hn::Set(d, c))), p + i);
  });
}

// The largest of a row; not a number where one is none.
struct Largest {
  Vector most, none;

  HWY_INLINE Largest() : most(hn::Set(Floats(), -kInfinity)), none(hn::Zero(Floats())) {}
  template <class Part>
  HWY_INLINE void see(const Part& part, Vector value) {
    most = hn::Max(most, part.or_else(value, -kInfinity));
    none = hn::Or(none, hn::IfThenElseZero(hn::IsNaN(value), value));
  }
  HWY_INLINE float found() const {
    const Floats d;
    return hn::AllFalse(d, hn::IsNaN(none)) ? hn::GetLane(hn::MaxOfLanes(d, most))
                                            : std::numeric_limits<float>::quiet_NaN();
  }
};

static void exponentiate(const Rows& r, const float* HWY_RESTRICT c, float* HWY_RESTRICT log) {
  for (int64_t row = 0; row < r.rows; ++row) exponentiate_row(r.features, 1, c[row], log + row * r.features);
}

static void exponentiate_queries(const Rows& r, float* HWY_RESTRICT p) {
  const Floats d;
  for (int64_t row = 0; row < r.rows; ++row, p += r.features) {
    Largest largest;
    each_part(r.features,
              [&](auto part, int64_t i) { largest.see(part, hn::Mul(part.load(p + i), hn::Set(d, r.scale))); });
    exponentiate_row(r.features, r.scale, largest.found(), p);
  }
}

static void key_logarithms(const Rows& r, const float* HWY_RESTRICT x, float* HWY_RESTRICT p,
                           float* HWY_RESTRICT largest) {
  const Floats d;
  for (int64_t row = 0; row < r.rows; ++row, x += r.width) {
    auto squares = hn::Zero(d);
    each_part(r.width, [&](auto part, int64_t i) {
      const auto value = part.load(x + i);
      squares = hn::MulAdd(value, value, squares);
    });
    const float norm = 0.5f * r.scale * r.scale * hn::GetLane(hn::SumOfLanes(d, squares));
    float* const own = p + row * r.features;
    Largest found;
    each_part(r.features, [&](auto part, int64_t i) {
      const auto log = hn::MulSub(part.load(own + i), hn::Set(d, r.scale), hn::Set(d, norm));
      part.store(log, own + i);
      found.see(part, log);
    });
    largest[row] = found.found();
  }
}

static void exponentiate_backward(const Rows& r, const float* HWY_RESTRICT f, const float* HWY_RESTRICT g,
                                  float* HWY_RESTRICT of_p, float* HWY_RESTRICT sums) {
  const Floats d;
  for (int64_t row = 0; row < r.rows; ++row, f += r.features, g += r.features, of_p += r.features) {
    auto sum = hn::Zero(d);
    each_part(r.features, [&](auto part, int64_t i) {
      const auto value = hn::Mul(hn::Mul(part.load(f + i), part.load(g + i)), hn::Set(d, r.scale));
      part.store(value, of_p + i);
      sum = hn::Add(sum, value);
    });
    sums[row] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

static void norms_backward(const Rows& r, const float* HWY_RESTRICT x, const float* HWY_RESTRICT sums,
                           float* HWY_RESTRICT of_x) {
  const Floats d;
  for (int64_t row = 0; row < r.rows; ++row, x += r.width, of_x += r.width) {
    const auto factor = hn::Set(d, r.scale * sums[row]);
    each_part(r.width, [=](auto part, int64_t i) {
      part.store(hn::NegMulAdd(factor, part.load(x + i), part.load(of_x + i)), of_x + i);
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
