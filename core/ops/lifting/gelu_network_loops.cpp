// The CPU path of gelu_network: GELU and its derivative from one exponential, with bias and column sums in the same pass.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/lifting/gelu_network_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/lifting/gelu_network.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using gelu_network_paths::Rows;

static void gelu(const Rows& rows, const float* HWY_RESTRICT h, const float* HWY_RESTRICT bias, float* a) {
  for (int64_t row = 0; row < rows.rows; ++row, h += rows.columns, a += rows.columns) {
    each_vector(rows.columns, [=](auto d, int64_t i) {
      auto x = hn::LoadU(d, h + i);
      if (bias) x = hn::Add(x, hn::LoadU(d, bias + i));
      hn::StoreU(hn::Mul(x, normal(d, x).below), d, a + i);
    });
  }
}

static void gelu_backward(const Rows& rows, const float* HWY_RESTRICT h, const float* HWY_RESTRICT bias,
                          float* HWY_RESTRICT gradient, float* HWY_RESTRICT a, float* HWY_RESTRICT sums) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    each_vector(rows.columns, [=](auto d, int64_t i) {
      auto x = hn::LoadU(d, h + i);
      if (bias) x = hn::Add(x, hn::LoadU(d, bias + i));
      const auto at_x = normal(d, x);
      const auto slope = hn::MulAdd(x, at_x.density, at_x.below);
      const auto g = hn::Mul(hn::LoadU(d, gradient + i), slope);
      hn::StoreU(hn::Mul(x, at_x.below), d, a + i);
      hn::StoreU(g, d, gradient + i);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), g), d, sums + i);
    });
    h += rows.columns, gradient += rows.columns, a += rows.columns;
  }
}

static void add_rows(const Rows& rows, const float* HWY_RESTRICT x, float* HWY_RESTRICT sums) {
  for (int64_t row = 0; row < rows.rows; ++row, x += rows.columns) {
    each_vector(rows.columns, [=](auto d, int64_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, x + i)), d, sums + i);
    });
  }
}

static const char* instructions() { return hwy::TargetName(HWY_TARGET); }

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(gelu);
HWY_EXPORT(gelu_backward);
HWY_EXPORT(add_rows);
HWY_EXPORT(instructions);

void gelu_network_paths::gelu(const Rows& rows, const float* h, const float* bias, float* a) {
  HWY_DYNAMIC_DISPATCH(gelu)(rows, h, bias, a);
}

void gelu_network_paths::gelu_backward(const Rows& rows, const float* h, const float* bias, float* d,
                                       float* a, float* sums) {
  HWY_DYNAMIC_DISPATCH(gelu_backward)(rows, h, bias, d, a, sums);
}

void gelu_network_paths::add_rows(const Rows& rows, const float* x, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_rows)(rows, x, sums);
}

const char* gelu_network_paths::instructions() { return HWY_DYNAMIC_DISPATCH(instructions)(); }

}  // namespace subband
#endif
