// The CPU path of residual_norm: a few rows at a time, which stay in the first cache from the sum to the norm.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/norms/residual_norm_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <cmath>

#include "core/ops/norms/residual_norm_loops.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using residual_norm_paths::Gain;
using residual_norm_paths::NormGradients;
using residual_norm_paths::NormValues;
using residual_norm_paths::Rows;
using residual_norm_paths::Term;

// Sums of up to two terms a column over a row.
struct Two {
  float first, second;
};
template <class Body>
HWY_INLINE Two row_sums(int64_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = a;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i, a, b);
  Two sums{hn::GetLane(hn::SumOfLanes(d, a)), hn::GetLane(hn::SumOfLanes(d, b))};
  const hn::CappedTag<float, 1> single;
  for (; i < count; ++i) {
    auto one = hn::Set(single, sums.first), two = hn::Set(single, sums.second);
    body(single, i, one, two);
    sums = {hn::GetLane(one), hn::GetLane(two)};
  }
  return sums;
}

template <class D>
HWY_INLINE hn::Vec<D> gain_at(D d, const Gain& gain, int64_t i) {
  return gain.step == 0 ? hn::Set(d, *gain.values) : hn::LoadU(d, gain.values + i);
}

template <class D>
HWY_INLINE hn::Vec<D> term_at(D d, const Term& term, int64_t i) {
  const auto y = hn::LoadU(d, term.y + i);
  return term.gain.values ? hn::Mul(gain_at(d, term.gain, i), y) : y;
}

static void sum_rows(const Rows& rows, const Term& x, const Term* branches, int64_t count, float* HWY_RESTRICT z) {
  const int64_t columns = rows.columns;
  for (int64_t at = 0; at < rows.rows * columns; at += columns) {
    const auto own = [at](const Term& term) { return Term{term.y + at, term.gain}; };
    const Term stream = own(x), first = own(branches[0]);
    float* const to = z + at;
    if (count > 1) each_vector(columns, [=](auto d, int64_t i) { hn::StoreU(term_at(d, first, i), d, to + i); });
    for (int64_t k = 1; k < count; ++k) {
      const Term next = own(branches[k]);
      each_vector(columns, [=](auto d, int64_t i) {
        hn::StoreU(hn::Add(hn::LoadU(d, to + i), term_at(d, next, i)), d, to + i);
      });
    }
    each_vector(columns, [=](auto d, int64_t i) {
      const auto sum = count > 1 ? hn::LoadU(d, to + i) : term_at(d, first, i);
      hn::StoreU(hn::Add(term_at(d, stream, i), sum), d, to + i);
    });
  }
}

static void norm_rows(const Rows& rows, const NormValues& norm, const float* HWY_RESTRICT z, float* HWY_RESTRICT n,
                      float* HWY_RESTRICT kept) {
  const int64_t columns = rows.columns;
  const auto share = 1 / static_cast<float>(columns);
  for (int64_t row = 0; row < rows.rows; ++row, z += columns, n += columns, kept += 2) {
    float mean = 0;
    if (norm.subtracts_mean)
      mean = share * row_sums(columns, [=](auto d, int64_t i, auto& sum, auto&) {
               sum = hn::Add(sum, hn::LoadU(d, z + i));
             }).first;
    const float squares = row_sums(columns, [=](auto d, int64_t i, auto& sum, auto&) {
                            const auto apart = hn::Sub(hn::LoadU(d, z + i), hn::Set(d, mean));
                            sum = hn::MulAdd(apart, apart, sum);
                          }).first;
    const float factor = 1 / std::sqrt(squares * share + norm.epsilon);
    kept[0] = mean, kept[1] = factor;
    each_vector(columns, [=](auto d, int64_t i) {
      const auto flat = hn::Mul(hn::Sub(hn::LoadU(d, z + i), hn::Set(d, mean)), hn::Set(d, factor));
      auto y = hn::Mul(flat, hn::LoadU(d, norm.weight + i));
      if (norm.bias) y = hn::Add(y, hn::LoadU(d, norm.bias + i));
      hn::StoreU(y, d, n + i);
    });
  }
}

// u = weight g;  d = g_z + (u - mean(u) - flat mean(u flat)) / deviation, without mean(u) where no mean is subtracted
static void norm_rows_backward(const Rows& rows, const NormValues& norm, const float* HWY_RESTRICT z,
                               const float* HWY_RESTRICT kept, const NormGradients& gradients, float* d_rows) {
  const int64_t columns = rows.columns;
  const auto share = 1 / static_cast<float>(columns);
  const float *g = gradients.g, *g_z = gradients.g_z;
  float *const of_weight = gradients.of_weight, *const of_bias = gradients.of_bias;
  for (int64_t row = 0; row < rows.rows; ++row) {
    const float mean = kept[2 * row], factor = kept[2 * row + 1];
    const auto flat_at = [=](auto d, int64_t i) {
      return hn::Mul(hn::Sub(hn::LoadU(d, z + i), hn::Set(d, mean)), hn::Set(d, factor));
    };
    const Two sums = row_sums(columns, [=](auto d, int64_t i, auto& of_mean, auto& of_flat) {
      const auto up = hn::LoadU(d, g + i), flat = flat_at(d, i), u = hn::Mul(up, hn::LoadU(d, norm.weight + i));
      hn::StoreU(hn::MulAdd(up, flat, hn::LoadU(d, of_weight + i)), d, of_weight + i);
      if (of_bias) hn::StoreU(hn::Add(up, hn::LoadU(d, of_bias + i)), d, of_bias + i);
      of_mean = hn::Add(of_mean, u), of_flat = hn::MulAdd(u, flat, of_flat);
    });
    const float shift = norm.subtracts_mean ? share * sums.first : 0, slope = share * sums.second;
    each_vector(columns, [=](auto d, int64_t i) {
      const auto u = hn::Mul(hn::LoadU(d, g + i), hn::LoadU(d, norm.weight + i));
      auto own = hn::NegMulAdd(flat_at(d, i), hn::Set(d, slope), hn::Sub(u, hn::Set(d, shift)));
      own = hn::Mul(own, hn::Set(d, factor));
      if (g_z) own = hn::Add(own, hn::LoadU(d, g_z + i));
      hn::StoreU(own, d, d_rows + i);
    });
    z += columns, g += columns, d_rows += columns;
    if (g_z) g_z += columns;
  }
}

static void gain_rows_backward(const Rows& rows, const Term& term, const float* HWY_RESTRICT d_rows,
                               float* HWY_RESTRICT of_y, float* HWY_RESTRICT of_gain) {
  const int64_t columns = rows.columns;
  const float* y = term.y;
  const Gain gain = term.gain;
  for (int64_t row = 0; row < rows.rows; ++row, d_rows += columns, y += columns) {
    const Two dot = row_sums(columns, [=](auto d, int64_t i, auto& sum, auto&) {
      const auto up = hn::LoadU(d, d_rows + i), own = hn::LoadU(d, y + i);
      if (gain.step == 0)
        sum = hn::MulAdd(up, own, sum);
      else
        hn::StoreU(hn::MulAdd(up, own, hn::LoadU(d, of_gain + i)), d, of_gain + i);
      if (of_y) hn::StoreU(hn::Mul(gain_at(d, gain, i), up), d, of_y + i);
    });
    if (gain.step == 0) *of_gain += dot.first;
    if (of_y) of_y += columns;
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(sum_rows);
HWY_EXPORT(norm_rows);
HWY_EXPORT(norm_rows_backward);
HWY_EXPORT(gain_rows_backward);

void residual_norm_paths::sum_rows(const Rows& rows, const Term& x, const Term* branches, int64_t count, float* z) {
  HWY_DYNAMIC_DISPATCH(sum_rows)(rows, x, branches, count, z);
}
void residual_norm_paths::norm_rows(const Rows& rows, const NormValues& norm, const float* z, float* n, float* kept) {
  HWY_DYNAMIC_DISPATCH(norm_rows)(rows, norm, z, n, kept);
}
void residual_norm_paths::norm_rows_backward(const Rows& rows, const NormValues& norm, const float* z,
                                             const float* kept, const NormGradients& gradients, float* d) {
  HWY_DYNAMIC_DISPATCH(norm_rows_backward)(rows, norm, z, kept, gradients, d);
}
void residual_norm_paths::gain_rows_backward(const Rows& rows, const Term& term, const float* d, float* of_y,
                                             float* of_gain) {
  HWY_DYNAMIC_DISPATCH(gain_rows_backward)(rows, term, d, of_y, of_gain);
}

}  // namespace subband
#endif
