// The lanes of packed weights as numbers, for loops that are compiled once for every instruction set (Google Highway). To be
// included after hwy/highway.h, again for every set: hence no `#pragma once`.
#if defined(SUBBAND_PACKED_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SUBBAND_PACKED_LANES_INL_H_
#undef SUBBAND_PACKED_LANES_INL_H_
#else
#define SUBBAND_PACKED_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include "core/ops/products/packed_product_loops.h"

HWY_BEFORE_NAMESPACE();
namespace subband::packed_product_paths::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kLanes = 16;  // of the packed form

template <int kBits>
constexpr int kFields = kBits == 8   ? 1
                        : kBits == 4 ? 2
                                     : 4;  // of a lane
template <int kBits>
constexpr size_t kBlockBytes = kBits == 3 ? 24 : 16;
template <int kBits>
constexpr size_t kBlock = kLanes* static_cast<size_t>(kFields<kBits>);

// The third bits of eight lanes lie in eight bytes, so that no more are taken at once.
template <int kBits>
using Floats = hn::CappedTag<float, kBits == 3 ? 8 : kLanes>;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// AVX-512 looks sixteen numbers up at once by the low four bits of a lane, whatever stands above them: no mask, no sign and
// no conversion. Of 2 bits every number stands there four times.
template <int kBits>
HWY_INLINE hn::Vec512<float> LookUp(hn::Vec512<int32_t> lanes) {
  constexpr int kSign = 1 << (kBits - 1);
  const auto number = [](int i) constexpr {
    return static_cast<float>(((i & (2 * kSign - 1)) ^ kSign) - kSign);
  };
  alignas(64) static constexpr float kNumbers[kLanes] = {
      number(0), number(1), number(2),  number(3),  number(4),  number(5),  number(6),  number(7),
      number(8), number(9), number(10), number(11), number(12), number(13), number(14), number(15)};
  return hn::Vec512<float>{_mm512_permutexvar_ps(lanes.raw, _mm512_load_ps(kNumbers))};
}
#define SUBBAND_LOOKS_UP 1
#else
#define SUBBAND_LOOKS_UP 0
#endif

// Field kField of the lanes from `lane` on, as numbers.
template <int kBits, int kField, class D>
HWY_INLINE hn::Vec<D> Values(D d, const uint8_t* HWY_RESTRICT block, size_t lane) {
  const hn::RebindToSigned<D> whole;
  const hn::Rebind<int8_t, D> bytes;
  const auto raw = hn::PromoteTo(whole, hn::LoadU(bytes, reinterpret_cast<const int8_t*>(block) + lane));
  if constexpr (kBits == 8) {
    return hn::ConvertTo(d, raw);
  } else if constexpr (kBits == 3) {
    const hn::Rebind<uint8_t, D> halves;
    const auto thirds = hn::PromoteTo(whole, hn::LoadU(halves, block + kLanes + lane % 8));
    const auto third = hn::ShiftRightSame(thirds, static_cast<int>(lane / 8 * 4) + kField);
    const auto low = hn::And(hn::ShiftRight<2 * kField>(raw), hn::Set(whole, 3));
    const auto all = hn::Or(low, hn::ShiftLeft<2>(third));
    return hn::ConvertTo(d, hn::ShiftRight<29>(hn::ShiftLeft<29>(all)));
#if SUBBAND_LOOKS_UP
  } else if constexpr (kField == 0) {
    return LookUp<kBits>(raw);
  } else {
    return LookUp<kBits>(hn::ShiftRight<kField * kBits>(raw));
  }
#else
  } else if constexpr (kField + 1 == kFields<kBits>) {
    return hn::ConvertTo(d, hn::ShiftRight<8 - kBits>(raw));
  } else {
    return hn::ConvertTo(d, hn::ShiftRight<32 - kBits>(hn::ShiftLeft<32 - kBits*(kField + 1)>(raw)));
  }
#endif
}
#undef SUBBAND_LOOKS_UP

// The scales of a row's groups, as floats.
HWY_INLINE void RowScales(const PackedView& w, size_t row, float* HWY_RESTRICT scales) {
  const size_t groups = static_cast<size_t>(w.form.groups());
  if (w.scales) {
    scales[0] = w.scales[w.form.scale_rows() == 1 ? 0 : row];
    return;
  }
  const hn::CappedTag<float, 1> one;
  const hn::Rebind<hwy::float16_t, decltype(one)> half;
  const auto* from = reinterpret_cast<const hwy::float16_t*>(w.group_scales) + row * groups;
  for (size_t g = 0; g < groups; ++g)
    hn::StoreU(hn::PromoteTo(one, hn::LoadU(half, from + g)), one, scales + g);
}

HWY_INLINE const int8_t* RowZeros(const PackedView& w, size_t row) {
  if (w.zeros == nullptr) return nullptr;
  return w.zeros + (w.form.scale_rows() == 1 ? 0 : row * static_cast<size_t>(w.form.groups()));
}

}  // namespace subband::packed_product_paths::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
