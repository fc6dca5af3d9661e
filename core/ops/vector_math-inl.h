// Functions over vectors of floats, for loops that are compiled once for every instruction set (Google Highway). To be
// included after hwy/highway.h, again for every set: hence no `#pragma once`.
#if defined(SUBBAND_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SUBBAND_VECTOR_MATH_INL_H_
#undef SUBBAND_VECTOR_MATH_INL_H_
#else
#define SUBBAND_VECTOR_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// body(d, i) for i from 0 in steps of whole vectors, then for each of the rest in vectors of one lane.
template <class Body>
HWY_INLINE void each_vector(int64_t count, const Body& body) {
  const hn::ScalableTag<float> whole;
  const auto lanes = static_cast<int64_t>(hn::Lanes(whole));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(whole, i);
  const hn::CappedTag<float, 1> single;
  for (; i < count; ++i) body(single, i);
}

/// 1 / x to a rounding or two, for x >= 1; where a division is slow and the first guess has 14 bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V reciprocal(D d, V x) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const V guess = hn::ApproximateReciprocal(x);
  return hn::Mul(guess, hn::NegMulAdd(x, guess, hn::Set(d, 2.0f)));
#else
  return hn::Div(hn::Set(d, 1.0f), x);
#endif
}

/// exp(x), and x where it is not a number: Highway's Exp makes that 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_of(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, x));
}

/// The normal distribution: `below` = Phi(x), `density` = phi(x). The tail is exp(-x^2/2) times a ratio of polynomials in
/// |x|, fitted to 4e-10 of |x| Phi(-|x|), so that nothing cancels for negative x.
template <class V>
struct Normal {
  V below, density;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Normal<V> normal(D d, V x) {
  // No power of it overflows; of two operands Min takes the second where one is no number.
  const V t = hn::Min(hn::Set(d, 20.0f), hn::Abs(x)), one = hn::Set(d, 1.0f);
  V p = hn::MulAdd(t, hn::Set(d, 0.0104176234f), hn::Set(d, 0.0889170691f));
  p = hn::MulAdd(t, p, hn::Set(d, 0.303100228f));
  p = hn::MulAdd(t, p, hn::Set(d, 0.5f));
  V q = hn::MulAdd(t, hn::Set(d, 0.0261816457f), hn::Set(d, 0.221560419f));
  q = hn::MulAdd(t, q, hn::Set(d, 0.798134148f));
  q = hn::MulAdd(t, q, hn::Set(d, 1.4040848f));
  q = hn::MulAdd(t, q, one);
  const V e = exp_of(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f)));
  const V tail = hn::Mul(hn::Mul(e, p), reciprocal(d, q));
  const V below = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
  return {below, hn::Mul(e, hn::Set(d, 0.398942280f))};
}

/// 1 / (1 + exp(-x))
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  // Min may take the number of the two. Beyond 80 the value is less than the smallest that is kept, and exp(80) still is a number.
  const V e = hn::Exp(d, hn::Min(hn::Set(d, 80.0f), hn::Neg(x)));
  return hn::IfThenElse(hn::IsNaN(x), x, reciprocal(d, hn::Add(one, e)));
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
