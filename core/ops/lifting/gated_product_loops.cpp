// The CPU path of gated_product besides its products: the gate, and its derivative.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/ops/lifting/gated_product_loops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h
#include <hwy/highway.h>

#include "core/ops/lifting/gated_product.h"
#include "core/ops/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace subband::HWY_NAMESPACE {

using gated_product_paths::Rows;

template <class V>
struct Gate {
  V value, slope;
};

template <GateKind kGate, class D, class V = hn::Vec<D>>
HWY_INLINE Gate<V> gate_at(D d, V x) {
  if constexpr (kGate == GateKind::relu) {
    // As LibTorch's: infinity is no reason for anything but 0, and what is not a number stays so.
    const V one = hn::Set(d, 1.0f);
    return {hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x), hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), one)};
  } else if constexpr (kGate == GateKind::gelu) {
    const auto at_x = normal(d, x);
    return {hn::Mul(x, at_x.below), hn::MulAdd(x, at_x.density, at_x.below)};
  } else {
    const V s = sigmoid(d, x), falling = hn::Sub(hn::Set(d, 1.0f), s);
    if constexpr (kGate == GateKind::sigmoid) return {s, hn::Mul(s, falling)};
    return {hn::Mul(x, s), hn::Mul(s, hn::MulAdd(x, falling, hn::Set(d, 1.0f)))};
  }
}

template <GateKind kGate>
static void gate_rows_of(const Rows& rows, const float* HWY_RESTRICT mk, const float* HWY_RESTRICT bias,
                         float* HWY_RESTRICT y) {
  const int64_t columns = rows.columns;
  for (int64_t row = 0; row < rows.rows; ++row, mk += 2 * columns, y += columns) {
    each_vector(columns, [=](auto d, int64_t i) {
      const auto gate = gate_at<kGate>(d, hn::LoadU(d, mk + columns + i)).value;
      auto product = hn::Mul(hn::LoadU(d, mk + i), gate);
      if (bias) product = hn::Add(product, hn::LoadU(d, bias + i));
      hn::StoreU(product, d, y + i);
    });
  }
}

template <GateKind kGate>
static void gate_rows_backward_of(const Rows& rows, const float* HWY_RESTRICT mk, const float* HWY_RESTRICT g,
                                  float* HWY_RESTRICT of_mk, float* HWY_RESTRICT sums) {
  const int64_t columns = rows.columns;
  for (int64_t row = 0; row < rows.rows; ++row) {
    each_vector(columns, [=](auto d, int64_t i) {
      const auto gate = gate_at<kGate>(d, hn::LoadU(d, mk + columns + i));
      const auto up = hn::LoadU(d, g + i);
      hn::StoreU(hn::Mul(up, gate.value), d, of_mk + i);
      hn::StoreU(hn::Mul(hn::Mul(up, hn::LoadU(d, mk + i)), gate.slope), d, of_mk + columns + i);
      if (sums) hn::StoreU(hn::Add(hn::LoadU(d, sums + i), up), d, sums + i);
    });
    mk += 2 * columns, of_mk += 2 * columns, g += columns;
  }
}

static void gate_rows(const Rows& rows, GateKind gate, const float* mk, const float* bias, float* y) {
  switch (gate) {
    case GateKind::sigmoid:
      return gate_rows_of<GateKind::sigmoid>(rows, mk, bias, y);
    case GateKind::silu:
      return gate_rows_of<GateKind::silu>(rows, mk, bias, y);
    case GateKind::gelu:
      return gate_rows_of<GateKind::gelu>(rows, mk, bias, y);
    case GateKind::relu:
      return gate_rows_of<GateKind::relu>(rows, mk, bias, y);
  }
}

static void gate_rows_backward(const Rows& rows, GateKind gate, const float* mk, const float* g, float* of_mk,
                               float* sums) {
  switch (gate) {
    case GateKind::sigmoid:
      return gate_rows_backward_of<GateKind::sigmoid>(rows, mk, g, of_mk, sums);
    case GateKind::silu:
      return gate_rows_backward_of<GateKind::silu>(rows, mk, g, of_mk, sums);
    case GateKind::gelu:
      return gate_rows_backward_of<GateKind::gelu>(rows, mk, g, of_mk, sums);
    case GateKind::relu:
      return gate_rows_backward_of<GateKind::relu>(rows, mk, g, of_mk, sums);
  }
}

}  // namespace subband::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace subband {

HWY_EXPORT(gate_rows);
HWY_EXPORT(gate_rows_backward);

void gated_product_paths::gate_rows(const Rows& rows, GateKind gate, const float* mk, const float* bias,
                                    float* y) {
  HWY_DYNAMIC_DISPATCH(gate_rows)(rows, gate, mk, bias, y);
}
void gated_product_paths::gate_rows_backward(const Rows& rows, GateKind gate, const float* mk, const float* g,
                                             float* of_mk, float* sums) {
  HWY_DYNAMIC_DISPATCH(gate_rows_backward)(rows, gate, mk, g, of_mk, sums);
}

}  // namespace subband
#endif
