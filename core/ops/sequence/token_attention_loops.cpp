// The CPU path of token_attention: a query's scores, their softmax and its values while they are in the first cache. Where
// several queries read one group, keys and values stream through that cache in blocks, which all of them read there.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/sequence/token_attention_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "core/ops/sequence/token_attention.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using token_attention_paths::Extent;
using token_attention_paths::Group;

constexpr int64_t kBlockRows = 64;

#if HWY_TARGET == HWY_SCALAR
template <class D, class V>
HWY_INLINE void store_four_sums(D, V a, V b, V c, V e, float* to) {
  to[0] = hn::GetLane(a), to[1] = hn::GetLane(b), to[2] = hn::GetLane(c), to[3] = hn::GetLane(e);
}
#else
// Adds up over blocks of four lanes.
template <class D, class V>
HWY_INLINE void store_folded(D d, V sums, float* to) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    store_folded(half, hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)), to);
  } else {
    hn::StoreU(sums, d, to);
  }
}

// The sums of four vectors' lanes: what a transposition of four by four leaves is added up lane by lane.
template <class D, class V>
HWY_INLINE void store_four_sums(D d, V a, V b, V c, V e, float* to) {
  const hn::RepartitionToWide<D> pairs;
  const auto ab = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  const auto ce = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e)));
  store_folded(d, hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, ab, ce)),
                          hn::BitCast(d, hn::InterleaveUpper(pairs, ab, ce))), to);
}
#endif

// s[t] = q k[t] for so many keys.
template <class D>
HWY_INLINE void dots(D d, int64_t width, const float* HWY_RESTRICT q, const float* HWY_RESTRICT k, int64_t keys,
                     float* HWY_RESTRICT s) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = width - width % lanes;
  int64_t t = 0;
  for (; t + 4 <= keys; t += 4) {
    const float *const k0 = k + t * width, *const k1 = k0 + width, *const k2 = k1 + width, *const k3 = k2 + width;
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t i = 0; i < whole; i += lanes) {
      const auto own = hn::LoadU(d, q + i);
      s0 = hn::MulAdd(own, hn::LoadU(d, k0 + i), s0), s1 = hn::MulAdd(own, hn::LoadU(d, k1 + i), s1);
      s2 = hn::MulAdd(own, hn::LoadU(d, k2 + i), s2), s3 = hn::MulAdd(own, hn::LoadU(d, k3 + i), s3);
    }
    store_four_sums(d, s0, s1, s2, s3, s + t);
    for (int64_t i = whole; i < width; ++i)
      s[t] += q[i] * k0[i], s[t + 1] += q[i] * k1[i], s[t + 2] += q[i] * k2[i], s[t + 3] += q[i] * k3[i];
  }
  for (; t < keys; ++t) {
    auto sum = hn::Zero(d);
    for (int64_t i = 0; i < whole; i += lanes)
      sum = hn::MulAdd(hn::LoadU(d, q + i), hn::LoadU(d, k + t * width + i), sum);
    s[t] = hn::GetLane(hn::SumOfLanes(d, sum));
    for (int64_t i = whole; i < width; ++i) s[t] += q[i] * k[t * width + i];
  }
}

// Vectors no wider than a row that they fill.
static void scores(int64_t width, const float* q, const float* k, int64_t keys, float* s) {
  if (width % 16 == 0) return dots(hn::CappedTag<float, 16>(), width, q, k, keys, s);
  if (width % 8 == 0) return dots(hn::CappedTag<float, 8>(), width, q, k, keys, s);
  if (width < 16) return dots(hn::CappedTag<float, 4>(), width, q, k, keys, s);
  dots(hn::CappedTag<float, 16>(), width, q, k, keys, s);
}

// w = exp(scale s - most) in the place of s. Returns their sum.
static float exponentials(int64_t count, float scale, float* HWY_RESTRICT s) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto most = hn::Set(d, -INFINITY);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto scaled = hn::Mul(hn::LoadU(d, s + i), hn::Set(d, scale));
    hn::StoreU(scaled, d, s + i);
    most = hn::Max(most, scaled);
  }
  float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < count; ++i) s[i] *= scale, largest = std::max(largest, s[i]);
  auto total = hn::Zero(d);
  for (i = 0; i + lanes <= count; i += lanes) {
    const auto w = exp_of(d, hn::Sub(hn::LoadU(d, s + i), hn::Set(d, largest)));
    hn::StoreU(w, d, s + i);
    total = hn::Add(total, w);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, total));
  const hn::CappedTag<float, 1> single;
  for (; i < count; ++i) {
    s[i] = hn::GetLane(exp_of(single, hn::Set(single, s[i] - largest)));
    sum += s[i];
  }
  return sum;
}

// y += sum_t w[t] v[t] for the channels of kVectors vectors, which stay in registers, even and odd rows apart.
template <int kVectors, class D>
HWY_INLINE void add_channels(D d, const float* HWY_RESTRICT w, const float* HWY_RESTRICT v, int64_t stride,
                             int64_t rows, float* HWY_RESTRICT y) {
  static_assert(kVectors == 1 || kVectors == 4);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t t = 0;
  if constexpr (kVectors == 1) {
    auto a0 = hn::LoadU(d, y), a1 = hn::Zero(d), a2 = a1, a3 = a1;
    for (; t + 4 <= rows; t += 4) {
      const float* const row = v + t * stride;
      a0 = hn::MulAdd(hn::Set(d, w[t]), hn::LoadU(d, row), a0);
      a1 = hn::MulAdd(hn::Set(d, w[t + 1]), hn::LoadU(d, row + stride), a1);
      a2 = hn::MulAdd(hn::Set(d, w[t + 2]), hn::LoadU(d, row + 2 * stride), a2);
      a3 = hn::MulAdd(hn::Set(d, w[t + 3]), hn::LoadU(d, row + 3 * stride), a3);
    }
    for (; t < rows; ++t) a0 = hn::MulAdd(hn::Set(d, w[t]), hn::LoadU(d, v + t * stride), a0);
    hn::StoreU(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), d, y);
  } else {
    auto a0 = hn::LoadU(d, y), a1 = hn::LoadU(d, y + lanes), a2 = hn::LoadU(d, y + 2 * lanes),
         a3 = hn::LoadU(d, y + 3 * lanes), b0 = hn::Zero(d), b1 = b0, b2 = b0, b3 = b0;
    for (; t + 2 <= rows; t += 2) {
      const auto even = hn::Set(d, w[t]), odd = hn::Set(d, w[t + 1]);
      const float *const row = v + t * stride, *const next = row + stride;
      a0 = hn::MulAdd(even, hn::LoadU(d, row), a0), b0 = hn::MulAdd(odd, hn::LoadU(d, next), b0);
      a1 = hn::MulAdd(even, hn::LoadU(d, row + lanes), a1), b1 = hn::MulAdd(odd, hn::LoadU(d, next + lanes), b1);
      a2 = hn::MulAdd(even, hn::LoadU(d, row + 2 * lanes), a2), b2 = hn::MulAdd(odd, hn::LoadU(d, next + 2 * lanes), b2);
      a3 = hn::MulAdd(even, hn::LoadU(d, row + 3 * lanes), a3), b3 = hn::MulAdd(odd, hn::LoadU(d, next + 3 * lanes), b3);
    }
    if (t < rows) {
      const auto even = hn::Set(d, w[t]);
      const float* const row = v + t * stride;
      a0 = hn::MulAdd(even, hn::LoadU(d, row), a0), a1 = hn::MulAdd(even, hn::LoadU(d, row + lanes), a1);
      a2 = hn::MulAdd(even, hn::LoadU(d, row + 2 * lanes), a2), a3 = hn::MulAdd(even, hn::LoadU(d, row + 3 * lanes), a3);
    }
    hn::StoreU(hn::Add(a0, b0), d, y), hn::StoreU(hn::Add(a1, b1), d, y + lanes);
    hn::StoreU(hn::Add(a2, b2), d, y + 2 * lanes), hn::StoreU(hn::Add(a3, b3), d, y + 3 * lanes);
  }
}

static void add_values(int64_t width, const float* w, const float* v, int64_t rows, float* y) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 4 * lanes <= width; c += 4 * lanes) add_channels<4>(d, w, v + c, width, rows, y + c);
  for (; c + lanes <= width; c += lanes) add_channels<1>(d, w, v + c, width, rows, y + c);
  const hn::CappedTag<float, 4> few;
  for (; c + 4 <= width; c += 4) add_channels<1>(few, w, v + c, width, rows, y + c);
  const hn::CappedTag<float, 1> single;
  for (; c < width; ++c) add_channels<1>(single, w, v + c, width, rows, y + c);
}

static void attend(const Extent& e, const Group& group, float scale, float* s) {
  const int64_t most = e.queries == 1 ? std::max<int64_t>(1, e.keys) : kBlockRows;
  for (int64_t block = 0; block < e.keys; block += most) {
    const int64_t rows = std::min(most, e.keys - block);
    for (int64_t r = 0; r < e.queries; ++r)
      scores(e.key_width, group.q + r * e.key_width, group.k + block * e.key_width, rows, s + r * e.keys + block);
  }
  std::fill_n(group.y, e.queries * e.value_width, 0.0f);
  float* const sums = s + e.queries * e.keys;
  for (int64_t r = 0; r < e.queries; ++r) sums[r] = exponentials(e.keys, scale, s + r * e.keys);
  for (int64_t block = 0; block < e.keys; block += most) {
    const int64_t rows = std::min(most, e.keys - block);
    for (int64_t r = 0; r < e.queries; ++r)
      add_values(e.value_width, s + r * e.keys + block, group.v + block * e.value_width, rows,
                 group.y + r * e.value_width);
  }
  if (e.keys == 0) return;
  for (int64_t r = 0; r < e.queries; ++r) {
    float* const y = group.y + r * e.value_width;
    each_vector(e.value_width, [=](auto d, int64_t i) {
      hn::StoreU(hn::Div(hn::LoadU(d, y + i), hn::Set(d, sums[r])), d, y + i);
    });
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(attend);

void token_attention_paths::attend(const Extent& extent, const Group& group, float scale, float* scores) {
  HWY_DYNAMIC_DISPATCH(attend)(extent, group, scale, scores);
}

}  // namespace subband
#endif
