// The CPU path of clipped_update: every value is read and written once.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/optimizer/clipped_update_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/optimizer/clipped_update_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using clipped_update_paths::Factors;
using clipped_update_paths::Piece;

static void adagrad(const Piece& piece, const Factors& f) {
  float* const HWY_RESTRICT parameter = piece.parameter;
  float* const HWY_RESTRICT sums = piece.first;
  const float* const HWY_RESTRICT gradient = piece.gradient;
  each_vector(piece.count, [=](auto d, int64_t i) {
    const auto p = hn::LoadU(d, parameter + i);
    auto g = hn::Mul(hn::LoadU(d, gradient + i), hn::Set(d, f.factor));
    if (f.weight_decay != 0) g = hn::MulAdd(p, hn::Set(d, f.weight_decay), g);
    const auto sum = hn::MulAdd(g, g, hn::LoadU(d, sums + i));
    hn::StoreU(sum, d, sums + i);
    const auto root = hn::Add(hn::Sqrt(sum), hn::Set(d, f.eps));
    hn::StoreU(hn::Sub(p, hn::Div(hn::Mul(hn::Set(d, f.rate), g), root)), d, parameter + i);
  });
}

static void adamw(const Piece& piece, const Factors& f) {
  float* const HWY_RESTRICT parameter = piece.parameter;
  float* const HWY_RESTRICT averages = piece.first;
  float* const HWY_RESTRICT squared = piece.second;
  const float* const HWY_RESTRICT gradient = piece.gradient;
  each_vector(piece.count, [=](auto d, int64_t i) {
    const auto g = hn::Mul(hn::LoadU(d, gradient + i), hn::Set(d, f.factor));
    const auto old = hn::LoadU(d, averages + i);
    const auto m = hn::MulAdd(hn::Set(d, f.of_gradient), hn::Sub(g, old), old);
    const auto kept = hn::Mul(hn::Set(d, f.beta2), hn::LoadU(d, squared + i));
    const auto v = hn::MulAdd(hn::Mul(hn::Set(d, f.of_square), g), g, kept);
    hn::StoreU(m, d, averages + i);
    hn::StoreU(v, d, squared + i);
    const auto root = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, f.root)), hn::Set(d, f.eps));
    const auto moved = hn::Div(hn::Mul(hn::Set(d, f.rate), m), root);
    hn::StoreU(hn::MulSub(hn::LoadU(d, parameter + i), hn::Set(d, f.kept), moved), d, parameter + i);
  });
}

static double squares(const float* HWY_RESTRICT values, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto x0 = hn::LoadU(d, values + i), x1 = hn::LoadU(d, values + i + lanes);
    const auto x2 = hn::LoadU(d, values + i + 2 * lanes), x3 = hn::LoadU(d, values + i + 3 * lanes);
    s0 = hn::MulAdd(x0, x0, s0), s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2), s3 = hn::MulAdd(x3, x3, s3);
  }
  const auto sum = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
  auto total = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
  for (; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return total;
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(adagrad);
HWY_EXPORT(adamw);
HWY_EXPORT(squares);

void clipped_update_paths::adagrad(const Piece& piece, const Factors& factors) {
  HWY_DYNAMIC_DISPATCH(adagrad)(piece, factors);
}
void clipped_update_paths::adamw(const Piece& piece, const Factors& factors) {
  HWY_DYNAMIC_DISPATCH(adamw)(piece, factors);
}
double clipped_update_paths::squares(const float* values, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(squares)(values, count);
}

}  // namespace subband
#endif
