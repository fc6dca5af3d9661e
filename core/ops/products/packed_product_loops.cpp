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

#include "core/ops/products/packed_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::packed_product_paths::HWY_NAMESPACE {

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

const char* Instructions() { return hwy::TargetName(HWY_TARGET); }

}  // namespace subband::packed_product_paths::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband::packed_product_paths {

HWY_EXPORT(ProductOfAnyBits);
HWY_EXPORT(Instructions);

void loops(const PackedView& matrix, const PackedInputs& inputs, RowSpan rows) {
  HWY_DYNAMIC_DISPATCH(ProductOfAnyBits)(matrix, inputs, rows);
}

const char* loops_instructions() { return HWY_DYNAMIC_DISPATCH(Instructions)(); }

}  // namespace subband::packed_product_paths
#endif
