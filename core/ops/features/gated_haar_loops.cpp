// The CPU path of gated_haar. Causal: one pass over time, with the last 2^l rows of every level in the first cache. By
// blocks: a block after the other, whose coefficients stand in place: at p > 0 the detail of the level that the lowest bit
// of p names, at 0 the approximation.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/features/gated_haar_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>

#include "core/ops/features/gated_haar.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using gated_haar_paths::Extent;
using gated_haar_paths::HaarGradients;
using gated_haar_paths::Sequence;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V banded(D d, const Extent& e, V x) {
  return e.f == BandActivation::gelu ? hn::Mul(x, normal(d, x).below) : x;
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V through_activation(D d, const Extent& e, V x, V g) {
  if (e.f != BandActivation::gelu) return g;
  const auto at_x = normal(d, x);
  return hn::Mul(g, hn::MulAdd(x, at_x.density, at_x.below));
}

// The sum of term(d, i) over i.
template <class Term>
HWY_INLINE float sum_of(int64_t count, const Term& term) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, term(d, i));
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  const hn::CappedTag<float, 1> single;
  for (; i < count; ++i) total += hn::GetLane(term(single, i));
  return total;
}

HWY_INLINE const float* gains_at(const Extent& e, const Sequence& in, int64_t t) {
  return in.gains + (e.per_token ? t * (e.levels + 1) : 0);
}

// Where the row that is 2^level tokens away was written, and this one's goes; null where none is that far away.
HWY_INLINE float* slot_of(const Extent& e, float* rings, int64_t level, int64_t t) {
  const int64_t distance = int64_t{1} << level;
  return distance < e.length ? rings + (distance - 1 + (t & (distance - 1))) * e.channels : nullptr;
}

// What stood in the slot, which c takes.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exchanged(D d, float* slot, int64_t i, V c) {
  if (slot == nullptr) return hn::Zero(d);
  const V before = hn::LoadU(d, slot + i);
  hn::StoreU(c, d, slot + i);
  return before;
}

HWY_INLINE void clear_rings(const Extent& e, float* rings) {
  int64_t rows = 0;
  for (int64_t level = 0; level < e.levels && (int64_t{1} << level) < e.length; ++level) rows += int64_t{1} << level;
  std::fill_n(rings, rows * e.channels, 0.0f);
}

static void causal(const Extent& e, const Sequence& in, float* HWY_RESTRICT y, float* HWY_RESTRICT rings) {
  clear_rings(e, rings);
  for (int64_t t = std::max<int64_t>(0, e.first - e.seen()); t < e.end; ++t) {
    const float *const gains = gains_at(e, in, t), *const x = in.x + t * e.channels;
    each_vector(e.channels, [&](auto d, int64_t i) {
      const auto half = hn::Set(d, 0.5f);
      auto c = banded(d, e, hn::LoadU(d, x + i)), sum = hn::Zero(d);
      for (int64_t level = 0; level < e.levels; ++level) {
        const auto next = hn::Mul(hn::Add(c, exchanged(d, slot_of(e, rings, level, t), i, c)), half);
        sum = hn::MulAdd(hn::Set(d, gains[level]), hn::Sub(c, next), sum);
        c = next;
      }
      sum = hn::MulAdd(hn::Set(d, gains[e.levels]), c, sum);
      if (t >= e.first) hn::StoreU(sum, d, y + t * e.channels + i);
    });
  }
}

// Of the gains: every band once more, times g.
static void causal_gains_backward(const Extent& e, const Sequence& in, const float* HWY_RESTRICT g, float* of_gains,
                                  float* HWY_RESTRICT scratch) {
  float *const row = scratch, *const rings = scratch + e.channels;
  clear_rings(e, rings);
  for (int64_t t = std::max<int64_t>(0, e.first - e.seen()); t < e.end; ++t) {
    const float *const x = in.x + t * e.channels, *const own = g + t * e.channels;
    float* const to = of_gains + t * (e.levels + 1);
    each_vector(e.channels, [&](auto d, int64_t i) { hn::StoreU(banded(d, e, hn::LoadU(d, x + i)), d, row + i); });
    for (int64_t level = 0; level < e.levels; ++level) {
      float* const slot = slot_of(e, rings, level, t);
      const float sum = sum_of(e.channels, [&](auto d, int64_t i) {
        const auto c = hn::LoadU(d, row + i);
        const auto next = hn::Mul(hn::Add(c, exchanged(d, slot, i, c)), hn::Set(d, 0.5f));
        hn::StoreU(next, d, row + i);
        return hn::Mul(hn::LoadU(d, own + i), hn::Sub(c, next));
      });
      if (t >= e.first) to[level] = sum;
    }
    if (t < e.first) continue;
    to[e.levels] = sum_of(
        e.channels, [&](auto d, int64_t i) { return hn::Mul(hn::LoadU(d, own + i), hn::LoadU(d, row + i)); });
  }
}

// y = sum_l h_l c_l with h_0 = g_0 and h_l = g_l - g_{l-1}; so d_l[t] = h_l[t] g[t] + (d_{l+1}[t] + d_{l+1}[t + 2^l]) / 2.
static void causal_backward(const Extent& e, const Sequence& in, const float* HWY_RESTRICT g, const HaarGradients& to,
                            float* HWY_RESTRICT scratch) {
  causal_gains_backward(e, in, g, to.of_gains, scratch);
  float* const rings = scratch;
  clear_rings(e, rings);
  for (int64_t t = std::min(e.length, e.end + e.seen()) - 1; t >= e.first; --t) {
    const float *const gains = gains_at(e, in, t), *const x = in.x + t * e.channels;
    const auto factor = [=](int64_t level) { return level == 0 ? gains[0] : gains[level] - gains[level - 1]; };
    each_vector(e.channels, [&](auto d, int64_t i) {
      const auto half = hn::Set(d, 0.5f), own = hn::LoadU(d, g + t * e.channels + i);
      auto of_c = hn::Mul(own, hn::Set(d, factor(e.levels)));
      for (int64_t level = e.levels - 1; level >= 0; --level) {
        const auto both = hn::Add(of_c, exchanged(d, slot_of(e, rings, level, t), i, of_c));
        of_c = hn::MulAdd(own, hn::Set(d, factor(level)), hn::Mul(both, half));
      }
      if (t < e.end)
        hn::StoreU(through_activation(d, e, hn::LoadU(d, x + i), of_c), d, to.of_x + t * e.channels + i);
    });
  }
}

// (a + b) / sqrt2 and (a - b) / sqrt2 in their places.
HWY_INLINE void butterfly(int64_t channels, float* HWY_RESTRICT a, float* HWY_RESTRICT b) {
  each_vector(channels, [=](auto d, int64_t i) {
    const auto root_half = hn::Set(d, 0.707106781f), u = hn::LoadU(d, a + i), v = hn::LoadU(d, b + i);
    hn::StoreU(hn::Mul(hn::Add(u, v), root_half), d, a + i);
    hn::StoreU(hn::Mul(hn::Sub(u, v), root_half), d, b + i);
  });
}

HWY_INLINE void analyse(const Extent& e, float* rows) {
  for (int64_t half = 1; half <= e.seen(); half *= 2)
    for (int64_t p = 0; p <= e.seen(); p += 2 * half)
      butterfly(e.channels, rows + p * e.channels, rows + (p + half) * e.channels);
}

HWY_INLINE void synthesise(const Extent& e, float* rows) {
  for (int64_t half = (e.seen() + 1) / 2; half > 0; half /= 2)
    for (int64_t p = 0; p <= e.seen(); p += 2 * half)
      butterfly(e.channels, rows + p * e.channels, rows + (p + half) * e.channels);
}

// The gain of the coefficient at place p of the block that begins at `start`, as a place in gains of all tokens.
struct Coefficient {
  int64_t token, band;
};
HWY_INLINE Coefficient coefficient(const Extent& e, int64_t start, int64_t p) {
  return {start + (p & (p - 1)), p == 0 ? e.levels : static_cast<int64_t>(__builtin_ctzll(static_cast<uint64_t>(p)))};
}

HWY_INLINE void scale_band(const Extent& e, const Sequence& in, const Coefficient& of, float* row) {
  const float gain = gains_at(e, in, std::min(of.token, e.length - 1))[of.band];
  each_vector(e.channels,
              [=](auto d, int64_t i) { hn::StoreU(hn::Mul(hn::LoadU(d, row + i), hn::Set(d, gain)), d, row + i); });
}

// Rows of the block that begins at `start`, zeros beyond the last token; through f if there is one.
template <bool kActivated>
HWY_INLINE void take_block(const Extent& e, const float* HWY_RESTRICT x, int64_t start, float* HWY_RESTRICT rows) {
  for (int64_t p = 0; p <= e.seen(); ++p) {
    float* const row = rows + p * e.channels;
    if (start + p >= e.length) {
      std::fill_n(row, e.channels, 0.0f);
      continue;
    }
    const float* const from = x + (start + p) * e.channels;
    each_vector(e.channels, [&](auto d, int64_t i) {
      const auto value = hn::LoadU(d, from + i);
      hn::StoreU(kActivated ? banded(d, e, value) : value, d, row + i);
    });
  }
}

static void block(const Extent& e, const Sequence& in, float* HWY_RESTRICT y, float* HWY_RESTRICT rows) {
  for (int64_t start = e.first; start < e.end; start += e.seen() + 1) {
    take_block<true>(e, in.x, start, rows);
    analyse(e, rows);
    for (int64_t p = 0; p <= e.seen(); ++p) scale_band(e, in, coefficient(e, start, p), rows + p * e.channels);
    synthesise(e, rows);
    const int64_t count = std::min(e.seen() + 1, e.length - start);
    std::copy_n(rows, count * e.channels, y + start * e.channels);
  }
}

// The block form is its own transpose.
static void block_backward(const Extent& e, const Sequence& in, const float* HWY_RESTRICT g, const HaarGradients& to,
                           float* HWY_RESTRICT scratch) {
  const int64_t C = e.channels;
  float *const bands = scratch, *const rows = scratch + (e.seen() + 1) * C;
  for (int64_t start = e.first; start < e.end; start += e.seen() + 1) {
    take_block<true>(e, in.x, start, bands);
    take_block<false>(e, g, start, rows);
    analyse(e, bands), analyse(e, rows);
    for (int64_t p = 0; p <= e.seen(); ++p) {
      const Coefficient of = coefficient(e, start, p);
      if (of.token < e.length)
        to.of_gains[of.token * (e.levels + 1) + of.band] = sum_of(C, [&](auto d, int64_t i) {
          return hn::Mul(hn::LoadU(d, bands + p * C + i), hn::LoadU(d, rows + p * C + i));
        });
      scale_band(e, in, of, rows + p * C);
    }
    synthesise(e, rows);
    for (int64_t p = 0; p <= e.seen() && start + p < e.length; ++p) {
      const int64_t at = (start + p) * C;
      each_vector(C, [&](auto d, int64_t i) {
        const auto of_band = hn::LoadU(d, rows + p * C + i);
        hn::StoreU(through_activation(d, e, hn::LoadU(d, in.x + at + i), of_band), d, to.of_x + at + i);
      });
    }
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(causal);
HWY_EXPORT(causal_backward);
HWY_EXPORT(block);
HWY_EXPORT(block_backward);

int64_t gated_haar_paths::scratch(const Extent& e, bool is_causal) {
  if (!is_causal) return 2 * (e.seen() + 1) * e.channels;
  int64_t rows = 1;
  for (int64_t level = 0; level < e.levels && (int64_t{1} << level) < e.length; ++level) rows += int64_t{1} << level;
  return rows * e.channels;
}

void gated_haar_paths::causal(const Extent& extent, const Sequence& in, float* y, float* scratch) {
  HWY_DYNAMIC_DISPATCH(causal)(extent, in, y, scratch);
}
void gated_haar_paths::causal_backward(const Extent& extent, const Sequence& in, const float* g,
                                       const HaarGradients& to, float* scratch) {
  HWY_DYNAMIC_DISPATCH(causal_backward)(extent, in, g, to, scratch);
}
void gated_haar_paths::block(const Extent& extent, const Sequence& in, float* y, float* scratch) {
  HWY_DYNAMIC_DISPATCH(block)(extent, in, y, scratch);
}
void gated_haar_paths::block_backward(const Extent& extent, const Sequence& in, const float* g,
                                      const HaarGradients& to, float* scratch) {
  HWY_DYNAMIC_DISPATCH(block_backward)(extent, in, g, to, scratch);
}

}  // namespace subband
#endif
