// Packed weights as floats, row by row.
#include <algorithm>
#include <vector>

#include "core/ops/products/packed_product_loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/products/unpack_loops.cpp"  // this file, once for every instruction set
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "core/ops/products/packed_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::packed_product_paths::HWY_NAMESPACE {

// Field kField and those behind it of one block, as (q - zero) * scale, of which each 32 values have their own.
template <int kBits, int kField>
HWY_INLINE void UnpackFields(const uint8_t* block, const float* HWY_RESTRICT scales,
                             const float* HWY_RESTRICT zeros, float* HWY_RESTRICT dense) {
  const Floats<kBits> d;
  const auto scale = hn::Set(d, scales[kField / 2]), zero = hn::Set(d, zeros[kField / 2]);
  for (size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
    const auto w = Values<kBits, kField>(d, block, lane);
    hn::StoreU(hn::Mul(hn::Sub(w, zero), scale), d, dense + kField * kLanes + lane);
  }
  if constexpr (kField + 1 < kFields<kBits>) UnpackFields<kBits, kField + 1>(block, scales, zeros, dense);
}

template <int kBits>
HWY_NOINLINE void Unpack(const PackedView& w, RowSpan rows, float* dense) {
  const size_t groups = static_cast<size_t>(w.form.groups()), columns = static_cast<size_t>(w.form.columns);
  std::vector<float> scales(groups);
  float last[kBlock<kBits>];
  for (size_t row = static_cast<size_t>(rows.first); row < static_cast<size_t>(rows.last);
       ++row, dense += columns) {
    RowScales(w, row, scales.data());
    const int8_t* zeros = RowZeros(w, row);
    const uint8_t* block = w.codes + row * static_cast<size_t>(w.form.row_bytes());
    for (size_t c = 0; c < columns; c += kBlock<kBits>, block += kBlockBytes<kBits>) {
      float scale[2], zero[2];
      for (size_t half = 0; half < 2; ++half) {
        const size_t g = w.form.has_groups()
                             ? std::min((c + 32 * half) / static_cast<size_t>(w.form.group), groups - 1)
                             : 0;
        scale[half] = scales[g];
        zero[half] = zeros ? static_cast<float>(zeros[g]) : 0.0f;
      }
      const size_t count = std::min(kBlock<kBits>, columns - c);
      float* to = count == kBlock<kBits> ? dense + c : last;
      UnpackFields<kBits, 0>(block, scale, zero, to);
      if (to == last) std::copy_n(last, count, dense + c);
    }
  }
}

void UnpackOfAnyBits(const PackedView& w, RowSpan rows, float* dense) {
  switch (w.form.bits) {
    case 8:
      return Unpack<8>(w, rows, dense);
    case 4:
      return Unpack<4>(w, rows, dense);
    case 3:
      return Unpack<3>(w, rows, dense);
    default:
      return Unpack<2>(w, rows, dense);
  }
}

}  // namespace subband::packed_product_paths::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband::packed_product_paths {

HWY_EXPORT(UnpackOfAnyBits);

void unpack_loops(const PackedView& matrix, RowSpan rows, float* dense) {
  HWY_DYNAMIC_DISPATCH(UnpackOfAnyBits)(matrix, rows, dense);
}

}  // namespace subband::packed_product_paths
#endif
