// Packed weights times vectors of floats, unpacked in registers: a matrix is read once, in its packed form. Several rows
// go side by side, so that their chains of sums hide each other's latency; several inputs share what was unpacked.
#include "core/ops/products/packed_product_loops.h"

#include <algorithm>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/products/packed_product_loops.cpp"  // this file, once for every instruction set
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

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

// Where rows of the matrix and inputs are read.
struct Cursor {
  const uint8_t* codes;
  size_t row_bytes;
  const float* x;
  size_t stride;
};

// sums[row, input] += field * x, of the fields kField to kEnd of a block.
template <int kBits, int kField, int kEnd, int kRows, int kInputs, class D>
HWY_INLINE void AddFields(D d, const Cursor& at, size_t lane, hn::Vec<D>* HWY_RESTRICT sums) {
  hn::Vec<D> x[kInputs];
  for (size_t n = 0; n < kInputs; ++n) x[n] = hn::LoadU(d, at.x + n * at.stride + kField * kLanes + lane);
  for (size_t row = 0; row < kRows; ++row) {
    const auto w = Values<kBits, kField>(d, at.codes + row * at.row_bytes, lane);
    for (size_t n = 0; n < kInputs; ++n)
      sums[row * kInputs + n] = hn::MulAdd(w, x[n], sums[row * kInputs + n]);
  }
  if constexpr (kField + 1 < kEnd) AddFields<kBits, kField + 1, kEnd, kRows, kInputs>(d, at, lane, sums);
}

template <int kBits, int kFrom, int kEnd, int kRows, int kInputs, class D>
HWY_INLINE void AddBlocks(D d, Cursor at, size_t blocks, hn::Vec<D>* HWY_RESTRICT sums) {
  for (size_t block = 0; block < blocks; ++block) {
    // The rows that come next, whose beginnings no prefetcher of the processor knows.
    for (size_t row = 0; row < kRows; ++row) hwy::Prefetch(at.codes + (kRows + row) * at.row_bytes);
    for (size_t lane = 0; lane < kLanes; lane += hn::Lanes(d))
      AddFields<kBits, kFrom, kEnd, kRows, kInputs>(d, at, lane, sums);
    at.codes += kBlockBytes<kBits>;
    at.x += kBlock<kBits>;
  }
}

// One group of several rows: whole blocks, or half a block.
template <int kBits, int kRows, int kInputs, class D>
HWY_INLINE void AddGroup(D d, const PackedForm& form, Cursor at, size_t group,
                         hn::Vec<D>* HWY_RESTRICT sums) {
  const size_t blocks = static_cast<size_t>(form.row_blocks());
  if (!form.has_groups()) return AddBlocks<kBits, 0, kFields<kBits>, kRows, kInputs>(d, at, blocks, sums);
  const size_t size = static_cast<size_t>(form.group), first = group * size / kBlock<kBits>;
  at.codes += first * kBlockBytes<kBits>;
  at.x += first * kBlock<kBits>;
  if constexpr (kFields<kBits> == 4) {
    if (size < kBlock<kBits>)
      return group % 2 == 0 ? AddBlocks<kBits, 0, 2, kRows, kInputs>(d, at, 1, sums)
                            : AddBlocks<kBits, 2, 4, kRows, kInputs>(d, at, 1, sums);
  }
  AddBlocks<kBits, 0, kFields<kBits>, kRows, kInputs>(d, at, std::min(size / kBlock<kBits>, blocks - first),
                                                      sums);
}

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

// What is taken at once.
struct Corner {
  size_t row, input;
};

// `scales`: room for kRows times the groups.
template <int kBits, int kRows, int kInputs>
HWY_INLINE void Tile(const PackedView& w, const PackedInputs& in, Corner corner, float* HWY_RESTRICT scales) {
  const Floats<kBits> d;
  const size_t groups = static_cast<size_t>(w.form.groups()), stride = static_cast<size_t>(in.stride);
  const size_t row_bytes = static_cast<size_t>(w.form.row_bytes());
  const Cursor at{w.codes + corner.row * row_bytes, row_bytes, in.x + corner.input * stride, stride};
  hn::Vec<Floats<kBits>> totals[kRows * kInputs];
  for (auto& total : totals) total = hn::Zero(d);
  for (size_t row = 0; row < kRows; ++row) RowScales(w, corner.row + row, scales + row * groups);
  for (size_t g = 0; g < groups; ++g) {
    hn::Vec<Floats<kBits>> sums[kRows * kInputs];
    for (auto& sum : sums) sum = hn::Zero(d);
    AddGroup<kBits, kRows, kInputs>(d, w.form, at, g, sums);
    for (size_t row = 0; row < kRows; ++row) {
      const auto scale = hn::Set(d, scales[row * groups + g]);
      for (size_t n = 0; n < kInputs; ++n)
        totals[row * kInputs + n] = hn::MulAdd(sums[row * kInputs + n], scale, totals[row * kInputs + n]);
    }
  }
  for (size_t row = 0; row < kRows; ++row) {
    const int8_t* zeros = RowZeros(w, corner.row + row);
    for (size_t n = 0; n < kInputs; ++n) {
      float sum = hn::GetLane(hn::SumOfLanes(d, totals[row * kInputs + n]));
      for (size_t g = 0; zeros != nullptr && g < groups; ++g)
        sum -= scales[row * groups + g] * static_cast<float>(zeros[g]) *
               in.sums[(corner.input + n) * groups + g];
      in.y[(corner.input + n) * static_cast<size_t>(w.form.rows) + corner.row + row] = sum;
    }
  }
}

// All inputs of kRows rows.
template <int kBits, int kRows>
HWY_INLINE void Band(const PackedView& w, const PackedInputs& in, size_t row, float* HWY_RESTRICT scales) {
  const size_t count = static_cast<size_t>(in.count);
  size_t n = 0;
  for (; n + 4 <= count; n += 4) Tile<kBits, kRows, 4>(w, in, {row, n}, scales);
  for (; n < count; ++n) Tile<kBits, kRows, 1>(w, in, {row, n}, scales);
}

template <int kBits>
HWY_NOINLINE void Product(const PackedView& w, const PackedInputs& in, RowSpan rows) {
  constexpr size_t kRows = 4;
  std::vector<float> scales(kRows * static_cast<size_t>(w.form.groups()));
  size_t row = static_cast<size_t>(rows.first);
  const size_t last = static_cast<size_t>(rows.last);
  for (; row + kRows <= last; row += kRows) Band<kBits, kRows>(w, in, row, scales.data());
  for (; row < last; ++row) Band<kBits, 1>(w, in, row, scales.data());
}

void ProductOfAnyBits(const PackedView& w, const PackedInputs& in, RowSpan rows) {
  switch (w.form.bits) {
    case 8:
      return Product<8>(w, in, rows);
    case 4:
      return Product<4>(w, in, rows);
    case 3:
      return Product<3>(w, in, rows);
    default:
      return Product<2>(w, in, rows);
  }
}

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

const char* Instructions() { return hwy::TargetName(HWY_TARGET); }

}  // namespace subband::packed_product_paths::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband::packed_product_paths {

HWY_EXPORT(ProductOfAnyBits);
HWY_EXPORT(UnpackOfAnyBits);
HWY_EXPORT(Instructions);

void loops(const PackedView& matrix, const PackedInputs& inputs, RowSpan rows) {
  HWY_DYNAMIC_DISPATCH(ProductOfAnyBits)(matrix, inputs, rows);
}

void unpack_loops(const PackedView& matrix, RowSpan rows, float* dense) {
  HWY_DYNAMIC_DISPATCH(UnpackOfAnyBits)(matrix, rows, dense);
}

const char* loops_instructions() { return HWY_DYNAMIC_DISPATCH(Instructions)(); }

}  // namespace subband::packed_product_paths
#endif
